// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <optional>
#include <stdexcept>
#include <string>

#include "support/temporary_file.hpp"
#include "tables/memory_tables.hpp"
#include "tables/order_document.hpp"
#include "tables/sqlite_tables.hpp"

using namespace shop;

namespace {

struct in_memory {
  gabion::memory::database database{};
  memory_tables tables{database};
};

struct in_file {
  static gabion::sqlite::database& prepared(gabion::sqlite::database& d) {
    gabion::sqlite::create_schema(d, sqlite_tables_schema);
    return d;
  }
  gabion_test::temporary_directory folder{};
  gabion::sqlite::database database{folder.file("tables.db")};
  sqlite_tables tables{prepared(database)};
};

order_view view(const std::string& id, const std::string& customer, bool cancelled = false) {
  return {.id = id,
          .version = 1,
          .placed_at = gabion::wall_time{std::chrono::seconds{10}},
          .updated_at = gabion::wall_time{std::chrono::seconds{20}},
          .state = {.exists = true,
                    .by = {customer, "Ada", "a@b"},
                    .items = {{"book", 2, {100}}},
                    .cancelled = cancelled}};
}

template <class Place, class Work>
void write(Place& place, Work work) {
  place.database.transact([&](typename decltype(place.tables)::transaction& tx) { work(tx); });
}

std::vector<std::string> ids(const order_page& page) {
  std::vector<std::string> result;
  for (const order_view& v : page.orders) result.push_back(v.id);
  return result;
}

template <class Place>
void orders_are_kept_and_found() {
  Place p;
  write(p, [&](auto& tx) {
    p.tables.put_order(tx, view("a", "c-1"));
    p.tables.put_order(tx, view("b", "c-2", true));
    p.tables.put_order(tx, view("c", "c-1", true));
    CHECK(p.tables.find_order(tx, "a").has_value());
  });
  const auto found = p.tables.find_order("a");
  REQUIRE(found.has_value());
  CHECK(found->state == view("a", "c-1").state);
  CHECK(found->placed_at == view("a", "c-1").placed_at);
  CHECK_FALSE(p.tables.find_order("x").has_value());
  CHECK(ids(p.tables.find_orders({})) == std::vector<std::string>{"a", "b", "c"});
  CHECK(ids(p.tables.find_orders({.status = order_status::cancelled})) ==
        std::vector<std::string>{"b", "c"});
  CHECK(ids(p.tables.find_orders({.customer_id = "c-1"})) == std::vector<std::string>{"a", "c"});
  CHECK(ids(p.tables.find_orders({.status = order_status::cancelled, .customer_id = "c-1"})) ==
        std::vector<std::string>{"c"});
  CHECK(ids(p.tables.find_orders({.after = "b"})) == std::vector<std::string>{"c"});
  CHECK(p.tables.find_orders({.limit = 2}).more);
  CHECK_FALSE(p.tables.find_orders({.limit = 3}).more);
}

template <class Place>
void nothing_stays_of_a_transaction_that_throws() {
  Place p;
  write(p, [&](auto& tx) { p.tables.add_to_total(tx, "n", 1); });
  const auto failing = [&](auto& tx) {
    p.tables.put_order(tx, view("a", "c-1"));
    p.tables.add_to_total(tx, "n", 5);
    p.tables.put_due(tx, {.order_id = "a", .number = 1});
    throw std::runtime_error{"no"};
  };
  CHECK_THROWS_AS(write(p, failing), std::runtime_error);
  CHECK_FALSE(p.tables.find_order("a").has_value());
  CHECK(p.tables.analytics(10).totals.at("n") == 1);
  CHECK(p.tables.count_due() == 0);
}

template <class Place>
void sums_add_up_and_products_come_highest_first() {
  Place p;
  write(p, [&](auto& tx) {
    p.tables.add_to_total(tx, "n", 3);
    p.tables.add_to_total(tx, "n", -1);
    p.tables.add_to_product(tx, "cup", 2);
    p.tables.add_to_product(tx, "book", 5);
    p.tables.add_to_product(tx, "lamp", 1);
  });
  const order_analytics found = p.tables.analytics(2);
  CHECK(found.totals.at("n") == 2);
  CHECK(found.products ==
        std::vector<std::pair<std::string, std::int64_t>>{{"book", 5}, {"cup", 2}});
}

template <class Place>
void due_payments_are_read_in_pages_and_removed_by_number() {
  Place p;
  write(p, [&](auto& tx) {
    p.tables.put_due(tx, {.order_id = "a", .number = 1, .amount = {100}});
    p.tables.put_due(tx, {.order_id = "b", .number = 2, .amount = {-50}, .queued = true});
    p.tables.remove_due(tx, "a", 7);
  });
  CHECK(p.tables.count_due() == 2);
  const auto first = p.tables.due_payments("", 1);
  REQUIRE(first.size() == 1);
  CHECK(first.front().order_id == "a");
  const auto next = p.tables.due_payments("a", 10);
  REQUIRE(next.size() == 1);
  CHECK(next.front().amount == money{-50});
  CHECK(next.front().queued);
  write(p, [&](auto& tx) { p.tables.remove_due(tx, "a", 1); });
  CHECK(p.tables.count_due() == 1);
}

template <class Place>
void customers_and_addresses_are_replaced() {
  Place p;
  write(p, [&](auto& tx) {
    p.tables.put_customer(tx, {.id = "c", .name = "Ada", .orders = 1});
    p.tables.put_customer(tx, {.id = "c", .name = "Ada", .orders = 2, .spent = {5}});
    p.tables.put_address(tx, "a", "old@b");
    p.tables.put_address(tx, "a", "new@b");
    CHECK(p.tables.address_of(tx, "a") == "new@b");
    CHECK(p.tables.address_of(tx, "x").empty());
  });
  CHECK(p.tables.find_customer("c")->orders == 2);
  CHECK(p.tables.find_customer("c")->spent == money{5});
  CHECK_FALSE(p.tables.find_customer("d").has_value());
}

template <class Place>
void all_tables() {
  orders_are_kept_and_found<Place>();
  nothing_stays_of_a_transaction_that_throws<Place>();
  sums_add_up_and_products_come_highest_first<Place>();
  due_payments_are_read_in_pages_and_removed_by_number<Place>();
  customers_and_addresses_are_replaced<Place>();
}

}  // namespace

TEST_CASE("the tables in memory do what the service asks of them", "[order_service][tables]") {
  all_tables<in_memory>();
}

TEST_CASE("the tables in SQLite do the same", "[order_service][tables]") { all_tables<in_file>(); }

TEST_CASE("an order reads back from its document", "[order_service][tables]") {
  order o = view("a", "c-1").state;
  CHECK(read_document(write_document(o)) == o);
  o.payment = open_payment{.number = 3, .amount = {-7}, .queued = true};
  o.payments = 3;
  o.settled = {12};
  o.declined = true;
  o.cancelled = true;
  CHECK(read_document(write_document(o)) == o);
}
