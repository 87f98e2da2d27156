// SPDX-License-Identifier: MIT
#include "demo/gather.hpp"

#include <chrono>
#include <stdexcept>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <gabion/adapters/sqlite/connection.hpp>
#include <gabion/core/header_block.hpp>

#include "domain/json.hpp"

namespace shop::demo {

namespace {

using gabion::sqlite::connection;
using gabion::sqlite::rows;
using nlohmann::json;

json get_json(httplib::Client& http, const std::string& path) {
  const httplib::Result answer = http.Get(path);
  if (!answer) throw std::runtime_error{"GET " + path + ": no answer"};
  if (answer->status != 200)
    throw std::runtime_error{"GET " + path + ": status " + std::to_string(answer->status)};
  return json::parse(answer->body);
}

connection open_read_only(const std::string& path) { return connection{path, {.read_only = true}}; }

std::uint64_t count(connection& on, const char* sql) {
  rows found = on.query(sql);
  return found.next() ? static_cast<std::uint64_t>(found->number(0)) : 0;
}

std::vector<effect> read_effects(connection& on, const char* sql) {
  std::vector<effect> effects;
  for (rows r = on.query(sql); r.next();)
    effects.push_back({r->text(0), r->text(1), static_cast<std::uint64_t>(r->number(2))});
  return effects;
}

void read_events(evidence& into, connection& on) {
  for (rows r = on.query(
           "SELECT event_id, event_type, subject, version FROM gabion_event ORDER BY position");
       r.next();)
    into.events.push_back(
        {r->text(0), r->text(1), r->text(2), static_cast<std::uint64_t>(r->number(3))});
}

void read_inboxes(evidence& into, connection& on) {
  for (const char* consumer : {"inventory", "email", "payments"}) {
    std::vector<std::string>& ids = into.inboxes[consumer];
    for (rows r = on.query(
             "SELECT event_id FROM gabion_inbox WHERE consumer_name = ? AND status = 0", consumer);
         r.next();)
      ids.push_back(r->text(0));
  }
}

void read_breaker(evidence& into, connection& on) {
  for (rows r = on.query("SELECT at, from_state, to_state, why FROM breaker_change ORDER BY seq");
       r.next();)
    into.breaker.push_back(
        {std::chrono::microseconds{r->number(0)}, r->text(1), r->text(2), r->text(3)});
}

}  // namespace

void gather_shown_orders(evidence& into, int service_port) {
  httplib::Client http{"127.0.0.1", service_port};
  http.set_keep_alive(true);
  http.set_tcp_nodelay(true);
  for (std::string next = "/orders?limit=200"; !next.empty();) {
    const json page = get_json(http, next);
    for (const json& o : page.at("orders"))
      into.shown[o.at("order_id").get<std::string>()] = {
          .version = o.at("version").get<std::uint64_t>(),
          .status = o.at("status").get<std::string>(),
          .items = o.at("items").get<std::vector<item>>(),
          .total_cents = o.at("total_cents").get<std::int64_t>(),
          .settled_cents = o.at("settled_cents").get<std::int64_t>()};
    next = page.at("_links").contains("next")
               ? page.at("_links").at("next").at("href").get<std::string>()
               : std::string{};
  }
}

void gather_charges(evidence& into, int provider_port) {
  httplib::Client http{"127.0.0.1", provider_port};
  const json books = get_json(http, "/charges");
  for (const json& c : books.at("charges"))
    into.charges.push_back({.key = c.at("key").get<std::string>(),
                            .order_id = c.at("order_id").get<std::string>(),
                            .amount_cents = c.at("amount_cents").get<std::int64_t>(),
                            .repeats = c.at("repeats").get<std::uint32_t>()});
}

void gather_from_file(evidence& into, const std::string& path) {
  connection on = open_read_only(path);
  read_events(into, on);
  read_inboxes(into, on);
  read_breaker(into, on);
  into.bookings =
      read_effects(on, "SELECT event_id, order_id, version FROM inventory_booking ORDER BY seq");
  into.emails = read_effects(on, "SELECT event_id, order_id, version FROM email ORDER BY seq");
  for (rows r = on.query("SELECT product, reserved FROM inventory_stock"); r.next();)
    into.stock[r->text(0)] = r->number(1);
  for (rows r = on.query(
           "SELECT published_at - created_at FROM gabion_outbox WHERE published_at IS NOT NULL");
       r.next();)
    into.publish_lags.emplace_back(r->number(0));
  into.unpublished = count(on, "SELECT count(*) FROM gabion_outbox WHERE published_at IS NULL");
  into.dead_letters = count(on,
                            "SELECT (SELECT count(*) FROM gabion_outbox WHERE state >= 2) + "
                            "(SELECT count(*) FROM gabion_inbox_letter)");
  into.payments_due = count(on, "SELECT count(*) FROM payment_due");
  into.published_twice =
      count(on, "SELECT count(*) - count(DISTINCT event_id) FROM gabion_broker_message");
}

std::uint64_t count_in_flight(const std::string& path) {
  connection on = open_read_only(path);
  return count(on, R"sql(
    SELECT (SELECT count(*) FROM gabion_outbox WHERE state = 0)
         + (SELECT count(*) FROM payment_due)
         + (SELECT coalesce(sum(p.last_offset - coalesce(o.offset, 0)), 0)
              FROM gabion_broker_partition p
              JOIN (SELECT 'inventory' AS name UNION ALL SELECT 'email' UNION ALL SELECT 'payments') g
              LEFT JOIN gabion_broker_offset o ON o.group_name = g.name AND o.topic = p.topic AND o.part = p.part)
         + (SELECT coalesce(sum((SELECT coalesce(max(position), 0) FROM gabion_event) - coalesce(c.position, 0)), 0)
              FROM (SELECT 'order_view@1' AS name UNION ALL SELECT 'order_analytics@1') n
              LEFT JOIN gabion_checkpoint c ON c.name = n.name)
  )sql");
}

}  // namespace shop::demo
