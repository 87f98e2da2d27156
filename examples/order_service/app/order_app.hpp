// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/cqrs/command_context.hpp>
#include <gabion/log/position.hpp>
#include <gabion/observe/health.hpp>

#include "app/queries.hpp"
#include "domain/commands.hpp"

namespace shop {

/// What a command led to: durable when it is returned. The same key gets the same receipt.
struct receipt {
  std::string order_id{};
  std::uint64_t version = 0;  ///< of the order now
  gabion::position at{};      ///< where a read model must be to show it
  friend bool operator==(const receipt&, const receipt&) = default;
};

/// The application as its edge sees it: commands in, receipts out; queries in, read models out.
/// Virtual, so that the edge is compiled once, whatever keeps the data. Safe to use from several
/// threads.
///
/// Throws refusal, gabion::validation_error, and gabion::error for what the store could not do.
class order_app {
 public:
  virtual ~order_app() = default;

  virtual receipt send(const place_order& command, const gabion::command_context& context) = 0;
  virtual receipt send(const change_order& command, const gabion::command_context& context) = 0;
  virtual receipt send(const add_item& command, const gabion::command_context& context) = 0;
  virtual receipt send(const cancel_order& command, const gabion::command_context& context) = 0;

  virtual answered<std::optional<order_view>> ask(const get_order& query) = 0;
  virtual answered<order_page> ask(const list_orders& query) = 0;
  virtual answered<std::optional<customer_summary>> ask(const get_customer& query) = 0;
  virtual answered<order_analytics> ask(const get_analytics& query) = 0;

  virtual gabion::health_report health() = 0;
  /// Appends the metrics in Prometheus' text format.
  virtual void write_metrics(std::string& page) = 0;
};

}  // namespace shop
