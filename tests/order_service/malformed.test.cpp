// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

httplib::Result send(running& service, const std::string& method, const std::string& path,
                     const std::string& body) {
  if (method == "PUT") return service.http().Put(path, body, "application/json");
  if (method == "DELETE") return service.http().Delete(path);
  return service.http().Post(path, body, "application/json");
}

}  // namespace

TEST_CASE("a malformed command is a problem that names the field",
          "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const std::string path = place(service);
  struct wrong {
    std::string method;
    std::string path;
    std::string body;
    int status;
    std::string field;
  };
  const std::string negative = R"({"product":"cup","quantity":-1,"unit_price_cents":700})";
  const std::vector<wrong> all{
      {"POST", "/orders", "{", 400, "(body)"},
      {"POST", "/orders", "", 400, "(body)"},
      {"POST", "/orders", R"({"items":[)" + good_item + "]}", 422, "customer"},
      {"POST", "/orders",
       R"({"customer":{"id":"c","name":"n","email":"a@b"},"items":[)" + negative + "]}", 422,
       "items[0].quantity"},
      {"PUT", path, "[]", 422, "(body)"},
      {"PUT", path, R"({"items":[]})", 422, "items"},
      {"PUT", path, R"({"items":[{"product":"ship","quantity":11,"unit_price_cents":100000000}]})",
       422, "items"},
      {"POST", path + "/items", negative, 422, "quantity"},
      {"POST", path + "/items", R"({"product":"cup"})", 422, "unit_price_cents"},
      {"PUT", "/orders/nobody", R"({"items":[)" + good_item + "]}", 404, ""},
      {"POST", "/orders/nobody/items", good_item, 404, ""},
      {"DELETE", "/orders/nobody", "", 404, ""},
      {"POST", "/nowhere", good_item, 404, ""},
  };
  for (const wrong& w : all) {
    INFO(w.method << " " << w.path << " " << w.body);
    CHECK(is_problem(send(service, w.method, w.path, w.body), w.status, w.field));
  }
  CHECK(count_orders(service) == 1);
}

TEST_CASE("a body over the limit is refused and one at the limit is read",
          "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const auto padded = [](std::size_t size) {
    return good_order + std::string(size - good_order.size(), ' ');
  };
  CHECK(service.http().Post("/orders", padded(64 * 1024), "application/json")->status == 202);
  CHECK(is_problem(service.http().Post("/orders", padded(64 * 1024 + 1), "application/json"), 413,
                   "(body)"));
}

TEST_CASE("a body that grows over the limit while it comes is refused",
          "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  const auto endless = [sent = std::size_t{0}](std::size_t, httplib::DataSink& sink) mutable {
    const std::string piece(16 * 1024, ' ');
    if (sent >= 1024 * 1024) {
      sink.done();
      return true;
    }
    sent += piece.size();
    return sink.write(piece.data(), piece.size());
  };
  CHECK(is_problem(service.http().Post("/orders", endless, "application/json"), 413, "(body)"));
  CHECK(is_problem(service.http().Post("/nowhere", endless, "application/json"), 413, "(body)"));
  CHECK(service.http().Get("/health")->status == 200);
}

TEST_CASE("a body that is small only while it is packed is refused",
          "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  service.http().set_compress(true);
  const std::string bomb = good_order + std::string(8 * 1024 * 1024, ' ');
  CHECK(is_problem(service.http().Post("/orders", bomb, "application/json"), 413, "(body)"));
  CHECK(service.http().Post("/orders", good_order, "application/json")->status == 202);
}

TEST_CASE("only JSON is read", "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  CHECK(is_problem(service.http().Post("/orders", good_order, "text/plain"), 415, "Content-Type"));
}

TEST_CASE("headers and parameters are checked too", "[order_service][http][malformed]") {
  const temporary_folder folder;
  running service = start_service(folder);
  CHECK(service.http()
            .Post("/orders", keyed(std::string(200, 'k')), good_order, "application/json")
            ->status == 202);
  CHECK(is_problem(
      service.http().Post("/orders", keyed(std::string(201, 'k')), good_order, "application/json"),
      400, "Idempotency-Key"));
  CHECK(is_problem(service.http().Get("/orders?limit=0"), 400, "limit"));
  CHECK(is_problem(service.http().Get("/orders?limit=201"), 400, "limit"));
  CHECK(is_problem(service.http().Get("/orders?limit=many"), 400, "limit"));
  CHECK(service.http().Get("/orders?limit=200")->status == 200);
  CHECK(is_problem(service.http().Get("/orders?status=lost"), 400, "status"));
  CHECK(is_problem(service.http().Get("/orders?colour=red"), 400, "colour"));
  CHECK(is_problem(service.http().Get("/orders", {{"Consistency-Token", "soon"}}), 400,
                   "Consistency-Token"));
}
