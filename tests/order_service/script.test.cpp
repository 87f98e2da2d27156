// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <exception>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "demo/evidence.hpp"
#include "demo/script.hpp"

using namespace shop;
using namespace shop::demo;

namespace {

std::vector<script> read(const std::string& text) {
  std::istringstream in{text};
  return read_scripts(in);
}

/// Why a file can't be read; empty if it can.
std::string refusal_of(const std::string& text) {
  try {
    (void)read(text);
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

const std::string plain =
    R"({"customer":{"id":"c"},"items":[{"product":"book","quantity":2,"unit_price_cents":100}]})";

std::size_t commands_in(const std::vector<script>& scripts) {
  std::size_t n = 0;
  for (const script& s : scripts) n += s.steps.size();
  return n;
}

}  // namespace

TEST_CASE("a line is the body of an order", "[order_demo][script]") {
  const auto scripts = read(plain + "\n\n  \n" + plain);
  REQUIRE(scripts.size() == 2);
  CHECK(scripts[0].line == 1);
  CHECK(scripts[1].line == 4);
  REQUIRE(scripts[0].steps.size() == 1);
  CHECK(nlohmann::json::parse(scripts[0].steps[0].body) == nlohmann::json::parse(plain));
  CHECK(scripts[0].steps[0].items == std::vector<item>{{"book", 2, {100}}});
}

TEST_CASE("what happens next follows the order and is not part of its body",
          "[order_demo][script]") {
  const auto scripts = read(
      R"({"items":[],"then":[{"add_item":{"product":"cup","quantity":1,"unit_price_cents":5}},{"change":{"items":[]}},{"cancel":{}}]})");
  REQUIRE(scripts.size() == 1);
  const auto& steps = scripts[0].steps;
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].body == R"({"items":[]})");
  CHECK(steps[1].kind == step_kind::add_item);
  CHECK(steps[1].items == std::vector<item>{{"cup", 1, {5}}});
  CHECK(steps[2].kind == step_kind::change);
  CHECK(steps[3].kind == step_kind::cancel);
}

TEST_CASE("a line that can not be read is named", "[order_demo][script]") {
  CHECK(refusal_of(plain + "\n{").starts_with("line 2: "));
  CHECK(refusal_of("[1]") == "line 1: is not a JSON object");
  CHECK(refusal_of(R"({"then":[{"dance":{}}]})") ==
        "line 1: an entry of \"then\" is none of add_item, change and cancel");
  CHECK(refusal_of("\n\n") == "there is no order in it");
}

TEST_CASE("an order that the service will refuse is sent all the same", "[order_demo][script]") {
  const auto scripts = read(R"({"items":[{"product":7}]})");
  REQUIRE(scripts.size() == 1);
  CHECK(scripts[0].steps[0].body == R"({"items":[{"product":7}]})");
}

TEST_CASE("scripts are repeated until there are enough commands and not one more",
          "[order_demo][script]") {
  const auto scripts = read(plain + "\n" + R"({"items":[],"then":[{"cancel":{}},{"cancel":{}}]})");
  for (const std::size_t n : {1U, 2U, 4U, 5U, 11U})
    CHECK(commands_in(repeat_scripts(scripts, n)) == n);
}

TEST_CASE("an expectation follows from the commands alone", "[order_demo][script]") {
  expected_order o;
  o.apply({.kind = step_kind::place, .items = {{"a", 1, {1}}}});
  o.apply({.kind = step_kind::add_item, .items = {{"b", 1, {1}}}});
  CHECK(o.items.size() == 2);
  o.apply({.kind = step_kind::change, .items = {{"c", 1, {1}}}});
  CHECK(o.items == std::vector<item>{{"c", 1, {1}}});
  o.apply({.kind = step_kind::cancel});
  CHECK(o.cancelled);
}
