// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/lease.hpp>
#include <gabion/log/position.hpp>

// What a relay and a consumer tell their observer. What an event refers to lives only as long as
// the call.
namespace gabion {
inline namespace v0 {

/// The transport has accepted a message for good.
struct message_published {
  const message& what;
  position at{};
  /// Wall time since message::time, never negative; nothing if that is not set
  std::optional<duration> lag{};
};

/// A consumer's handler has taken effect: its transaction is committed.
struct message_handled {
  const message& what;
  std::string_view consumer{};
  /// Wall time since message::time, never negative; nothing if that is not set
  std::optional<duration> lag{};
};

/// A consumer has seen this message before; nothing was done.
struct message_repeated {
  const message& what;
  std::string_view consumer{};
};

/// An attempt failed, and the store remembers it; there will be another.
struct message_retried {
  const message& what;
  position at{};
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// Whether a message was accepted is unknown; it is handed over again with the same id.
struct message_in_doubt {
  const message& what;
  position at{};
  std::string_view reason{};
};

/// A message was given up and is kept as a dead letter.
struct message_dead {
  const message& what;
  position at{};
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// A message waits behind a dead letter of its key.
struct message_parked {
  const message& what;
  position at{};
};

/// A message cannot be handed over and the policy is pause: nothing goes on until resume().
struct pump_paused {
  position at{};
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// This relay now owns its lane.
struct lease_gained {
  const lease& held;
};

/// This relay no longer owns its lane; what was in flight will be handed over again by whoever
/// does.
struct lease_lost {
  const lease& held;
};

/// The store failed; it will be asked again after a while.
struct store_failed {
  std::string_view operation{};  ///< "acquire", "renew", "release", "fetch", "settle"
  std::error_code code{};
  std::string_view reason{};
};

/// The transport or the subscription failed as such; it will be used again after a while.
struct transport_failed {
  std::string_view operation{};  ///< "submit", "poll", "receive"
  std::error_code code{};
  std::string_view reason{};
};

namespace detail {

/// How long ago that was by wall time; nothing if it is not set.
[[nodiscard]] inline std::optional<duration> lag_since(wall_time then, wall_time now) noexcept {
  if (then == wall_time{}) return std::nullopt;
  if (now <= then) return duration::zero();
  const auto micros = (now - then).count();
  constexpr auto most = (duration::max)().count() / 1000;
  return micros > most ? (duration::max)() : duration{micros * 1000};
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
