// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "domain/events.hpp"
#include "tables/rows.hpp"

namespace shop {

/// The inventory service: keeps goods back for orders. It hears of orders through the broker only,
/// and each of its effects is written in the transaction in which its inbox remembers the message.
template <class Tables>
class inventory {
 public:
  using transaction = typename Tables::transaction;

  explicit inventory(Tables& tables) noexcept : tables_{&tables} {}

  void on(transaction& tx, const cause& why, const order_placed& e) { move(tx, why, {}, e.items); }
  void on(transaction& tx, const cause& why, const order_changed& e) {
    move(tx, why, e.before, e.items);
  }
  void on(transaction& tx, const cause& why, const item_added& e) { move(tx, why, {}, {e.added}); }
  void on(transaction& tx, const cause& why, const order_cancelled& e) {
    move(tx, why, e.items, {});
  }
  void on(transaction&, const cause&, const auto& /*payments do not move goods*/) {}

 private:
  void move(transaction& tx, const cause& why, const std::vector<item>& back,
            const std::vector<item>& out) {
    tables_->book(tx, why);
    for (const item& i : back) tables_->reserve(tx, i.product, -i.quantity);
    for (const item& i : out) tables_->reserve(tx, i.product, i.quantity);
  }

  Tables* tables_;
};

}  // namespace shop
