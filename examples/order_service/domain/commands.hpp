// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/item.hpp"

namespace shop {

// What somebody wants to happen to an order. Each names its order; whether it may happen is for decide() to say.

struct place_order {
  static constexpr std::string_view wire_name = "place_order";
  std::string order_id{};
  customer by{};
  std::vector<item> items{};
};

/// Replaces all items.
struct change_order {
  static constexpr std::string_view wire_name = "change_order";
  std::string order_id{};
  std::vector<item> items{};
};

struct add_item {
  static constexpr std::string_view wire_name = "add_item";
  std::string order_id{};
  item added{};
};

struct cancel_order {
  static constexpr std::string_view wire_name = "cancel_order";
  std::string order_id{};
};

/// Starts a payment or a refund if the balance asks for one and none is under way; otherwise nothing happens.
struct settle_balance {
  static constexpr std::string_view wire_name = "settle_balance";
  std::string order_id{};
};

struct queue_payment {
  static constexpr std::string_view wire_name = "queue_payment";
  std::string order_id{};
  std::uint32_t number = 0;
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
