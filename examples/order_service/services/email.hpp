// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "domain/events.hpp"
#include "tables/rows.hpp"

namespace shop {

/// The email service: tells customers what happened to their orders. It learns the address from the
/// order's first event, so it relies on the order in which the events of one order arrive.
template <class Tables>
class email {
 public:
  using transaction = typename Tables::transaction;

  explicit email(Tables& tables) noexcept : tables_{&tables} {}

  void on(transaction& tx, const cause& why, const order_placed& e) {
    tables_->put_address(tx, why.order_id, e.by.email);
    send(tx, why, "Thank you for your order");
  }
  void on(transaction& tx, const cause& why, const order_cancelled&) {
    send(tx, why, "Your order is cancelled");
  }
  void on(transaction& tx, const cause& why, const payment_received& e) {
    send(tx, why,
         e.amount < money{} ? "We have sent your money back" : "We have received your payment");
  }
  void on(transaction& tx, const cause& why, const payment_declined&) {
    send(tx, why, "Your payment was declined");
  }
  void on(transaction&, const cause&, const auto& /*nothing that a customer would want to read*/) {}

 private:
  void send(transaction& tx, const cause& why, const std::string& subject) {
    tables_->send_email(
        tx, {.why = why, .recipient = tables_->address_of(tx, why.order_id), .subject = subject});
  }

  Tables* tables_;
};

}  // namespace shop
