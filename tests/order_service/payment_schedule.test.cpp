// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <chrono>

#include "payments/payment_schedule.hpp"

using namespace shop;
using namespace std::chrono_literals;

namespace {

const gabion::instant start{};

due_payment due(const std::string& order) {
  return {.order_id = order, .number = 1, .amount = {100}};
}

}  // namespace

TEST_CASE("a due payment is given out once until it comes back", "[order_service][payments]") {
  payment_schedule schedule{10};
  schedule.add(due("a"));
  schedule.add(due("a"));
  const auto first = schedule.take(start);
  REQUIRE(first.has_value());
  CHECK(first->order_id == "a");
  CHECK_FALSE(schedule.take(start).has_value());
  schedule.add(due("a"));  // the table still has it
  CHECK_FALSE(schedule.take(start).has_value());
  schedule.finished(*first);
  schedule.add(due("a"));
  CHECK(schedule.take(start).has_value());
}

TEST_CASE("a postponed payment waits for its time and keeps what changed",
          "[order_service][payments]") {
  payment_schedule schedule{10};
  schedule.add(due("a"));
  due_payment again = *schedule.take(start);
  again.queued = true;
  schedule.postpone(again, start + 1s);
  CHECK(schedule.next_ready() == start + 1s);
  CHECK_FALSE(schedule.take(start + 999ms).has_value());
  const auto taken = schedule.take(start + 1s);
  REQUIRE(taken.has_value());
  CHECK(taken->queued);
}

TEST_CASE("the payment that is ready for longest goes first", "[order_service][payments]") {
  payment_schedule schedule{10};
  schedule.add(due("a"));
  schedule.postpone(*schedule.take(start), start + 2s);
  schedule.add(due("b"));
  schedule.postpone(*schedule.take(start), start + 1s);
  CHECK(schedule.take(start + 3s)->order_id == "b");
  CHECK(schedule.take(start + 3s)->order_id == "a");
}

TEST_CASE("a full schedule leaves payments in their table", "[order_service][payments]") {
  payment_schedule schedule{2};
  schedule.add(due("a"));
  CHECK(schedule.has_room());
  schedule.add(due("b"));
  CHECK_FALSE(schedule.has_room());
  schedule.add(due("c"));
  CHECK_FALSE(schedule.knows(due("c").key()));
  schedule.finished(*schedule.take(start));
  schedule.add(due("c"));
  CHECK(schedule.knows(due("c").key()));
}

TEST_CASE("the key of a payment names the order and the payment", "[order_service][payments]") {
  CHECK(due("a").key() == "a/1");
  CHECK(due_payment{.order_id = "a", .number = 2}.key() == "a/2");
}
