// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/cqrs/projection.hpp>

#include "domain/order.hpp"
#include "tables/rows.hpp"

namespace shop {

/// Projection: every order as it is now. It folds events with the order's own rules, so that what
/// is shown and what is decided upon can't drift apart.
template <class Tables>
class order_view_projection {
 public:
  using transaction = typename Tables::transaction;
  using event_list = order_rules::event_list;
  static constexpr std::string_view name = "order_view";
  static constexpr std::uint32_t version = 1;

  explicit order_view_projection(Tables& tables) noexcept : tables_{&tables} {}

  template <class Event>
  void apply(transaction& tx, const Event& e, const gabion::projected_event& about) {
    const std::string& id = about.record.what.subject;
    order_view view = tables_->find_order(tx, id).value_or(
        order_view{.id = id, .placed_at = about.record.what.time});
    view.state = order_rules::evolve(std::move(view.state), e);
    view.version = about.record.version;
    view.updated_at = about.record.what.time;
    tables_->put_order(tx, view);
  }

 private:
  Tables* tables_;
};

}  // namespace shop
