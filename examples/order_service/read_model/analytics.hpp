// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <gabion/cqrs/event_store.hpp>

#include "domain/events.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: totals over all orders, and units of each product.
template <class Tables>
class analytics_projection {
 public:
  using transaction = typename Tables::transaction;

  explicit analytics_projection(Tables& tables) noexcept : tables_{&tables} {}

  void on(transaction& tx, const gabion::recorded_event&, const order_placed& e) {
    tables_->add_to_total(tx, "orders_placed", 1);
    count(tx, e.items, 1);
  }
  void on(transaction& tx, const gabion::recorded_event&, const order_changed& e) {
    tables_->add_to_total(tx, "orders_changed", 1);
    count(tx, e.before, -1);
    count(tx, e.items, 1);
  }
  void on(transaction& tx, const gabion::recorded_event&, const item_added& e) {
    tables_->add_to_total(tx, "items_added", 1);
    count(tx, {e.added}, 1);
  }
  void on(transaction& tx, const gabion::recorded_event&, const order_cancelled& e) {
    tables_->add_to_total(tx, "orders_cancelled", 1);
    count(tx, e.items, -1);
  }
  void on(transaction& tx, const gabion::recorded_event&, const payment_received& e) {
    tables_->add_to_total(tx, e.amount < money{} ? "refunds" : "payments", 1);
    tables_->add_to_total(tx, "revenue_cents", e.amount.cents);
  }
  void on(transaction& tx, const gabion::recorded_event&, const payment_queued&) { tables_->add_to_total(tx, "payments_queued", 1); }
  void on(transaction& tx, const gabion::recorded_event&, const payment_declined&) { tables_->add_to_total(tx, "payments_declined", 1); }
  void on(transaction&, const gabion::recorded_event&, const payment_requested&) {}

 private:
  void count(transaction& tx, const std::vector<item>& items, std::int64_t sign) {
    for (const item& i : items) tables_->add_to_product(tx, i.product, sign * i.quantity);
  }

  Tables* tables_;
};

}  // namespace shop
