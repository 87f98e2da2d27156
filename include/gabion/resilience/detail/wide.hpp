// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A signed 128-bit integer in standard C++, for products of an instant and a rate. Sums wrap
/// around.
struct wide {
  std::int64_t high = 0;
  std::uint64_t low = 0;

  constexpr wide() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion loses nothing
  constexpr wide(std::int64_t value) noexcept
      : high{value < 0 ? -1 : 0}, low{static_cast<std::uint64_t>(value)} {}
  constexpr wide(std::uint64_t upper, std::uint64_t lower) noexcept
      : high{static_cast<std::int64_t>(upper)}, low{lower} {}

  friend constexpr wide operator+(wide a, wide b) noexcept {
    const std::uint64_t sum = a.low + b.low;
    return {static_cast<std::uint64_t>(a.high) + static_cast<std::uint64_t>(b.high) +
                (sum < a.low ? 1 : 0),
            sum};
  }
  friend constexpr wide operator~(wide a) noexcept {
    return {~static_cast<std::uint64_t>(a.high), ~a.low};
  }
  friend constexpr wide operator-(wide a, wide b) noexcept {
    return {static_cast<std::uint64_t>(a.high) - static_cast<std::uint64_t>(b.high) -
                (a.low < b.low ? 1 : 0),
            a.low - b.low};
  }
  // In two's complement the lower half counts up in negative numbers too.
  friend constexpr std::strong_ordering operator<=>(wide a, wide b) noexcept = default;
  friend constexpr bool operator==(wide a, wide b) noexcept = default;
};

/// Returns a * b, exactly.
[[nodiscard]] constexpr wide product(std::int64_t a, std::int64_t b) noexcept {
  constexpr std::uint64_t half = 0xffff'ffff;
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  const std::uint64_t lows = (x & half) * (y & half);
  const std::uint64_t cross = (x >> 32U) * (y & half) + (lows >> 32U);
  const std::uint64_t middle = (x & half) * (y >> 32U) + (cross & half);
  const std::uint64_t upper = (x >> 32U) * (y >> 32U) + (cross >> 32U) + (middle >> 32U);
  // The product above treats a negative factor as 2^64 more than it is.
  return {upper - (a < 0 ? y : 0) - (b < 0 ? x : 0), middle << 32U | (lows & half)};
}

/// A quotient and its remainder.
struct wide_quotient {
  wide whole{};
  std::int64_t rest = 0;
};

/// Returns the largest `whole` with whole * divisor <= value, and the remainder, which is never
/// negative. The divisor must be positive.
[[nodiscard]] constexpr wide_quotient floor_divide(wide value, std::int64_t divisor) noexcept {
  if (value.high < 0) {
    const wide_quotient q = detail::floor_divide(~value, divisor);
    return {~q.whole, divisor - 1 - q.rest};
  }
  const auto by = static_cast<std::uint64_t>(divisor);
  const auto upper = static_cast<std::uint64_t>(value.high);
  std::uint64_t rest = upper % by;
  if (rest == 0) return {{upper / by, value.low / by}, static_cast<std::int64_t>(value.low % by)};
  std::uint64_t whole = 0;
  for (int bit = 63; bit >= 0; --bit) {  // rest < 2^63, so that doubling it does not overflow
    rest = rest << 1U | (value.low >> static_cast<unsigned>(bit) & 1U);
    whole <<= 1U;
    if (rest < by) continue;
    rest -= by;
    whole |= 1U;
  }
  return {{upper / by, whole}, static_cast<std::int64_t>(rest)};
}

/// Returns the value as 64 bits; saturates at the ends of their range.
[[nodiscard]] constexpr std::int64_t narrowed(wide value) noexcept {
  if (value > wide{INT64_MAX}) return INT64_MAX;
  if (value < wide{INT64_MIN}) return INT64_MIN;
  return static_cast<std::int64_t>(value.low);
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
