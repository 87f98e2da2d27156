// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/memory/database.hpp>

#include "tables/rows.hpp"

namespace shop {

/// The same tables as sqlite_tables, in memory. Takes part in the transactions of a memory database: it changes in place and
/// keeps for each change how to undo it. Safe to use from several threads.
class memory_tables final : private gabion::memory::participant {
 public:
  using transaction = gabion::memory::database::transaction;

  explicit memory_tables(gabion::memory::database& in) : database_{&in} {}
  memory_tables(const memory_tables&) = delete;
  memory_tables& operator=(const memory_tables&) = delete;

  // Order view
  [[nodiscard]] std::optional<order_view> find_order(transaction& tx, std::string_view id) const;
  void put_order(transaction& tx, const order_view& view);
  [[nodiscard]] std::optional<order_view> find_order(std::string_view id) const;
  [[nodiscard]] order_page find_orders(const order_filter& filter) const;

  // Customer summary
  [[nodiscard]] std::optional<customer_summary> find_customer(transaction& tx, std::string_view id) const;
  void put_customer(transaction& tx, const customer_summary& summary);
  [[nodiscard]] std::optional<customer_summary> find_customer(std::string_view id) const;

  // Analytics
  void add_to_total(transaction& tx, std::string_view name, std::int64_t amount);
  void add_to_product(transaction& tx, std::string_view product, std::int64_t units);
  [[nodiscard]] order_analytics analytics(std::size_t products) const;

  // Inventory service
  void book(transaction& tx, const cause& why);
  void reserve(transaction& tx, std::string_view product, std::int64_t units);

  // Email service
  void put_address(transaction& tx, std::string_view order_id, std::string_view email);
  [[nodiscard]] std::string address_of(transaction& tx, std::string_view order_id) const;
  void send_email(transaction& tx, const sent_email& email);

  // Payment process
  void put_due(transaction& tx, const due_payment& payment);
  void remove_due(transaction& tx, std::string_view order_id, std::uint32_t number);
  [[nodiscard]] std::vector<due_payment> due_payments(std::string_view after_order, std::size_t limit) const;
  [[nodiscard]] std::size_t count_due() const;

  // Breaker history
  void log_breaker(transaction& tx, const breaker_change& change);

 private:
  template <class Value>
  using table = std::map<std::string, Value, std::less<>>;

  void commit() noexcept override { undo_.clear(); }
  void rollback() noexcept override;

  template <class Value>
  void put(transaction& tx, table<Value>& into, std::string_view key, const std::optional<Value>& value);
  template <class Value>
  void append(transaction& tx, std::vector<Value>& to, const Value& value);

  gabion::memory::database* database_;
  table<order_view> orders_{};
  table<customer_summary> customers_{};
  table<std::int64_t> totals_{};
  table<std::int64_t> products_{};
  std::vector<cause> bookings_{};
  table<std::int64_t> stock_{};
  table<std::string> addresses_{};
  std::vector<sent_email> emails_{};
  table<due_payment> due_{};
  std::vector<breaker_change> breaker_changes_{};
  std::vector<std::function<void()>> undo_{};
};

}  // namespace shop
