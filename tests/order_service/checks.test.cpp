// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <algorithm>
#include <string>

#include "demo/checks.hpp"
#include "demo/report.hpp"

using namespace shop;
using namespace shop::demo;

namespace {

/// The evidence of a flawless run with two orders: one paid, one changed and cancelled.
evidence flawless() {
  evidence e;
  e.acknowledged = {{"a", 1, step_kind::place},
                    {"b", 1, step_kind::place},
                    {"b", 2, step_kind::add_item},
                    {"b", 3, step_kind::cancel}};
  e.expected["a"] = {.items = {{"book", 2, {100}}}};
  e.expected["b"] = {.items = {{"cup", 1, {50}}, {"book", 1, {100}}}, .cancelled = true};
  e.repeated = {{.key = "k", .first = "202 {}", .again = "202 {}"}};
  e.token_reads = 1;
  e.shown["a"] = {.version = 3,
                  .status = "paid",
                  .items = {{"book", 2, {100}}},
                  .total_cents = 200,
                  .settled_cents = 200};
  e.shown["b"] = {
      .version = 3, .status = "cancelled", .items = {{"cup", 1, {50}}, {"book", 1, {100}}}};
  e.charges = {{.key = "a/1", .order_id = "a", .amount_cents = 200, .repeats = 2}};
  e.events = {{"e1", "order.placed", "a", 1},     {"e2", "order.placed", "b", 1},
              {"e3", "order.item_added", "b", 2}, {"e4", "order.payment_requested", "a", 2},
              {"e5", "order.cancelled", "b", 3},  {"e6", "order.payment_received", "a", 3}};
  for (const char* consumer : {"inventory", "email", "payments"})
    e.inboxes[consumer] = {"e1", "e2", "e3", "e4", "e5", "e6"};
  e.bookings = {{"e1", "a", 1}, {"e2", "b", 1}, {"e3", "b", 2}, {"e5", "b", 3}};
  e.emails = {{"e1", "a", 1}, {"e2", "b", 1}, {"e5", "b", 3}, {"e6", "a", 3}};
  e.stock = {{"book", 2}, {"cup", 0}};
  e.breaker = {{.from = "", .to = "closed", .why = "the service started"},
               {.from = "closed", .to = "open"},
               {.from = "open", .to = "half-open"},
               {.from = "half-open", .to = "closed"}};
  return e;
}

/// The promises that this evidence breaks.
std::vector<std::string> broken(const evidence& e, bool provider_failed = true) {
  std::vector<std::string> result;
  for (const finding& f : check_all(e, provider_failed))
    if (!f.kept()) result.push_back(f.promise);
  return result;
}

using promises = std::vector<std::string>;

const std::string in_read_model = "every acknowledged command is in the read model";
const std::string reached_all = "every event reached every consumer";
const std::string effects_once = "each effect happened once";
const std::string goods = "the goods kept back are those of the orders";
const std::string charged_once = "the provider charged each order what it costs, once";
const std::string in_order = "the events of one order arrived in their order";
const std::string nothing_left = "nothing is left unsent, dead or unpaid";
const std::string streams = "no event is stored twice, none is missing from the middle of an order";

}  // namespace

TEST_CASE("a flawless run keeps every promise", "[order_demo][checks]") {
  CHECK(broken(flawless()).empty());
}

TEST_CASE("no evidence proves nothing", "[order_demo][checks]") {
  CHECK(broken(evidence{}).size() == check_all(evidence{}, true).size());
}

TEST_CASE("an acknowledged command that is not shown is found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("the order is missing") {
    e.shown.erase("a");
    e.charges.clear();
  }
  SECTION("the view is behind") { e.shown["b"].version = 2; }
  SECTION("an item is missing") { e.shown["a"].items.clear(); }
  SECTION("an item has another price") { e.shown["a"].items.front().unit_price = {99}; }
  SECTION("a cancelled order is shown as open") { e.shown["b"].status = "paid"; }
  CHECK(broken(e) == promises{in_read_model});
}

TEST_CASE("a command without an answer is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.unanswered = 1;
  CHECK(broken(e) == promises{"every command was answered in the end"});
}

TEST_CASE("a read that is silently stale is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.stale_reads = 1;
  CHECK(broken(e).size() == 1);
}

TEST_CASE("another answer to a repeated command is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.repeated.front().again = "202 {\"order_id\":\"another\"}";
  CHECK(broken(e) == promises{"a command sent again with its key gets the same answer"});
}

TEST_CASE("an event that is stored twice or missing in its stream is found",
          "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("the same id twice") { e.events[3].id = "e1"; }
  SECTION("a hole in the versions") { e.events[2].version = 3; }
  const promises all = broken(e);
  CHECK(std::find(all.begin(), all.end(), streams) != all.end());
}

TEST_CASE("an event that missed a consumer is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.inboxes["payments"].pop_back();
  CHECK(broken(e) == promises{reached_all});
}

TEST_CASE("a consumer that got nothing at all is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.inboxes["email"].clear();
  CHECK(broken(e) == promises{reached_all});
}

TEST_CASE("an effect that did not happen or happened for nothing is found",
          "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("a missing booking") { e.bookings.pop_back(); }
  SECTION("a missing email") { e.emails.pop_back(); }
  SECTION("an email for an event that needs none") { e.emails.push_back({"e4", "a", 4}); }
  CHECK(broken(e) == promises{effects_once});
}

TEST_CASE("an effect that happened twice is found", "[order_demo][checks]") {
  evidence e = flawless();
  e.emails.push_back({"e6", "a", 3});
  CHECK(broken(e) == promises{effects_once, in_order});
}

TEST_CASE("events of one order in the wrong order are found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("bookings") { std::swap(e.bookings[2], e.bookings[3]); }
  SECTION("emails") { std::swap(e.emails[1], e.emails[2]); }
  CHECK(broken(e) == promises{in_order});
}

TEST_CASE("events of different orders may arrive in any order", "[order_demo][checks]") {
  evidence e = flawless();
  std::swap(e.bookings[0], e.bookings[1]);
  CHECK(broken(e).empty());
}

TEST_CASE("goods that are kept back wrongly are found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("too many") { e.stock["book"] = 3; }
  SECTION("not given back") { e.stock["cup"] = 1; }
  SECTION("never reserved") { e.stock.erase("book"); }
  SECTION("something nobody ordered") { e.stock["lamp"] = 1; }
  CHECK(broken(e) == promises{goods});
}

TEST_CASE("money that moved wrongly is found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("charged twice under two keys") {
    e.charges.push_back({.key = "a/1b", .order_id = "a", .amount_cents = 200});
  }
  SECTION("not charged") { e.charges.clear(); }
  SECTION("the same key twice") {
    e.charges.push_back({.key = "a/1", .order_id = "a", .amount_cents = 0});
  }
  SECTION("charged for a cancelled order") {
    e.charges.push_back({.key = "b/1", .order_id = "b", .amount_cents = 150});
  }
  SECTION("charged and shown as paid but too little") {
    e.charges.front().amount_cents = 150;
    e.shown["a"].settled_cents = 150;
  }
  CHECK(broken(e) == promises{charged_once});
}

TEST_CASE("a declined order need not be paid but must not be charged", "[order_demo][checks]") {
  evidence e = flawless();
  e.charges.clear();
  e.shown["a"].status = "payment_declined";
  e.shown["a"].settled_cents = 0;
  CHECK(broken(e).empty());
  e.charges = {{.key = "a/1", .order_id = "a", .amount_cents = 200}};
  CHECK(broken(e) == promises{charged_once});
}

TEST_CASE("what is left over at the end is found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("unpublished") { e.unpublished = 1; }
  SECTION("dead letters") { e.dead_letters = 1; }
  SECTION("payments due") { e.payments_due = 1; }
  CHECK(broken(e) == promises{nothing_left});
}

TEST_CASE("a breaker that does not do its work is found", "[order_demo][checks]") {
  evidence e = flawless();
  SECTION("it never opened") { e.breaker.resize(1); }
  SECTION("it stayed open") { e.breaker.resize(2); }
  CHECK(broken(e) == promises{"the breaker opened when the provider failed, and closed again"});
}

TEST_CASE("a breaker that opens although the provider works is found", "[order_demo][checks]") {
  CHECK(broken(flawless(), false).size() == 1);
  evidence e = flawless();
  e.breaker.resize(1);
  CHECK(broken(e, false).empty());
}

TEST_CASE("the report says which promise was broken and by what", "[order_demo][report]") {
  evidence e = flawless();
  e.inboxes["email"].pop_back();
  const auto findings = check_all(e, true);
  CHECK_FALSE(all_kept(findings));
  CHECK(all_kept(check_all(flawless(), true)));
  const std::string text =
      write_report(e, {.commands = 4, .load_seconds = 2, .kills = 1}, findings);
  CHECK(text.find("BROKEN  every event reached every consumer") != std::string::npos);
  CHECK(text.find("email never got order.payment_received e6") != std::string::npos);
  CHECK(text.find("kept    each effect happened once") != std::string::npos);
  CHECK(text.find("2 per second") != std::string::npos);
}

TEST_CASE("a finding keeps a few examples and counts all", "[order_demo][report]") {
  finding f{.promise = "p", .looked_at = 9};
  for (int i = 0; i < 5; ++i) f.break_with(std::to_string(i));
  CHECK(f.broken == 5);
  CHECK(f.examples.size() == 3);
}
