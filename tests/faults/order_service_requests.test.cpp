// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <exception>
#include <string>

#include "http/problem.hpp"
#include "http/read_body.hpp"
#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

/// A service that keeps nothing: the quickest to start.
struct fresh_service {
  temporary_folder folder{};
  running service{ORDER_SERVICE, {"--port", "0", "--memory"}, folder.path()};

  httplib::Client& http() { return service.http(); }

  httplib::Result send(const std::string& method, const std::string& path,
                       const httplib::Headers& headers = {}, const std::string& body = {}) {
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.headers = headers;
    request.body = body;
    if (!body.empty()) request.headers.emplace("Content-Type", "application/json");
    return http().send(request);
  }

  /// A new order, once it has the version that it keeps without a payment provider.
  std::string settled_order() {
    const std::string path = place(service);
    REQUIRE(eventually([&] {
      const auto shown = http().Get(path);
      return shown && shown->status == 200 && json::parse(shown->body).at("version") == 3;
    }));
    return path;
  }
  httplib::Result replace_items(const std::string& path, const httplib::Headers& headers) {
    return send("PUT", path, headers, R"({"items":[)" + good_item + "]}");
  }
};

bool allows(const httplib::Result& answer, const std::string& method) {
  return answer && answer->get_header_value("Allow").find(method) != std::string::npos;
}

/// The good order with one text in place of another.
std::string altered(const std::string& from, const std::string& to) {
  std::string order = good_order;
  return order.replace(order.find(from), from.size(), to);
}

/// True if reading it is refused, with 400 or 422 and an error for that field.
bool is_refused(const std::string& order, const std::string& field) {
  try {
    (void)shop::read_place_body(order);
  } catch (const shop::bad_body& e) {
    for (const shop::field_error& found : e.why.errors)
      if (found.field == field) return e.why.status == 400 || e.why.status == 422;
  } catch (const std::exception& e) {
    UNSCOPED_INFO(e.what());
  }
  return false;
}

/// RFC 9457, section 4.2.1: `about:blank` says no more than the status, so its title is that of the
/// status.
bool title_fits_type(const httplib::Result& answer, const std::string& of_status) {
  const json problem = json::parse(answer->body);
  return problem.at("type") != "about:blank" || problem.at("title") == of_status;
}

}  // namespace

TEST_CASE("S3: a quantity beyond any number is refused by its name", "[fault][!shouldfail]") {
  CHECK(is_refused(altered("\"quantity\":2", "\"quantity\":1e400"), "items[0].quantity"));
}

TEST_CASE("S3a: a price beyond any number is refused by its name", "[fault][!shouldfail]") {
  CHECK(is_refused(altered("1500", "-1e400"), "items[0].unit_price_cents"));
}

TEST_CASE("S3b: a number beyond any number in an unknown member is no fault of the service",
          "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer =
      s.http().Post("/orders", altered("{\"cust", "{\"x\":1e400,\"cust"), "application/json");
  REQUIRE(answer);
  CHECK((answer->status == 400 || answer->status == 422));
}

TEST_CASE("S5: a method that a resource does not have is 405 with those that it has",
          "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.send("PATCH", "/orders/x");
  REQUIRE(answer);
  CHECK(answer->status == 405);
  CHECK(allows(answer, "GET"));
  CHECK(allows(answer, "PUT"));
  CHECK(allows(answer, "DELETE"));
}

TEST_CASE("S5a: a method that a collection does not have is 405 with those that it has",
          "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.send("DELETE", "/orders");
  REQUIRE(answer);
  CHECK(answer->status == 405);
  CHECK(allows(answer, "GET"));
  CHECK(allows(answer, "POST"));
}

TEST_CASE("S5b: a resource that is only read answers a command with 405", "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.send("POST", "/analytics/orders", {}, "{}");
  REQUIRE(answer);
  CHECK(answer->status == 405);
  CHECK(allows(answer, "GET"));
}

TEST_CASE("S5c: OPTIONS says which methods a resource has", "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.send("OPTIONS", "/orders");
  REQUIRE(answer);
  CHECK((answer->status == 200 || answer->status == 204));
  CHECK(allows(answer, "POST"));
}

TEST_CASE("S5d: a tag that is none of ours in If-Match fails the condition",
          "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(is_problem(s.replace_items(s.settled_order(), {{"If-Match", "\"abc\""}}), 412));
}

TEST_CASE("S5e: If-Match takes a list that holds the tag", "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.replace_items(s.settled_order(), {{"If-Match", R"("1", "3")"}});
  REQUIRE(answer);
  CHECK(answer->status == 202);
}

TEST_CASE("S5f: a list in If-Match that does not hold the tag fails the condition",
          "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(is_problem(s.replace_items(s.settled_order(), {{"If-Match", R"("1", "2")"}}), 412));
}

TEST_CASE("S5g: a weak tag in If-Match matches nothing", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(is_problem(s.replace_items(s.settled_order(), {{"If-Match", "W/\"3\""}}), 412));
}

TEST_CASE("S5h: an order is shown under a tag that If-Match can take", "[fault][!shouldfail]") {
  fresh_service s;
  const auto shown = s.http().Get(s.settled_order());
  REQUIRE(shown);
  CHECK(shown->get_header_value("ETag").starts_with('"'));
}

TEST_CASE("S5i: a key that was used for another command is 422", "[fault][!shouldfail]") {
  fresh_service s;
  const std::string other = altered("book", "desk");
  REQUIRE(s.http().Post("/orders", keyed("k"), good_order, "application/json")->status == 202);
  CHECK(is_problem(s.http().Post("/orders", keyed("k"), other, "application/json"), 422,
                   "Idempotency-Key"));
}

TEST_CASE("S5j: the title of a missing order fits its type", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(title_fits_type(s.http().Get("/orders/x"), "Not Found"));
}

TEST_CASE("S5k: the title of a malformed body fits its type", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(title_fits_type(s.http().Post("/orders", "{", "application/json"), "Bad Request"));
}

TEST_CASE("S5l: the title of a conflict fits its type", "[fault][!shouldfail]") {
  fresh_service s;
  const std::string path = place(s.service);
  REQUIRE(s.http().Delete(path)->status == 202);
  CHECK(title_fits_type(s.replace_items(path, {}), "Conflict"));
}

TEST_CASE("S5m: a replacement that does not say what it replaces is 428", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(is_problem(s.replace_items(place(s.service), {}), 428));
}

TEST_CASE("S6: a content type that only begins like JSON's is refused", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(
      is_problem(s.http().Post("/orders", good_order, "application/jsonfoo"), 415, "Content-Type"));
}

TEST_CASE("S6a: a character set other than UTF-8 is refused", "[fault][!shouldfail]") {
  fresh_service s;
  CHECK(is_problem(s.http().Post("/orders", good_order, "application/json; charset=utf-16"), 415,
                   "Content-Type"));
}

TEST_CASE("S6b: a member that comes twice is refused by its name", "[fault][!shouldfail]") {
  CHECK(
      is_refused(altered("\"quantity\":2", "\"quantity\":2,\"quantity\":3"), "items[0].quantity"));
}

TEST_CASE("S6c: a customer's id with a slash is refused, since no address can name it",
          "[fault][!shouldfail]") {
  CHECK(is_refused(altered("c-1", "c/1"), "customer.id"));
}

TEST_CASE("S6d: a customer's id with a NUL is refused", "[fault][!shouldfail]") {
  CHECK(is_refused(altered("c-1", "c\\u00001"), "customer.id"));
}

TEST_CASE("S6e: a product with a NUL is refused", "[fault][!shouldfail]") {
  CHECK(is_refused(altered("book", "bo\\u0000ok"), "items[0].product"));
}

TEST_CASE("S6g: what a client reads of a version that moved on is a text for clients",
          "[fault][!shouldfail]") {
  fresh_service s;
  const auto answer = s.replace_items(s.settled_order(), {{"If-Match", "\"2\""}});
  REQUIRE(is_problem(answer, 412));
  const std::string detail = json::parse(answer->body).at("detail");
  INFO(detail);
  for (const char* internal : {"append", "stream", "gabion", "event", "expected"})
    CHECK(detail.find(internal) == std::string::npos);
}

TEST_CASE("S6h: what a client reads of a key that was used before is a text for clients",
          "[fault][!shouldfail]") {
  fresh_service s;
  const std::string other = altered("book", "desk");
  REQUIRE(s.http().Post("/orders", keyed("k"), good_order, "application/json")->status == 202);
  const auto answer = s.http().Post("/orders", keyed("k"), other, "application/json");
  REQUIRE(answer);
  const std::string detail = json::parse(answer->body).at("detail");
  INFO(detail);
  for (const char* internal : {"idempotency:", "gabion", "place_order", "command log", "hash"})
    CHECK(detail.find(internal) == std::string::npos);
}
