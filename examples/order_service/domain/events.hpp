// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/item.hpp"

namespace shop {

// What can happen to an order. An event carries what its readers need, so that a service which
// reacts to it never has to ask back: the items before a change, the customer of a payment. The
// wire names are stored for ever.

struct order_placed {
  static constexpr std::string_view wire_name = "order.placed";
  customer by{};
  std::vector<item> items{};
  friend bool operator==(const order_placed&, const order_placed&) = default;
};

struct order_changed {
  static constexpr std::string_view wire_name = "order.changed";
  std::vector<item> before{};
  std::vector<item> items{};
  friend bool operator==(const order_changed&, const order_changed&) = default;
};

struct item_added {
  static constexpr std::string_view wire_name = "order.item_added";
  item added{};
  friend bool operator==(const item_added&, const item_added&) = default;
};

struct order_cancelled {
  static constexpr std::string_view wire_name = "order.cancelled";
  std::string customer_id{};
  std::vector<item> items{};  ///< what goes back to the shelves
  friend bool operator==(const order_cancelled&, const order_cancelled&) = default;
};

/// The intent to move money, written before the provider is called, so that a crash can only ever
/// repeat it.
struct payment_requested {
  static constexpr std::string_view wire_name = "order.payment_requested";
  std::uint32_t number = 0;  ///< 1 for the first payment of an order
  money amount{};            ///< negative: a refund
  friend bool operator==(const payment_requested&, const payment_requested&) = default;
};

/// The provider could not be asked; the payment waits for it.
struct payment_queued {
  static constexpr std::string_view wire_name = "order.payment_queued";
  std::uint32_t number = 0;
  std::string reason{};
  friend bool operator==(const payment_queued&, const payment_queued&) = default;
};

struct payment_received {
  static constexpr std::string_view wire_name = "order.payment_received";
  std::uint32_t number = 0;
  money amount{};
  std::string customer_id{};
  friend bool operator==(const payment_received&, const payment_received&) = default;
};

struct payment_declined {
  static constexpr std::string_view wire_name = "order.payment_declined";
  std::uint32_t number = 0;
  std::string reason{};
  friend bool operator==(const payment_declined&, const payment_declined&) = default;
};

}  // namespace shop
