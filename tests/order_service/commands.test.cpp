// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include "order_service/running_service.hpp"

using namespace order_tests;

TEST_CASE("a command is answered with 202 and where to look and what to wait for",
          "[order_service][http]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const auto answer = service.http().Post("/orders", good_order, "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 202);
  const json body = json::parse(answer->body);
  const std::string path = answer->get_header_value("Location");
  CHECK(path == "/orders/" + body.at("order_id").get<std::string>());
  CHECK(body.at("version") == 1);
  CHECK(body.at("_links").at("order").at("href") == path);
  const json shown = read_after(service, path, answer->get_header_value("Consistency-Token"));
  CHECK(shown.at("version").get<int>() >= 1);
  CHECK(shown.at("total_cents") == 3000);
  CHECK(shown.at("customer").at("name") == "Ada");
}

TEST_CASE("an order is changed and extended and cancelled", "[order_service][http]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  CHECK(service.http().Post(path + "/items", good_item, "application/json")->status == 202);
  const auto changed =
      service.http().Put(path, R"({"items":[)" + good_item + "]}", "application/json");
  REQUIRE(changed);
  CHECK(changed->status == 202);
  CHECK(read_after(service, path, changed->get_header_value("Consistency-Token"))
            .at("items")
            .size() == 1);
  const auto cancelled = service.http().Delete(path);
  REQUIRE(cancelled);
  CHECK(cancelled->status == 202);
  const json shown = read_after(service, path, cancelled->get_header_value("Consistency-Token"));
  CHECK(shown.at("status") == "cancelled");
  CHECK(shown.at("total_cents") == 0);
  CHECK_FALSE(shown.at("_links").contains("cancel"));
  CHECK(service.http().Delete(path)->status == 202);  // it is cancelled: that is what was asked for
  CHECK(is_problem(service.http().Put(path, R"({"items":[)" + good_item + "]}", "application/json"),
                   409));
  CHECK(is_problem(service.http().Post(path + "/items", good_item, "application/json"), 409));
}

TEST_CASE("the same key gets the same answer and nothing is done again",
          "[order_service][http][idempotency]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const auto first = service.http().Post("/orders", keyed("k-1"), good_order, "application/json");
  const auto again = service.http().Post("/orders", keyed("k-1"), good_order, "application/json");
  REQUIRE(first);
  REQUIRE(again);
  CHECK(again->status == 202);
  CHECK(again->body == first->body);
  CHECK(again->get_header_value("Location") == first->get_header_value("Location"));
  CHECK(again->get_header_value("Consistency-Token") ==
        first->get_header_value("Consistency-Token"));
  const std::string path = first->get_header_value("Location");
  CHECK(service.http().Post(path + "/items", keyed("k-2"), good_item, "application/json")->status ==
        202);
  const auto repeated =
      service.http().Post(path + "/items", keyed("k-2"), good_item, "application/json");
  REQUIRE(repeated);
  CHECK(repeated->status == 202);
  CHECK(read_after(service, path, repeated->get_header_value("Consistency-Token"))
            .at("items")
            .size() == 2);
  CHECK(count_orders(service) == 1);
}

TEST_CASE("a key that was used for another command is refused",
          "[order_service][http][idempotency]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const auto first = service.http().Post("/orders", keyed("k-1"), good_order, "application/json");
  REQUIRE(first);
  std::string other = good_order;
  other.replace(other.find("book"), 4, "desk");
  CHECK(is_problem(service.http().Post("/orders", keyed("k-1"), other, "application/json"), 409,
                   "Idempotency-Key"));
  CHECK(is_problem(service.http().Delete(first->get_header_value("Location"), keyed("k-1")), 409,
                   "Idempotency-Key"));
}

TEST_CASE("a refused command may be tried again under its key",
          "[order_service][http][idempotency]") {
  const temporary_folder folder;
  running service = start_service(folder);
  CHECK(is_problem(service.http().Delete("/orders/nobody", keyed("k-1")), 404));
  CHECK(is_problem(service.http().Delete("/orders/nobody", keyed("k-1")), 404));
  CHECK(service.http().Post("/orders", keyed("k-1"), good_order, "application/json")->status ==
        202);
}

TEST_CASE("a command may name the version that it was decided on", "[order_service][http]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  const auto version = [&] {
    return json::parse(service.http().Get(path)->body).at("version").get<int>();
  };
  REQUIRE(
      // queued: nobody takes its money
      eventually([&] { return service.http().Get(path)->status == 200 && version() == 3; }));
  const std::string body = R"({"items":[)" + good_item + "]}";
  CHECK(
      is_problem(service.http().Put(path, {{"If-Match", "\"2\""}}, body, "application/json"), 412));
  CHECK(is_problem(service.http().Put(path, {{"If-Match", "2"}}, body, "application/json"), 400,
                   "If-Match"));
  CHECK(service.http()
            .Put(path, {{"If-Match", service.http().Get(path)->get_header_value("ETag")}}, body,
                 "application/json")
            ->status == 202);
}
