// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <gabion/log/position.hpp>

#include "tables/rows.hpp"

namespace shop {

/// What a reader may demand of a read model: that it holds everything up to a position, for example
/// its own last write.
struct freshness {
  gabion::position at_least{};              ///< from a consistency token; `beginning`: as it is
  std::chrono::milliseconds wait_for{500};  ///< how long to wait until it does
};

/// The answer to a query, and how old it is: older than was demanded if that was not reached in
/// time.
template <class Result>
struct answered {
  Result result{};
  gabion::position read_model_at{};  ///< the answer holds every event up to here
  gabion::position log_at{};         ///< the last event there was

  /// How many events the read model is behind.
  [[nodiscard]] std::uint64_t lag() const noexcept {
    const auto end = gabion::to_number(log_at);
    const auto at = gabion::to_number(read_model_at);
    return end > at ? end - at : 0;
  }
};

struct get_order {
  std::string order_id{};
  freshness fresh{};
};

struct list_orders {
  order_filter filter{};
  freshness fresh{};
};

struct get_customer {
  std::string customer_id{};
  freshness fresh{};
};

struct get_analytics {
  std::size_t products = 10;  ///< how many of the best selling
  freshness fresh{};
};

}  // namespace shop
