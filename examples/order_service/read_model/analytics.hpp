// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <gabion/cqrs/projection.hpp>

#include "domain/order.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: totals over all orders, and units of each product.
template <class Tables>
class analytics_projection {
 public:
  using transaction = typename Tables::transaction;
  using event_list = order_rules::event_list;
  static constexpr std::string_view name = "order_analytics";
  static constexpr std::uint32_t version = 1;

  explicit analytics_projection(Tables& tables) noexcept : tables_{&tables} {}

  void apply(transaction& tx, const order_placed& e) {
    tables_->add_to_total(tx, "orders_placed", 1);
    count(tx, e.items, 1);
  }
  void apply(transaction& tx, const order_changed& e) {
    tables_->add_to_total(tx, "orders_changed", 1);
    count(tx, e.before, -1);
    count(tx, e.items, 1);
  }
  void apply(transaction& tx, const item_added& e) {
    tables_->add_to_total(tx, "items_added", 1);
    count(tx, {e.added}, 1);
  }
  void apply(transaction& tx, const order_cancelled& e) {
    tables_->add_to_total(tx, "orders_cancelled", 1);
    count(tx, e.items, -1);
  }
  void apply(transaction& tx, const payment_received& e) {
    tables_->add_to_total(tx, e.amount < money{} ? "refunds" : "payments", 1);
    tables_->add_to_total(tx, "revenue_cents", e.amount.cents);
  }
  void apply(transaction& tx, const payment_queued&) {
    tables_->add_to_total(tx, "payments_queued", 1);
  }
  void apply(transaction& tx, const payment_declined&) {
    tables_->add_to_total(tx, "payments_declined", 1);
  }
  void apply(transaction&, const payment_requested& /*counted when it has a result*/) {}

 private:
  void count(transaction& tx, const std::vector<item>& items, std::int64_t sign) {
    for (const item& i : items) tables_->add_to_product(tx, i.product, sign * i.quantity);
  }

  Tables* tables_;
};

}  // namespace shop
