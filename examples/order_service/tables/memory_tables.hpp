// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/table.hpp>

#include "tables/rows.hpp"

namespace shop {

/// The same tables as sqlite_tables, in a memory database. Safe to use from several threads.
class memory_tables {
 public:
  using transaction = gabion::memory::database::transaction;

  explicit memory_tables(gabion::memory::database& in);

  // Order view
  [[nodiscard]] std::optional<order_view> find_order(transaction& tx, std::string_view id) const;
  void put_order(transaction& tx, const order_view& view);
  [[nodiscard]] std::optional<order_view> find_order(std::string_view id) const;
  [[nodiscard]] order_page find_orders(const order_filter& filter) const;

  // Customer summary
  [[nodiscard]] std::optional<customer_summary> find_customer(transaction& tx,
                                                              std::string_view id) const;
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
  [[nodiscard]] std::vector<due_payment> due_payments(std::string_view after_order,
                                                      std::size_t limit) const;
  [[nodiscard]] std::size_t count_due() const;

  // Breaker history
  void log_breaker(transaction& tx, const breaker_change& change);

 private:
  template <class Value>
  using table = gabion::memory::table<std::string, Value>;
  template <class Value>
  using journal = gabion::memory::table<std::uint64_t, Value>;

  table<order_view> orders_;
  table<customer_summary> customers_;
  table<std::int64_t> totals_;
  table<std::int64_t> products_;
  journal<cause> bookings_;
  table<std::int64_t> stock_;
  table<std::string> addresses_;
  journal<sent_email> emails_;
  table<due_payment> due_;
  journal<breaker_change> breaker_changes_;
};

}  // namespace shop
