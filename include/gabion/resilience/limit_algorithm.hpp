// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// What a limit algorithm learns from a finished call, or from a window of them.
struct limit_sample {
  duration rtt{};  ///< how long it took; 0 and up. Of a window: the average or the minimum
  /// Calls in flight when it was admitted, itself included. Of a window: the most
  std::uint32_t in_flight = 1;
  bool dropped = false;  ///< it timed out or was told that the other side is overloaded. Of a
                         ///< window: one of them
};

/// What the limiter has to do with the samples that come next.
enum class limit_effect : std::uint8_t {
  go_on,    ///< nothing special
  restart,  ///< calls that began before now say nothing any more: a new baseline is being measured
};

/// Tells the limit that it has come to: `std::uint32_t limit() const noexcept`, at least 1.
template <class L>
concept tells_limit = requires(const L& l) {
  requires noexcept(l.limit());
  { l.limit() } -> std::same_as<std::uint32_t>;
};

/// Learns from a sample: `limit_effect update(const limit_sample&) noexcept`.
template <class L>
concept learns_limit = requires(L& l, const limit_sample& sample) {
  requires noexcept(l.update(sample));
  { l.update(sample) } -> std::same_as<limit_effect>;
};

/// Finds out how many calls at a time the other side can take. A plain machine without clock: one
/// thread at a time uses it.
template <class L>
concept limit_algorithm = std::move_constructible<L> && tells_limit<L> && learns_limit<L>;

/// Names everything that L lacks to be a limit algorithm, in words.
template <class L>
consteval bool explain_limit_algorithm() {
  static_assert(std::move_constructible<L>, "limit_algorithm: it cannot be moved into the limiter");
  static_assert(tells_limit<L>,
                "limit_algorithm: `std::uint32_t limit() const noexcept` is missing");
  static_assert(learns_limit<L>,
                "limit_algorithm: `limit_effect update(const limit_sample&) noexcept` is missing");
  return limit_algorithm<L>;
}

/// A limit of 1 to 1,000,000 that never changes: a bulkhead without a queue.
class fixed_limit {
 public:
  explicit constexpr fixed_limit(std::uint32_t limit) noexcept : limit_{limit} {}
  [[nodiscard]] constexpr std::uint32_t limit() const noexcept { return limit_; }
  static constexpr limit_effect update(const limit_sample& /*sample*/) noexcept {
    return limit_effect::go_on;
  }

 private:
  std::uint32_t limit_;
};

}  // namespace v0
}  // namespace gabion
