// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <numeric>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/detail/wide.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The arithmetic of a token bucket, exact: time in ticks of 1/`ticks_per_ns` ns, in which a permit
/// costs a whole number of them.
///
/// The state is one number, the tick at which the bucket is full. All members are pure.
struct bucket_rule {
  /// Before any instant, at any rate: a bucket that is full at it is full.
  static constexpr wide long_ago{~std::uint64_t{0} << 36U, 0};  // -2^100

  std::uint64_t ticks_per_ns = 1;
  std::int64_t cost = 1;  ///< ticks of one permit
  wide capacity = 1;      ///< ticks of a full bucket

  bucket_rule(rate refill, std::uint32_t burst) noexcept {
    const auto per = static_cast<std::uint64_t>(refill.per.count());
    const std::uint64_t common = std::gcd(per, std::uint64_t{refill.permits});
    ticks_per_ns = refill.permits / common;
    cost = static_cast<std::int64_t>(per / common);
    capacity = detail::product(cost, burst);
  }

  [[nodiscard]] wide at(instant now) const noexcept {
    return detail::product(now.time_since_epoch().count(), static_cast<std::int64_t>(ticks_per_ns));
  }

  /// What is in the bucket, in ticks; negative if permits are reserved ahead.
  [[nodiscard]] wide level(wide full_at, wide now) const noexcept {
    return full_at <= now ? capacity : capacity - (full_at - now);
  }

  /// When the bucket is full after `permits` were taken at `now`.
  [[nodiscard]] wide after(wide full_at, wide now, std::uint32_t permits) const noexcept {
    return (full_at > now ? full_at : now) + detail::product(cost, permits);
  }

  /// How long after `now` a bucket that is full at `full_at` is not below empty: rounded up, held
  /// at duration::max().
  [[nodiscard]] duration wait(wide full_at, wide now) const noexcept {
    const wide missing = full_at - now - capacity;
    return missing <= 0 ? duration::zero() : rounded_up(missing);
  }

  [[nodiscard]] duration refill_time() const noexcept { return rounded_up(capacity); }

  /// A level of another rule as one of this: the same permits and the same part of the next one, at
  /// most all that fit in.
  [[nodiscard]] wide converted(wide level, const bucket_rule& from) const noexcept {
    const wide_quotient permits = detail::floor_divide(level, from.cost);
    const wide part = detail::floor_divide(detail::product(permits.rest, cost), from.cost).whole;
    const wide here = detail::product(detail::narrowed(permits.whole), cost) + part;
    return here < capacity ? here : capacity;
  }

 private:
  [[nodiscard]] duration rounded_up(wide ticks) const noexcept {
    const auto each = static_cast<std::int64_t>(ticks_per_ns);
    return duration{detail::narrowed(detail::floor_divide(ticks + (each - 1), each).whole)};
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
