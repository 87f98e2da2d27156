// SPDX-License-Identifier: MIT
#include "tables/sqlite_tables.hpp"

#include "tables/order_document.hpp"

namespace shop {

using gabion::sqlite::connection;
using gabion::sqlite::rows;
using gabion::sqlite::statement;

// The effect tables (inventory_booking, email) have no key on event_id on purpose: an effect that
// happened twice must show.
const gabion::sqlite::schema sqlite_tables_schema{
    .component = "order_service", .version = 1, .ddl = R"sql(
  CREATE TABLE order_view (
    order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, status TEXT NOT NULL, version INTEGER NOT NULL,
    placed_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX order_view_by_customer ON order_view (customer_id, order_id);
  CREATE INDEX order_view_by_status ON order_view (status, order_id);
  CREATE TABLE customer_summary (
    customer_id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, orders INTEGER NOT NULL, cancelled INTEGER NOT NULL,
    spent_cents INTEGER NOT NULL, last_order_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE analytics_total (name TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE analytics_product (product TEXT PRIMARY KEY, units INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE inventory_booking (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, order_id TEXT NOT NULL, version INTEGER NOT NULL);
  CREATE TABLE inventory_stock (product TEXT PRIMARY KEY, reserved INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE email_address (order_id TEXT PRIMARY KEY, address TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE email (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, order_id TEXT NOT NULL, version INTEGER NOT NULL,
    recipient TEXT NOT NULL, subject TEXT NOT NULL);
  CREATE TABLE payment_due (
    order_id TEXT PRIMARY KEY, number INTEGER NOT NULL, amount_cents INTEGER NOT NULL, queued INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE breaker_change (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL, why TEXT NOT NULL);
)sql"};

namespace {

constexpr std::string_view one_order =
    "SELECT order_id, version, placed_at, updated_at, document FROM order_view WHERE order_id = ?";
constexpr std::string_view one_customer =
    "SELECT customer_id, name, email, orders, cancelled, spent_cents, last_order_at FROM "
    "customer_summary WHERE customer_id = ?";

order_view read_view(const statement& row) {
  return {.id = row.text(0),
          .version = static_cast<std::uint64_t>(row.number(1)),
          .placed_at = row.time(2),
          .updated_at = row.time(3),
          .state = read_document(row.view(4))};
}

std::optional<order_view> read_order(connection& on, std::string_view id) {
  rows found = on.query(one_order, id);
  if (!found.next()) return std::nullopt;
  return read_view(*found);
}

std::optional<customer_summary> read_customer(connection& on, std::string_view id) {
  rows found = on.query(one_customer, id);
  if (!found.next()) return std::nullopt;
  return customer_summary{.id = found->text(0),
                          .name = found->text(1),
                          .email = found->text(2),
                          .orders = found->number(3),
                          .cancelled = found->number(4),
                          .spent = {found->number(5)},
                          .last_order_at = found->time(6)};
}

// One text for each kind of filter: all three are answered from an index, and the values are always
// parameters.
rows query_orders(connection& on, const order_filter& filter) {
  const auto limit = static_cast<std::int64_t>(filter.limit) + 1;
  const std::string_view status = filter.status ? to_string(*filter.status) : std::string_view{};
  if (!filter.customer_id.empty())
    return on.query(
        "SELECT order_id, version, placed_at, updated_at, document FROM order_view WHERE "
        "customer_id = ?1 AND order_id > ?2 "
        "AND (?3 = '' OR status = ?3) ORDER BY order_id LIMIT ?4",
        filter.customer_id, filter.after, status, limit);
  if (filter.status)
    return on.query(
        "SELECT order_id, version, placed_at, updated_at, document FROM order_view WHERE status = "
        "? AND order_id > ? "
        "ORDER BY order_id LIMIT ?",
        status, filter.after, limit);
  return on.query(
      "SELECT order_id, version, placed_at, updated_at, document FROM order_view WHERE order_id > "
      "? ORDER BY order_id LIMIT ?",
      filter.after, limit);
}

}  // namespace

std::optional<order_view> sqlite_tables::find_order(transaction& tx, std::string_view id) {
  return read_order(tx.on(), id);
}

void sqlite_tables::put_order(transaction& tx, const order_view& view) {
  tx.on().run(
      "INSERT OR REPLACE INTO order_view (order_id, customer_id, status, version, placed_at, "
      "updated_at, document) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      view.id, view.state.by.id, to_string(view.state.status()), view.version, view.placed_at,
      view.updated_at, write_document(view.state));
}

std::optional<order_view> sqlite_tables::find_order(std::string_view id) const {
  return database_->read([&](connection& on) { return read_order(on, id); });
}

order_page sqlite_tables::find_orders(const order_filter& filter) const {
  return database_->read([&](connection& on) {
    order_page page;
    for (rows found = query_orders(on, filter); found.next();) {
      page.more = page.orders.size() == filter.limit;
      if (page.more) break;
      page.orders.push_back(read_view(*found));
    }
    return page;
  });
}

std::optional<customer_summary> sqlite_tables::find_customer(transaction& tx, std::string_view id) {
  return read_customer(tx.on(), id);
}

void sqlite_tables::put_customer(transaction& tx, const customer_summary& s) {
  tx.on().run(
      "INSERT OR REPLACE INTO customer_summary (customer_id, name, email, orders, cancelled, "
      "spent_cents, last_order_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      s.id, s.name, s.email, s.orders, s.cancelled, s.spent.cents, s.last_order_at);
}

std::optional<customer_summary> sqlite_tables::find_customer(std::string_view id) const {
  return database_->read([&](connection& on) { return read_customer(on, id); });
}

void sqlite_tables::add_to_total(transaction& tx, std::string_view name, std::int64_t amount) {
  tx.on().run(
      "INSERT INTO analytics_total (name, amount) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
      "amount = amount + "
      "excluded.amount",
      name, amount);
}

void sqlite_tables::add_to_product(transaction& tx, std::string_view product, std::int64_t units) {
  tx.on().run(
      "INSERT INTO analytics_product (product, units) VALUES (?, ?) ON CONFLICT (product) DO "
      "UPDATE SET units = units + "
      "excluded.units",
      product, units);
}

order_analytics sqlite_tables::analytics(std::size_t products) const {
  return database_->read([&](connection& on) {
    order_analytics result;
    for (rows found = on.query("SELECT name, amount FROM analytics_total"); found.next();)
      result.totals[found->text(0)] = found->number(1);
    for (rows found = on.query(
             "SELECT product, units FROM analytics_product ORDER BY units DESC, product LIMIT ?",
             products);
         found.next();)
      result.products.emplace_back(found->text(0), found->number(1));
    return result;
  });
}

void sqlite_tables::book(transaction& tx, const cause& why) {
  tx.on().run("INSERT INTO inventory_booking (event_id, order_id, version) VALUES (?, ?, ?)",
              why.event_id, why.order_id, why.version);
}

void sqlite_tables::reserve(transaction& tx, std::string_view product, std::int64_t units) {
  tx.on().run(
      "INSERT INTO inventory_stock (product, reserved) VALUES (?, ?) ON CONFLICT (product) DO "
      "UPDATE SET reserved = reserved + "
      "excluded.reserved",
      product, units);
}

void sqlite_tables::put_address(transaction& tx, std::string_view order_id,
                                std::string_view email) {
  tx.on().run("INSERT OR REPLACE INTO email_address (order_id, address) VALUES (?, ?)", order_id,
              email);
}

std::string sqlite_tables::address_of(transaction& tx, std::string_view order_id) {
  rows found = tx.on().query("SELECT address FROM email_address WHERE order_id = ?", order_id);
  return found.next() ? found->text(0) : std::string{};
}

void sqlite_tables::send_email(transaction& tx, const sent_email& email) {
  tx.on().run(
      "INSERT INTO email (event_id, order_id, version, recipient, subject) VALUES (?, ?, ?, ?, ?)",
      email.why.event_id, email.why.order_id, email.why.version, email.recipient, email.subject);
}

void sqlite_tables::put_due(transaction& tx, const due_payment& payment) {
  tx.on().run(
      "INSERT OR REPLACE INTO payment_due (order_id, number, amount_cents, queued) VALUES (?, ?, "
      "?, ?)",
      payment.order_id, payment.number, payment.amount.cents, payment.queued);
}

void sqlite_tables::remove_due(transaction& tx, std::string_view order_id, std::uint32_t number) {
  tx.on().run("DELETE FROM payment_due WHERE order_id = ? AND number = ?", order_id, number);
}

std::vector<due_payment> sqlite_tables::due_payments(std::string_view after_order,
                                                     std::size_t limit) const {
  return database_->read([&](connection& on) {
    std::vector<due_payment> due;
    rows found = on.query(
        "SELECT order_id, number, amount_cents, queued FROM payment_due WHERE order_id > ? ORDER "
        "BY order_id LIMIT ?",
        after_order, limit);
    while (found.next())
      due.push_back({.order_id = found->text(0),
                     .number = static_cast<std::uint32_t>(found->number(1)),
                     .amount = {found->number(2)},
                     .queued = found->number(3) != 0});
    return due;
  });
}

std::size_t sqlite_tables::count_due() const {
  return database_->read([](connection& on) {
    rows found = on.query("SELECT count(*) FROM payment_due");
    return found.next() ? static_cast<std::size_t>(found->number(0)) : 0U;
  });
}

void sqlite_tables::log_breaker(transaction& tx, const breaker_change& change) {
  tx.on().run("INSERT INTO breaker_change (at, from_state, to_state, why) VALUES (?, ?, ?, ?)",
              change.at, change.from, change.to, change.why);
}

}  // namespace shop
