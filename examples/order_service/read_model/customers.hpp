// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <gabion/cqrs/event_store.hpp>

#include "domain/events.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: what each customer has ordered and paid in all.
template <class Tables>
class customer_projection {
 public:
  using transaction = typename Tables::transaction;

  explicit customer_projection(Tables& tables) noexcept : tables_{&tables} {}

  void on(transaction& tx, const gabion::recorded_event& record, const order_placed& e) {
    update(tx, e.by.id, [&](customer_summary& s) {
      s.name = e.by.name;
      s.email = e.by.email;
      s.last_order_at = record.what.time;
      ++s.orders;
    });
  }
  void on(transaction& tx, const gabion::recorded_event&, const order_cancelled& e) {
    update(tx, e.customer_id, [](customer_summary& s) { ++s.cancelled; });
  }
  void on(transaction& tx, const gabion::recorded_event&, const payment_received& e) {
    update(tx, e.customer_id, [&](customer_summary& s) { s.spent += e.amount; });
  }
  void on(transaction&, const gabion::recorded_event&, const auto& /*changes nothing of a customer*/) {}

 private:
  template <class Change>
  void update(transaction& tx, std::string_view id, Change change) {
    customer_summary summary = tables_->find_customer(tx, id).value_or(customer_summary{.id = std::string{id}});
    change(summary);
    tables_->put_customer(tx, summary);
  }

  Tables* tables_;
};

}  // namespace shop
