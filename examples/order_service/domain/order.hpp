// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/cqrs/message_list.hpp>

#include "domain/commands.hpp"
#include "domain/events.hpp"

namespace shop {

enum class order_status : std::uint8_t {
  placed,            ///< money is owed and nobody has asked for it yet
  awaiting_payment,  ///< a payment or a refund is under way
  payment_queued,    ///< the same, but the provider is out of reach
  paid,
  payment_declined,
  cancelled,
};

[[nodiscard]] std::string_view to_string(order_status status) noexcept;
[[nodiscard]] std::optional<order_status> parse_status(std::string_view text) noexcept;

/// A payment that was asked for and has no result yet.
struct open_payment {
  std::uint32_t number = 0;
  money amount{};
  bool queued = false;
  friend bool operator==(const open_payment&, const open_payment&) = default;
};

/// An order as its events tell it. A plain value; only its rules change it.
///
/// An order may change at any time until it is cancelled. What is owed follows from what was
/// ordered and what has been settled, and is paid or refunded in one payment at a time, each with
/// an amount that never changes once it is written down.
struct order {
  bool exists = false;
  customer by{};
  std::vector<item> items{};
  money settled{};                        ///< paid, less what was given back
  std::optional<open_payment> payment{};  ///< at most one at a time
  std::uint32_t payments = 0;             ///< how many were ever requested
  bool declined = false;
  bool cancelled = false;

  [[nodiscard]] money total() const noexcept { return cancelled ? money{} : total_of(items); }
  [[nodiscard]] money balance() const noexcept { return total() - settled; }
  [[nodiscard]] order_status status() const noexcept;
  friend bool operator==(const order&, const order&) = default;
};

/// An order does not take a command: errc::not_found if there is no such order, otherwise
/// errc::rejected. Repeating the command will not help.
class refusal : public gabion::error {
 public:
  using gabion::error::error;
};

/// The rules of an order, as gabion's aggregate store wants them: pure functions from state and
/// command to an event, and from state and event to the next state. No event means that there is
/// nothing to do; a command that can't be taken throws refusal.
struct order_rules {
  static constexpr std::string_view category = "order";
  using state_type = order;
  using event_list =
      gabion::events<order_placed, order_changed, item_added, order_cancelled, payment_requested,
                     payment_queued, payment_received, payment_declined>;

  static order_placed decide(const order& now, const place_order& command);
  static std::optional<order_changed> decide(const order& now, const change_order& command);
  static item_added decide(const order& now, const add_item& command);
  static std::optional<order_cancelled> decide(const order& now, const cancel_order& command);
  static std::optional<payment_requested> decide(const order& now, const settle_balance& command);
  static std::optional<payment_queued> decide(const order& now, const queue_payment& command);
  static std::optional<payment_received> decide(const order& now, const record_payment& command);
  static std::optional<payment_declined> decide(const order& now, const decline_payment& command);

  // What happened has happened: these never refuse.
  static order evolve(order o, const order_placed& e);
  static order evolve(order o, const order_changed& e);
  static order evolve(order o, const item_added& e);
  static order evolve(order o, const order_cancelled& e);
  static order evolve(order o, const payment_requested& e);
  static order evolve(order o, const payment_queued& e);
  static order evolve(order o, const payment_received& e);
  static order evolve(order o, const payment_declined& e);
};

}  // namespace shop
