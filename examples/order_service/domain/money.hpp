// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>

namespace shop {

/// An amount in cents of the shop's one currency. Negative: the shop owes it to the customer.
struct money {
  std::int64_t cents = 0;

  friend constexpr auto operator<=>(const money&, const money&) = default;
  friend constexpr money operator+(money a, money b) noexcept { return {a.cents + b.cents}; }
  friend constexpr money operator-(money a, money b) noexcept { return {a.cents - b.cents}; }
  friend constexpr money operator*(std::int64_t n, money a) noexcept { return {n * a.cents}; }
  constexpr money& operator+=(money other) noexcept { return *this = *this + other; }
};

}  // namespace shop
