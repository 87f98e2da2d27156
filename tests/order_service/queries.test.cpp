// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <gabion/cqrs/consistency_token.hpp>

#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

/// The service without a provider settles down when the payment of its only order is queued.
void wait_until_queued(running& service, const std::string& path) {
  REQUIRE(eventually([&] {
    const auto answer = service.http().Get(path);
    return answer && answer->status == 200 &&
           json::parse(answer->body).at("status") == "payment_queued";
  }));
}

}  // namespace

TEST_CASE("an order that did not change is not sent again", "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  wait_until_queued(service, path);
  const auto first = service.http().Get(path);
  const std::string tag = first->get_header_value("ETag");
  REQUIRE_FALSE(tag.empty());
  const auto same = service.http().Get(path, {{"If-None-Match", tag}});
  CHECK(same->status == 304);
  CHECK(same->body.empty());
  CHECK(same->get_header_value("ETag") == tag);
  const auto cancelled = service.http().Delete(path);
  const auto other = service.http().Get(
      path, {{"If-None-Match", tag},
             {"Consistency-Token", cancelled->get_header_value("Consistency-Token")}});
  CHECK(other->status == 200);
  CHECK(other->get_header_value("ETag") != tag);
}

TEST_CASE("an answer says how far it is behind", "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  wait_until_queued(service, path);
  for (const std::string& query : {path, std::string{"/orders"}, std::string{"/analytics/orders"},
                                   std::string{"/customers/c-1/orders"}}) {
    INFO(query);
    const auto answer = service.http().Get(query);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->get_header_value("Read-Model-Lag").ends_with(" events"));
    CHECK(answer->get_header_value("Positions-Behind") == "0");
    CHECK(answer->has_header("Consistency-Token"));
    CHECK(answer->has_header("ETag"));
  }
}

TEST_CASE("a client that demands more than there is gets what there is and is told so",
          "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  wait_until_queued(service, path);
  const std::string future =
      gabion::encode(gabion::consistency_token{"orders", gabion::position{1000}});
  const auto answer = service.http().Get(path, {{"Consistency-Token", future}});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->get_header_value("Positions-Behind") == "997");
  const std::string foreign =
      gabion::encode(gabion::consistency_token{"elsewhere", gabion::position{1}});
  CHECK(is_problem(service.http().Get(path, {{"Consistency-Token", foreign}}), 400,
                   "Consistency-Token"));
}

TEST_CASE("orders come in pages that lead on from one to the next",
          "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  std::vector<std::string> placed;
  for (int i = 0; i < 5; ++i) placed.push_back(place(service));
  const auto last = service.http().Delete(placed[2]);
  const std::string token = last->get_header_value("Consistency-Token");
  std::vector<std::string> seen;
  std::size_t pages = 0;
  for (std::string next = "/orders?limit=2"; !next.empty(); ++pages) {
    const json page = read_after(service, next, token);
    CHECK(page.at("orders").size() <= 2);
    for (const json& o : page.at("orders"))
      seen.push_back("/orders/" + o.at("order_id").get<std::string>());
    next = page.at("_links").contains("next")
               ? page.at("_links").at("next").at("href").get<std::string>()
               : "";
  }
  CHECK(seen == placed);
  CHECK(pages == 3);
  CHECK(read_after(service, "/orders?status=cancelled", token).at("orders").size() == 1);
  CHECK(read_after(service, "/orders?customer=c-1&limit=1", token)
            .at("_links")
            .at("next")
            .at("href")
            .get<std::string>()
            .find("customer=c-1") != std::string::npos);
  CHECK(read_after(service, "/orders?customer=nobody", token).at("orders").empty());
}

TEST_CASE("a customer and the totals are shown", "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  place(service);
  const auto second = service.http().Post("/orders", good_order, "application/json");
  const std::string token = second->get_header_value("Consistency-Token");
  const json customer = read_after(service, "/customers/c-1/orders", token);
  CHECK(customer.at("customer").at("orders") == 2);
  CHECK(customer.at("customer").at("name") == "Ada");
  CHECK(customer.at("orders").size() == 2);
  CHECK(is_problem(service.http().Get("/customers/nobody/orders"), 404));
  const json analytics = read_after(service, "/analytics/orders", token);
  CHECK(analytics.at("totals").at("orders_placed") == 2);
  CHECK(analytics.at("products").at(0) == json{{"product", "book"}, {"units", 4}});
}

TEST_CASE("an order that is not there is a problem", "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  CHECK(is_problem(service.http().Get("/orders/nobody"), 404));
}

TEST_CASE("health and metrics are told", "[order_service][http][queries]") {
  const temporary_folder folder;
  running service = start_service(folder);
  place(service);
  const auto health = service.http().Get("/health");
  CHECK(health->status == 200);
  CHECK(json::parse(health->body).at("parts").contains("order_view"));
  const auto metrics = service.http().Get("/metrics");
  CHECK(metrics->get_header_value("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(metrics->body.find(
            "orders_commands_total{command=\"place_order\",outcome=\"succeeded\"} 1\n") !=
        std::string::npos);
  CHECK(metrics->body.find("# TYPE orders_command_seconds histogram") != std::string::npos);
}

TEST_CASE("everything works in memory too", "[order_service][http][memory]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service{
      ORDER_SERVICE, {"--port", "0", "--memory", "--payment", provider.url()}, folder.path()};
  const std::string path = place(service);
  CHECK(eventually([&] {
    const auto answer = service.http().Get(path);
    return answer && answer->status == 200 && json::parse(answer->body).at("status") == "paid";
  }));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "orders.db"));
  CHECK(service.process().terminate(seconds{10}) == 0);
}
