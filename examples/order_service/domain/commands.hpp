// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/cqrs/validation.hpp>

#include "domain/item.hpp"

namespace shop {

/// What may not be ordered at once: the total is too high.
[[nodiscard]] inline std::optional<gabion::violation> check_total(const std::vector<item>& items) {
  const money total = total_of(items);
  if (total <= order_limits::total) return std::nullopt;
  return gabion::violation{"items", "cost " + std::to_string(total.cents) +
                                        " cents in all; allowed: up to " +
                                        std::to_string(order_limits::total.cents)};
}

// What somebody wants to happen to an order. Whether it may happen is for order_rules::decide to
// say; what is wrong with it whatever the order looks like, for its own validate().

/// Makes a new order; its id is made with it. A client that repeats it under the same key gets the
/// first one.
struct place_order {
  static constexpr std::string_view wire_name = "place_order";
  customer by{};
  std::vector<item> items{};

  [[nodiscard]] std::optional<gabion::violation> validate() const { return check_total(items); }
};

/// Replaces all items.
struct change_order {
  static constexpr std::string_view wire_name = "change_order";
  std::string order_id{};
  std::vector<item> items{};

  [[nodiscard]] std::optional<gabion::violation> validate() const { return check_total(items); }
};

struct add_item {
  static constexpr std::string_view wire_name = "add_item";
  std::string order_id{};
  item added{};

  [[nodiscard]] std::optional<gabion::violation> validate() const { return check_total({added}); }
};

struct cancel_order {
  static constexpr std::string_view wire_name = "cancel_order";
  std::string order_id{};
};

/// Starts a payment or a refund if the balance asks for one and none is under way; otherwise
/// nothing happens.
struct settle_balance {
  static constexpr std::string_view wire_name = "settle_balance";
  std::string order_id{};
};

struct queue_payment {
  static constexpr std::string_view wire_name = "queue_payment";
  std::string order_id{};
  std::uint32_t number = 0;
  money amount{};
  std::string reason{};
};

struct record_payment {
  static constexpr std::string_view wire_name = "record_payment";
  std::string order_id{};
  std::uint32_t number = 0;
};

struct decline_payment {
  static constexpr std::string_view wire_name = "decline_payment";
  std::string order_id{};
  std::uint32_t number = 0;
  std::string reason{};
};

}  // namespace shop
