// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "http/problem.hpp"
#include "http/read_body.hpp"

using namespace shop;

namespace {

const std::string good =
    R"({"customer":{"id":"c-1","name":"Ada","email":"ada@example.com"},"items":[{"product":"book","quantity":2,"unit_price_cents":1500}]})";

template <class Read>
problem problem_with(Read read) {
  try {
    (void)read();
  } catch (const bad_body& e) {
    return e.why;
  }
  return {.status = 200};
}

problem problem_with_place(const std::string& text) {
  return problem_with([&] { return read_place_body(text); });
}

/// The good body with one place changed.
std::string changed(const std::string& pointer, const nlohmann::json& value) {
  nlohmann::json body = nlohmann::json::parse(good);
  body[nlohmann::json::json_pointer{pointer}] = value;
  return body.dump();
}

}  // namespace

TEST_CASE("a good order is read whole", "[order_service][http]") {
  const place_body body = read_place_body(good);
  CHECK(body.by == customer{"c-1", "Ada", "ada@example.com"});
  CHECK(body.items == std::vector<item>{{"book", 2, {1500}}});
}

TEST_CASE("text that is not JSON is a bad request", "[order_service][http]") {
  for (const char* text : {"", "{", "{\"a\":}", "\xff\xfe", "{\"customer\": tru}", "[1,2"}) {
    INFO(text);
    CHECK(problem_with_place(text).status == 400);
  }
}

TEST_CASE("every wrong place is named with what is allowed", "[order_service][http]") {
  struct wrong {
    std::string body;
    std::string field;
  };
  const std::string long_id(65, 'x');
  const std::vector<wrong> all{
      {"[]", "(body)"},
      {"3", "(body)"},
      {changed("/customer", "Ada"), "customer"},
      {changed("/customer/id", ""), "customer.id"},
      {changed("/customer/id", long_id), "customer.id"},
      {changed("/customer/name", 5), "customer.name"},
      {changed("/customer/email", "nobody"), "customer.email"},
      {changed("/customer/age", 5), "customer.age"},
      {changed("/items", nlohmann::json::array()), "items"},
      {changed("/items", nlohmann::json::array_t(
                             101, {{"product", "x"}, {"quantity", 1}, {"unit_price_cents", 1}})),
       "items"},
      {changed("/items", "book"), "items"},
      {changed("/items/0", 7), "items[0]"},
      {changed("/items/0/quantity", 0), "items[0].quantity"},
      {changed("/items/0/quantity", -1), "items[0].quantity"},
      {changed("/items/0/quantity", 10'001), "items[0].quantity"},
      {changed("/items/0/quantity", 1.5), "items[0].quantity"},
      {changed("/items/0/quantity", "2"), "items[0].quantity"},
      {changed("/items/0/quantity", 18446744073709551615ULL), "items[0].quantity"},
      {changed("/items/0/unit_price_cents", -1), "items[0].unit_price_cents"},
      {changed("/items/0/unit_price_cents", 100'000'001), "items[0].unit_price_cents"},
      {changed("/items/0/colour", "red"), "items[0].colour"},
      {changed("/note", "hi"), "note"},
  };
  for (const wrong& w : all) {
    INFO(w.body);
    const problem p = problem_with_place(w.body);
    CHECK(p.status == 422);
    REQUIRE(p.errors.size() == 1);
    CHECK(p.errors.front().field == w.field);
    CHECK_FALSE(p.errors.front().detail.empty());
  }
}

TEST_CASE("a bound is allowed and one beyond it is not", "[order_service][http]") {
  CHECK(problem_with_place(changed("/items/0/quantity", 10'000)).status == 200);
  CHECK(problem_with_place(changed("/items/0/unit_price_cents", 100'000'000)).status == 200);
  CHECK(problem_with_place(changed("/items/0/unit_price_cents", 0)).status == 200);
  CHECK(problem_with_place(changed("/customer/id", std::string(64, 'x'))).status == 200);
}

TEST_CASE("one answer names all that is wrong", "[order_service][http]") {
  const problem p = problem_with_place(R"({"customer":{"id":5},"itms":[]})");
  std::vector<std::string> fields;
  for (const field_error& e : p.errors) fields.push_back(e.field);
  CHECK(fields == std::vector<std::string>{"itms", "customer.id", "customer.name", "customer.email",
                                           "items"});
}

TEST_CASE("deep nesting where a number should be does not take a deep stack",
          "[order_service][http]") {
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  const problem p = problem_with([&] {
    return read_item_body(R"({"product":"x","unit_price_cents":1,"quantity":)" + deep + "}");
  });
  CHECK(p.status == 422);
  REQUIRE(p.errors.size() == 1);
  CHECK(p.errors.front().field == "quantity");
}

TEST_CASE("a problem is JSON whatever the client sent", "[order_service][http]") {
  const problem p{
      .status = 422, .title = "t", .detail = "bad \xff byte", .errors = {{"a\"b", "c\nd"}}};
  const auto body = nlohmann::json::parse(to_json_text(p, "/orders/\xc3"));
  CHECK(body.at("status") == 422);
  CHECK(body.at("errors").at(0).at("field") == "a\"b");
  CHECK(body.at("errors").at(0).at("detail") == "c\nd");
}
