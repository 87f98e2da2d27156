// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <gabion/core/clock.hpp>

// Arithmetic on time that stops at the ends of the range: "for ever" stays for ever, and nothing
// wraps into the past.
namespace gabion {
inline namespace v0 {

namespace detail {

[[nodiscard]] constexpr duration::rep saturating_add(duration::rep a, duration::rep b) noexcept {
  using limits = std::numeric_limits<duration::rep>;
  duration::rep sum{};
  if (!__builtin_add_overflow(a, b, &sum)) [[likely]]
    return sum;
  return b > 0 ? (limits::max)() : (limits::min)();
}

[[nodiscard]] constexpr duration::rep saturating_subtract(duration::rep a,
                                                          duration::rep b) noexcept {
  using limits = std::numeric_limits<duration::rep>;
  duration::rep difference{};
  if (!__builtin_sub_overflow(a, b, &difference)) [[likely]]
    return difference;
  return b < 0 ? (limits::max)() : (limits::min)();
}

}  // namespace detail

/// a + b, held at duration::min() and duration::max().
[[nodiscard]] constexpr duration saturating_add(duration a, duration b) noexcept {
  return duration{detail::saturating_add(a.count(), b.count())};
}

/// from + d, held at instant::min() and instant::max().
[[nodiscard]] constexpr instant saturating_add(instant from, duration d) noexcept {
  return instant{gabion::saturating_add(duration{from.time_since_epoch()}, d)};
}

/// How long it is from `since` to `now`: never negative, even if the clock went back;
/// duration::max() if it is longer.
[[nodiscard]] constexpr duration elapsed(instant since, instant now) noexcept {
  if (now <= since) return duration::zero();
  return duration{detail::saturating_subtract(now.time_since_epoch().count(),
                                              since.time_since_epoch().count())};
}

}  // namespace v0
}  // namespace gabion
