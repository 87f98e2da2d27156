// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/delivery.hpp>

namespace gabion {
inline namespace v0 {

/// A message that came from a broker: partition and offset say where the consumer group stands.
/// A partition number is unique within a subscription, also when that spans several topics.
struct received {
  std::uint32_t partition = 0;
  position at{};
  message what{};
};

/// Gives the next messages of the partitions assigned to this member, in order within a partition,
/// each once while the assignment lasts; waits at most `max_wait` for the first, and zero never
/// blocks. Throws only if it has taken nothing, because what it has given out it does not give
/// again.
template <class S>
concept receives_messages = requires(S& s, std::size_t limit, duration max_wait) {
  { s.receive(limit, max_wait) } -> std::same_as<std::vector<received>>;
};

/// Moves the group's offset of a partition past `up_to`. Fenced if the partition now belongs to
/// somebody else.
template <class S>
concept commits_offsets = requires(S& s, std::uint32_t partition, position up_to) {
  { s.commit(partition, up_to) } -> std::same_as<settle_status>;
};

/// Counts up whenever partitions were taken from or given to this member. What a call of receive()
/// gives belongs to the count after it; everything received under an earlier one and not yet
/// committed comes again, here or elsewhere.
template <class S>
concept counts_assignments = requires(const S& s) {
  { s.assignment() } -> std::convertible_to<std::uint64_t>;
};

/// One member of a consumer group, for one consumer from its first message to its last: another one
/// would not see what the first has received and not settled. No thread safety is asked for.
template <class S>
concept subscription = receives_messages<S> && commits_offsets<S> && counts_assignments<S>;

/// Names everything that S lacks to be a subscription, in words.
template <class S>
consteval bool explain_subscription() {
  static_assert(receives_messages<S>,
                "subscription: `std::vector<received> receive(std::size_t limit, duration "
                "max_wait)` is missing");
  static_assert(
      commits_offsets<S>,
      "subscription: `settle_status commit(std::uint32_t partition, position up_to)` is missing");
  static_assert(counts_assignments<S>,
                "subscription: `std::uint64_t assignment() const` is missing");
  return subscription<S>;
}

}  // namespace v0
}  // namespace gabion
