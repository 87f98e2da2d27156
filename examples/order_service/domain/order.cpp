// SPDX-License-Identifier: MIT
#include "domain/order.hpp"

#include <array>
#include <utility>

namespace shop {

namespace {

constexpr std::array status_names{
    std::pair{order_status::placed, std::string_view{"placed"}},
    std::pair{order_status::awaiting_payment, std::string_view{"awaiting_payment"}},
    std::pair{order_status::payment_queued, std::string_view{"payment_queued"}},
    std::pair{order_status::paid, std::string_view{"paid"}},
    std::pair{order_status::payment_declined, std::string_view{"payment_declined"}},
    std::pair{order_status::cancelled, std::string_view{"cancelled"}},
};

void require_exists(const order& o, const std::string& id) {
  if (!o.exists) throw refusal{gabion::errc::not_found, "there is no order '" + id + "'"};
}

void require_open(const order& o, const std::string& id) {
  require_exists(o, id);
  if (o.cancelled)
    throw refusal{gabion::errc::rejected,
                  "order '" + id + "' is cancelled and can't change any more"};
}

/// Whether this result belongs to the payment under way. A result that comes twice finds the
/// payment closed.
bool is_open(const order& o, std::uint32_t payment) {
  return o.payment && o.payment->number == payment;
}

}  // namespace

std::string_view to_string(order_status status) noexcept {
  for (const auto& [known, name] : status_names)
    if (known == status) return name;
  return "unknown";
}

std::optional<order_status> parse_status(std::string_view text) noexcept {
  for (const auto& [status, name] : status_names)
    if (name == text) return status;
  return std::nullopt;
}

order_status order::status() const noexcept {
  if (cancelled) return order_status::cancelled;
  if (payment)
    return payment->queued ? order_status::payment_queued : order_status::awaiting_payment;
  if (declined) return order_status::payment_declined;
  return balance() == money{} ? order_status::paid : order_status::placed;
}

order_placed order_rules::decide(const order& now, const place_order& command) {
  if (now.exists) throw refusal{gabion::errc::rejected, "the order was placed before"};
  return order_placed{.by = command.by, .items = command.items};
}

std::optional<order_changed> order_rules::decide(const order& now, const change_order& command) {
  require_open(now, command.order_id);
  if (now.items == command.items) return std::nullopt;
  return order_changed{.before = now.items, .items = command.items};
}

item_added order_rules::decide(const order& now, const add_item& command) {
  require_open(now, command.order_id);
  if (now.items.size() >= order_limits::items)
    throw refusal{gabion::errc::rejected,
                  "order '" + command.order_id + "' has " + std::to_string(now.items.size()) +
                      " items; allowed: up to " + std::to_string(order_limits::items)};
  return item_added{.added = command.added};
}

std::optional<order_cancelled> order_rules::decide(const order& now, const cancel_order& command) {
  require_exists(now, command.order_id);
  if (now.cancelled) return std::nullopt;
  return order_cancelled{.customer_id = now.by.id, .items = now.items};
}

std::optional<payment_requested> order_rules::decide(const order& now,
                                                     const settle_balance& command) {
  require_exists(now, command.order_id);
  const bool owes_nothing = now.balance() == money{};
  // After a declined payment nobody is asked again, but what was paid before goes back.
  const bool may_ask = !now.declined || now.balance() < money{};
  if (now.payment || owes_nothing || !may_ask) return std::nullopt;
  return payment_requested{.number = now.payments + 1, .amount = now.balance()};
}

std::optional<payment_queued> order_rules::decide(const order& now, const queue_payment& command) {
  if (!is_open(now, command.number) || now.payment->queued) return std::nullopt;
  return payment_queued{.number = command.number, .reason = command.reason};
}

std::optional<payment_received> order_rules::decide(const order& now,
                                                    const record_payment& command) {
  if (!is_open(now, command.number)) return std::nullopt;
  return payment_received{
      .number = command.number, .amount = now.payment->amount, .customer_id = now.by.id};
}

std::optional<payment_declined> order_rules::decide(const order& now,
                                                    const decline_payment& command) {
  if (!is_open(now, command.number)) return std::nullopt;
  return payment_declined{.number = command.number, .reason = command.reason};
}

order order_rules::evolve(order o, const order_placed& e) {
  o.exists = true;
  o.by = e.by;
  o.items = e.items;
  return o;
}

order order_rules::evolve(order o, const order_changed& e) {
  o.items = e.items;
  return o;
}

order order_rules::evolve(order o, const item_added& e) {
  o.items.push_back(e.added);
  return o;
}

order order_rules::evolve(order o, const order_cancelled&) {
  o.cancelled = true;
  return o;
}

order order_rules::evolve(order o, const payment_requested& e) {
  o.payment = open_payment{.number = e.number, .amount = e.amount};
  o.payments = e.number;
  return o;
}

order order_rules::evolve(order o, const payment_queued&) {
  if (o.payment) o.payment->queued = true;
  return o;
}

order order_rules::evolve(order o, const payment_received& e) {
  o.settled += e.amount;
  o.payment.reset();
  return o;
}

order order_rules::evolve(order o, const payment_declined&) {
  o.declined = true;
  o.payment.reset();
  return o;
}

}  // namespace shop
