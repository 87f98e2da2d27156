// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <gabion/adapters/sqlite/connection.hpp>

#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

bool is_unavailable(const httplib::Result& answer) {
  return is_problem(answer, 503) && answer->has_header("Retry-After");
}

}  // namespace

TEST_CASE("a locked database is 503 and the same command succeeds afterwards",
          "[order_service][http][failures]") {
  const temporary_folder folder;
  running service = start_service(folder, {"--busy-timeout", "50"});
  const std::string before = place(service);
  REQUIRE(eventually([&] { return service.http().Get(before)->status == 200; }));
  {
    gabion::sqlite::connection other{(folder.path() / "orders.db").string()};
    other.execute("BEGIN IMMEDIATE");
    CHECK(
        is_unavailable(service.http().Post("/orders", keyed("k"), good_order, "application/json")));
    CHECK(service.http().Get(before)->status == 200);  // reading goes on
    other.execute("ROLLBACK");
  }
  const auto after = service.http().Post("/orders", keyed("k"), good_order, "application/json");
  REQUIRE(after);
  CHECK(after->status == 202);
  CHECK(read_after(service, "/orders", after->get_header_value("Consistency-Token"))
            .at("orders")
            .size() == 2);
}

TEST_CASE("a full disk is 503 and loses nothing that was acknowledged",
          "[order_service][http][failures]") {
  const temporary_folder folder;
  std::vector<std::string> acknowledged;
  std::string refused_key;
  {
    running service = start_service(folder, {"--max-pages", "150"});
    for (int i = 0; refused_key.empty() && i < 5000; ++i) {
      const std::string key = "k-" + std::to_string(i);
      const auto answer =
          service.http().Post("/orders", keyed(key), good_order, "application/json");
      REQUIRE(answer);
      if (answer->status == 202) {
        acknowledged.push_back(answer->get_header_value("Location"));
      } else {
        CHECK(is_unavailable(answer));
        refused_key = key;
      }
    }
    REQUIRE_FALSE(refused_key.empty());
    CHECK(service.http().Get("/orders")->status == 200);  // reading goes on
    CHECK(service.process().terminate(seconds{15}) == 0);
  }
  running service = start_service(folder);
  const auto again =
      service.http().Post("/orders", keyed(refused_key), good_order, "application/json");
  REQUIRE(again);
  CHECK(again->status == 202);
  const std::string token = again->get_header_value("Consistency-Token");
  CHECK(eventually([&] {
    return service.http()
               .Get("/orders", {{"Consistency-Token", token}})
               ->get_header_value("Positions-Behind") == "0";
  }));
  for (const std::string& path : acknowledged) CHECK(service.http().Get(path)->status == 200);
  CHECK(count_orders(service) == std::min<std::size_t>(200, acknowledged.size() + 1));
}

TEST_CASE("what was acknowledged survives a kill and goes on where it was",
          "[order_service][http][failures]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  std::vector<std::string> acknowledged;
  {
    running service = start_service(folder, {"--payment", provider.url()});
    for (int i = 0; i < 20; ++i) acknowledged.push_back(place(service));
    service.process().kill();
  }
  running service = start_service(folder, {"--payment", provider.url()});
  for (const std::string& path : acknowledged)
    CHECK(eventually([&] {
      const auto answer = service.http().Get(path);
      return answer && answer->status == 200 && json::parse(answer->body).at("status") == "paid";
    }));
  CHECK(json::parse(provider.http().Get("/charges")->body).at("charges").size() == 20);
}

TEST_CASE("SIGTERM ends the service soon and nothing is lost", "[order_service][http][failures]") {
  const temporary_folder folder;
  std::string path;
  {
    running service = start_service(folder);
    path = place(service);
    CHECK(service.process().terminate(seconds{10}) == 0);
  }
  running service = start_service(folder);
  CHECK(eventually([&] { return service.http().Get(path)->status == 200; }));
}

TEST_CASE("a port that is taken and a file that can not be opened are said so",
          "[order_service][failures]") {
  const temporary_folder folder;
  running service = start_service(folder);
  CHECK_THROWS(running{
      ORDER_SERVICE, {"--port", std::to_string(service.port()), "--memory"}, folder.path()});
  CHECK_THROWS(
      running{ORDER_SERVICE, {"--port", "0", "--db", "/nowhere/orders.db"}, folder.path()});
}
