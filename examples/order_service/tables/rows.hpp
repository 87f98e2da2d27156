// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>

#include "domain/order.hpp"

// What the service keeps beside gabion's own tables. Two classes hold these rows and have the same
// members: sqlite_tables in a file, memory_tables in memory. Everything that changes takes the
// caller's transaction.
namespace shop {

/// Read model: one order as GET /orders/{id} shows it.
struct order_view {
  std::string id{};
  std::uint64_t version = 0;  ///< of the last event in it; also its ETag
  gabion::wall_time placed_at{};
  gabion::wall_time updated_at{};
  order state{};
};

struct order_filter {
  std::optional<order_status> status{};
  std::string customer_id{};  ///< empty: anybody's
  std::string after{};        ///< only ids above this one; ids rise with time
  std::size_t limit = 50;
};

struct order_page {
  std::vector<order_view> orders{};
  bool more = false;
};

/// Read model: what a customer has ordered and paid in all.
struct customer_summary {
  std::string id{};
  std::string name{};
  std::string email{};
  std::int64_t orders = 0;
  std::int64_t cancelled = 0;
  money spent{};
  gabion::wall_time last_order_at{};
};

/// Read model: named totals, and units ordered of each product, highest first.
struct order_analytics {
  std::map<std::string, std::int64_t> totals{};
  std::vector<std::pair<std::string, std::int64_t>> products{};
};

/// A payment that the provider has yet to be asked for, or to answer. At most one for each order.
struct due_payment {
  std::string order_id{};
  std::uint32_t number = 0;
  money amount{};
  bool queued = false;  ///< the order says already that it waits for the provider

  /// The provider charges one key once, so it must name the payment and nothing else: a new key for
  /// a repeated request would be a second charge.
  [[nodiscard]] std::string key() const { return order_id + "/" + std::to_string(number); }
};

/// Which event an effect is for. Kept with the effect, so that anybody can check that it happened
/// once and in order.
struct cause {
  std::string event_id{};
  std::string order_id{};
  std::uint64_t version = 0;
};

struct sent_email {
  cause why{};
  std::string recipient{};
  std::string subject{};
};

/// A change of the payment circuit breaker, for the operators.
struct breaker_change {
  gabion::wall_time at{};
  std::string from{};
  std::string to{};
  std::string why{};
};

}  // namespace shop
