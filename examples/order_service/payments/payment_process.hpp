// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "app/order_writer.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Sees to it that what an order owes is asked for, and what it has paid too much goes back.
///
/// It hears of orders through the broker. Whatever happened, it looks at the balance and writes
/// down the intent: an event, and a row that says what to ask the provider for. Money moves later,
/// outside of every transaction (payment_desk).
template <class Backend>
class payment_process {
 public:
  using transaction = typename Backend::transaction;

  /// `desk` is woken when a payment is due.
  template <class Desk>
  payment_process(Backend& backend, order_writer<Backend>& orders, Desk& desk) noexcept
      : tables_{&backend.tables}, orders_{&orders}, desk_{desk} {}

  void on(transaction& tx, const cause& why, const order_placed&) { settle(tx, why); }
  void on(transaction& tx, const cause& why, const order_changed&) { settle(tx, why); }
  void on(transaction& tx, const cause& why, const item_added&) { settle(tx, why); }
  void on(transaction& tx, const cause& why, const order_cancelled&) { settle(tx, why); }
  void on(transaction& tx, const cause& why, const payment_received&) { settle(tx, why); }
  void on(transaction& tx, const cause& why, const payment_declined&) { settle(tx, why); }
  void on(transaction&, const cause&, const auto& /*its own doing*/) {}

 private:
  void settle(transaction& tx, const cause& why) {
    const gabion::header caused_by{"causationid", why.event_id};
    const auto done = orders_->write(tx, why.order_id, settle_balance{why.order_id},
                                     {.headers = {&caused_by, 1}});
    if (done.events.empty()) return;
    const auto asked = gabion::json_codec{}.decode<payment_requested>(*done.events.front().data);
    tables_->put_due(tx,
                     {.order_id = why.order_id, .number = asked.number, .amount = asked.amount});
    tx.wake_on_commit(desk_);
  }

  typename Backend::tables_type* tables_;
  order_writer<Backend>* orders_;
  gabion::wake_ref desk_;
};

}  // namespace shop
