// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <stop_token>
#include <string>
#include <thread>

#include <gabion/log/wake.hpp>

#include "app/memory_backend.hpp"
#include "app/order_writer.hpp"
#include "app/read_side.hpp"
#include "faults/order_service_fixture.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "order_service/running_service.hpp"

using namespace order_faults;

namespace {

/// The HTTP edge in this process, in front of an application whose answers the test sets.
struct edge {
  edge() { shop::register_api(server.routes(), app); }

  scripted_app app{};
  shop::http_server server{{.threads = 2}};
  int port = 0;

  httplib::Result get(const std::string& path, const httplib::Headers& headers = {}) {
    if (port == 0) port = server.start();
    httplib::Client http{"127.0.0.1", port};
    http.set_read_timeout(std::chrono::seconds{5});
    return http.Get(path, headers);
  }
};

shop::customer_summary with_orders(std::int64_t n) {
  return {.id = "c-1", .name = "Ada", .email = "ada@example.com", .orders = n};
}

/// The orders' read model stays where it is, the customers' one catches up by one order.
void let_customers_catch_up(edge& e) {
  e.app.customer.result = with_orders(2);
  e.app.customer.read_model_at = gabion::position{7};
}

edge& begin(edge& e) {
  e.app.orders.read_model_at = e.app.orders.log_at = gabion::position{7};
  e.app.customer.result = with_orders(1);
  e.app.customer.read_model_at = gabion::position{5};
  return e;
}

}  // namespace

TEST_CASE("S1: the tag of a customer's orders changes when the customer's summary does",
          "[fault][!shouldfail]") {
  edge e;
  const auto before = begin(e).get("/customers/c-1/orders");
  let_customers_catch_up(e);
  const auto after = e.get("/customers/c-1/orders");
  REQUIRE((before && after));
  REQUIRE(before->body != after->body);
  CHECK(before->get_header_value("ETag") != after->get_header_value("ETag"));
}

TEST_CASE("S1a: a client that has an older summary of a customer is not answered with 304",
          "[fault][!shouldfail]") {
  edge e;
  const auto before = begin(e).get("/customers/c-1/orders");
  REQUIRE(before);
  let_customers_catch_up(e);
  const auto after =
      e.get("/customers/c-1/orders", {{"If-None-Match", before->get_header_value("ETag")}});
  REQUIRE(after);
  CHECK(after->status == 200);
}

TEST_CASE("S1b: a list is as old as its tag says, though its read model moved while it was read",
          "[fault][!shouldfail]") {
  shop::memory_backend backend;
  gabion::waker nobody;
  shop::order_writer<shop::memory_backend> orders{backend, nobody};
  const auto place = [&](const std::string& id) {
    backend.transactor.transact([&](shop::memory_backend::transaction& tx) {
      return orders.write(
          tx, id, shop::place_order{.by = {"c-1", "Ada", "a@b"}, .items = {{"book", 1, {100}}}});
    });
  };
  const auto shown = [&] { return backend.tables.find_orders({}).orders.size(); };
  shop::projection_runner<shop::memory_backend, shop::order_view_projection> read_model{backend};
  const std::jthread worker{[&](const std::stop_token& stop) { read_model.run(stop); }};
  place("a");
  REQUIRE(order_tests::eventually([&] { return shown() == 1; }));
  const auto before = read_model.read({.at_least = backend.events.head()}, shown);
  const auto after = read_model.read({}, [&] {
    place("b");
    REQUIRE(order_tests::eventually([&] { return shown() == 2; }));
    return shown();
  });
  REQUIRE(before.result != after.result);
  CHECK(before.read_model_at != after.read_model_at);
}
