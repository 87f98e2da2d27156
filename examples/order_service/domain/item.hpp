// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "domain/money.hpp"

namespace shop {

/// What one order may hold. With these bounds no sum of money comes near the end of 64 bits.
struct order_limits {
  static constexpr std::size_t items = 100;
  static constexpr std::int64_t quantity = 10'000;
  static constexpr money unit_price{100'000'000};
  static constexpr money total{1'000'000'000};
};

/// One line of an order.
struct item {
  std::string product{};
  std::int64_t quantity = 1;
  money unit_price{};
  friend bool operator==(const item&, const item&) = default;
};

struct customer {
  std::string id{};
  std::string name{};
  std::string email{};
  friend bool operator==(const customer&, const customer&) = default;
};

[[nodiscard]] inline money total_of(const std::vector<item>& items) noexcept {
  money sum;
  for (const item& i : items) sum += i.quantity * i.unit_price;
  return sum;
}

[[nodiscard]] inline std::int64_t units_in(const std::vector<item>& items) noexcept {
  std::int64_t sum = 0;
  for (const item& i : items) sum += i.quantity;
  return sum;
}

}  // namespace shop
