// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

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

/// An order as its events tell it. A plain value; only evolve() changes it.
///
/// An order may change at any time until it is cancelled. What is owed follows from what was ordered and what has been settled,
/// and is paid or refunded in one payment at a time, each with an amount that never changes once it is written down.
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

/// Why an order does not take a command. Repeating the command will not help.
class refusal : public std::runtime_error {
 public:
  enum class reason : std::uint8_t { no_such_order, exists_already, is_cancelled, too_many_items };

  refusal(reason why, const std::string& what) : std::runtime_error{what}, why_{why} {}
  [[nodiscard]] reason why() const noexcept { return why_; }

 private:
  reason why_;
};

// decide() says what happens, or throws refusal; no events means that there is nothing to do. Pure functions.
[[nodiscard]] std::vector<order_event> decide(const order& now, const place_order& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const change_order& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const add_item& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const cancel_order& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const settle_balance& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const queue_payment& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const record_payment& command);
[[nodiscard]] std::vector<order_event> decide(const order& now, const decline_payment& command);

// evolve() is what did happen. It never refuses.
void evolve(order& o, const order_placed& e);
void evolve(order& o, const order_changed& e);
void evolve(order& o, const item_added& e);
void evolve(order& o, const order_cancelled& e);
void evolve(order& o, const payment_requested& e);
void evolve(order& o, const payment_queued& e);
void evolve(order& o, const payment_received& e);
void evolve(order& o, const payment_declined& e);

inline void evolve(order& o, const order_event& e) {
  std::visit([&o](const auto& event) { evolve(o, event); }, e);
}

}  // namespace shop
