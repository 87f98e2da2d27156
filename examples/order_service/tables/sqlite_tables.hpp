// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/sqlite/database.hpp>
#include <gabion/adapters/sqlite/schema.hpp>

#include "tables/rows.hpp"

namespace shop {

extern const gabion::sqlite::schema sqlite_tables_schema;

/// The service's own tables in a SQLite file. Safe to use from several threads.
class sqlite_tables {
 public:
  using transaction = gabion::sqlite::transaction;

  explicit sqlite_tables(gabion::sqlite::database& in) : database_{&in} {
    gabion::sqlite::require_schema(in, sqlite_tables_schema);
  }

  // Order view
  [[nodiscard]] static std::optional<order_view> find_order(transaction& tx, std::string_view id);
  static void put_order(transaction& tx, const order_view& view);
  [[nodiscard]] std::optional<order_view> find_order(std::string_view id) const;
  [[nodiscard]] order_page find_orders(const order_filter& filter) const;

  // Customer summary
  [[nodiscard]] static std::optional<customer_summary> find_customer(transaction& tx,
                                                                     std::string_view id);
  static void put_customer(transaction& tx, const customer_summary& summary);
  [[nodiscard]] std::optional<customer_summary> find_customer(std::string_view id) const;

  // Analytics
  static void add_to_total(transaction& tx, std::string_view name, std::int64_t amount);
  static void add_to_product(transaction& tx, std::string_view product, std::int64_t units);
  [[nodiscard]] order_analytics analytics(std::size_t products) const;

  // Inventory service
  static void book(transaction& tx, const cause& why);
  static void reserve(transaction& tx, std::string_view product, std::int64_t units);

  // Email service
  static void put_address(transaction& tx, std::string_view order_id, std::string_view email);
  [[nodiscard]] static std::string address_of(transaction& tx, std::string_view order_id);
  static void send_email(transaction& tx, const sent_email& email);

  // Payment process
  static void put_due(transaction& tx, const due_payment& payment);
  static void remove_due(transaction& tx, std::string_view order_id, std::uint32_t number);
  [[nodiscard]] std::vector<due_payment> due_payments(std::string_view after_order,
                                                      std::size_t limit) const;
  [[nodiscard]] std::size_t count_due() const;

  // Breaker history
  static void log_breaker(transaction& tx, const breaker_change& change);

 private:
  gabion::sqlite::database* database_;
};

}  // namespace shop
