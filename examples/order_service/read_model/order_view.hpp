// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/cqrs/event_store.hpp>

#include "domain/order.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: every order as it is now. It folds events with the order's own rules, so that what is shown and what is decided
/// upon can't drift apart.
template <class Tables>
class order_view_projection {
 public:
  using transaction = typename Tables::transaction;

  explicit order_view_projection(Tables& tables) noexcept : tables_{&tables} {}

  template <class Event>
  void on(transaction& tx, const gabion::recorded_event& record, const Event& e) {
    const std::string& id = record.what.subject;
    order_view view = tables_->find_order(tx, id).value_or(order_view{.id = id, .placed_at = record.what.time});
    view.state = order_rules::evolve(std::move(view.state), e);
    view.version = record.version;
    view.updated_at = record.what.time;
    tables_->put_order(tx, view);
  }

 private:
  Tables* tables_;
};

}  // namespace shop
