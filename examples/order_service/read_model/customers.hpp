// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/cqrs/projection.hpp>

#include "domain/events.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: what each customer has ordered and paid in all.
template <class Tables>
class customer_projection {
 public:
  using transaction = typename Tables::transaction;
  using event_list = gabion::events<order_placed, order_cancelled, payment_received>;
  static constexpr std::string_view name = "customer_summary";
  static constexpr std::uint32_t version = 1;
  static constexpr gabion::unlisted_events unlisted = gabion::unlisted_events::skip;

  explicit customer_projection(Tables& tables) noexcept : tables_{&tables} {}

  void apply(transaction& tx, const order_placed& e, const gabion::projected_event& about) {
    update(tx, e.by.id, [&](customer_summary& s) {
      s.name = e.by.name;
      s.email = e.by.email;
      s.last_order_at = about.record.what.time;
      ++s.orders;
    });
  }
  void apply(transaction& tx, const order_cancelled& e) {
    update(tx, e.customer_id, [](customer_summary& s) { ++s.cancelled; });
  }
  void apply(transaction& tx, const payment_received& e) {
    update(tx, e.customer_id, [&](customer_summary& s) { s.spent += e.amount; });
  }

 private:
  template <class Change>
  void update(transaction& tx, std::string_view id, Change change) {
    customer_summary summary =
        tables_->find_customer(tx, id).value_or(customer_summary{.id = std::string{id}});
    change(summary);
    tables_->put_customer(tx, summary);
  }

  Tables* tables_;
};

}  // namespace shop
