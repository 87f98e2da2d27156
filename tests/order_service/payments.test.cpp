// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

bool has_status(running& service, const std::string& path, const std::string& status) {
  const auto answer = service.http().Get(path);
  return answer && answer->status == 200 && json::parse(answer->body).at("status") == status;
}

json charges(running& provider) {
  return json::parse(provider.http().Get("/charges")->body).at("charges");
}

std::int64_t charged_in_all(running& provider) {
  std::int64_t sum = 0;
  for (const json& c : charges(provider)) sum += c.at("amount_cents").get<std::int64_t>();
  return sum;
}

}  // namespace

TEST_CASE("an order is charged once", "[order_service][payments]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url()});
  const std::string path = place(service);
  CHECK(eventually([&] { return has_status(service, path, "paid"); }));
  REQUIRE(charges(provider).size() == 1);
  CHECK(charges(provider)[0].at("amount_cents") == 3000);
}

TEST_CASE("what is added is charged apart and a cancelled order is paid back",
          "[order_service][payments]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url()});
  const std::string path = place(service);
  CHECK(eventually([&] { return has_status(service, path, "paid"); }));
  CHECK(service.http().Post(path + "/items", good_item, "application/json")->status == 202);
  CHECK(eventually([&] { return charged_in_all(provider) == 3700; }));
  CHECK(service.http().Delete(path)->status == 202);
  CHECK(eventually([&] { return charged_in_all(provider) == 0; }));
  CHECK(charges(provider).size() == 3);
}

TEST_CASE("an order over the limit of the card is declined", "[order_service][payments]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url()});
  const std::string dear =
      R"({"customer":{"id":"c","name":"n","email":"a@b"},"items":[{"product":"sofa","quantity":9,"unit_price_cents":900000}]})";
  const std::string path =
      service.http().Post("/orders", dear, "application/json")->get_header_value("Location");
  CHECK(eventually([&] { return has_status(service, path, "payment_declined"); }));
  CHECK(charges(provider).empty());
  CHECK(json::parse(service.http().Get("/health")->body).at("parts").at("payments").at("state") ==
        "up");
}

TEST_CASE("payments wait while the provider is down and are made when it is back",
          "[order_service][payments][breaker]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url()});
  set_mood(provider, "fail");
  std::vector<std::string> paths;
  for (int i = 0; i < 5; ++i) paths.push_back(place(service));
  for (const std::string& path : paths)
    CHECK(eventually([&] { return has_status(service, path, "payment_queued"); }));
  CHECK(eventually([&] {
    return json::parse(service.http().Get("/health")->body)
               .at("parts")
               .at("payments")
               .at("state") == "degraded";
  }));
  CHECK(service.http().Get("/health")->status == 200);  // it serves all the same
  CHECK(charges(provider).empty());
  set_mood(provider, "ok");
  for (const std::string& path : paths)
    CHECK(eventually([&] { return has_status(service, path, "paid"); }));
  CHECK(charges(provider).size() == 5);
}

TEST_CASE("a provider that charges and does not answer charges once all the same",
          "[order_service][payments][breaker]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service =
      start_service(folder, {"--payment", provider.url(), "--payment-timeout", "100"});
  set_mood(provider, "hang");
  const std::string path = place(service);
  CHECK(eventually([&] { return has_status(service, path, "payment_queued"); }));
  set_mood(provider, "ok");
  CHECK(eventually([&] { return has_status(service, path, "paid"); }));
  REQUIRE(charges(provider).size() == 1);
  CHECK(charges(provider)[0].at("repeats").get<int>() >= 1);
}
