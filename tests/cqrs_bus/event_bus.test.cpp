// SPDX-License-Identifier: MIT
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/cqrs/event_bus.hpp>

#include "support/catch.hpp"

namespace {

struct order_placed {
  static constexpr std::string_view wire_name = "order.placed";
};
struct order_viewed {};
struct order_shipped {};

auto record(std::vector<int>& calls, int number) {
  return [&calls, number](const order_placed&) { calls.push_back(number); };
}
auto fail(std::vector<int>& calls, int number) {
  return [&calls, number](const order_placed&) {
    calls.push_back(number);
    throw std::runtime_error{"handler broke"};
  };
}

}  // namespace

TEST_CASE("an event reaches every one of its handlers in order", "[event_bus][B13]") {
  std::vector<int> calls;
  gabion::event_bus bus{gabion::handle(record(calls, 1)),
                        gabion::handle([&](const order_shipped&) { calls.push_back(9); }),
                        gabion::handle(record(calls, 2)), gabion::handle(record(calls, 3))};
  bus.publish(order_placed{});
  CHECK(calls == std::vector<int>{1, 2, 3});
}

TEST_CASE("an ignored event is published to nobody", "[event_bus]") {
  gabion::event_bus bus{gabion::ignore<order_viewed>()};
  bus.publish(order_viewed{});
  static_assert(decltype(bus)::handles<order_viewed> && !decltype(bus)::handles<order_placed>);
}

TEST_CASE("by default the first failure stops the event and goes on as it is",
          "[event_bus][errors][B12]") {
  std::vector<int> calls;
  gabion::event_bus bus{gabion::handle(record(calls, 0)), gabion::handle(fail(calls, 1)),
                        gabion::handle(record(calls, 2))};
  CHECK_THROWS_WITH(bus.publish(order_placed{}), "handler broke");
  CHECK(calls == std::vector<int>{0, 1});
}

TEST_CASE("run_all runs every handler and reports all failures at once",
          "[event_bus][errors][B12]") {
  std::vector<int> calls;
  gabion::event_bus bus{gabion::handle(fail(calls, 0)), gabion::handle(record(calls, 1)),
                        gabion::handle([](const order_placed&) {
                          return gabion::make_error_code(gabion::errc::busy);
                        })};
  std::vector<gabion::handler_failure> failures;
  std::string what;
  try {
    bus.publish(order_placed{}, gabion::publish_policy::run_all);
  } catch (const gabion::publish_error& e) {
    failures = e.failures();
    what = e.what();
  }
  CHECK(calls == std::vector<int>{0, 1});
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].index == 0);
  CHECK(failures[0].code == gabion::errc::rejected);
  CHECK(failures[0].what == "handler broke");
  CHECK(failures[1].index == 2);
  CHECK(failures[1].code == gabion::errc::busy);
  CHECK(what.find("order.placed: 2 of 3 handlers failed; handler 0: handler broke") == 0);
}

TEST_CASE("run_all does not throw when every handler succeeds", "[event_bus]") {
  std::vector<int> calls;
  gabion::event_bus bus{gabion::handle(record(calls, 0)), gabion::handle(record(calls, 1))};
  bus.publish(order_placed{}, gabion::publish_policy::run_all);
  CHECK(calls.size() == 2);
}

TEST_CASE("a failing result stops an event as an exception does", "[event_bus][errors]") {
  std::vector<int> calls;
  gabion::event_bus bus{gabion::handle([](const order_placed&) {
                          return gabion::make_error_code(gabion::errc::busy);
                        }),
                        gabion::handle(record(calls, 1))};
  CHECK_THROWS_AS(bus.publish(order_placed{}), std::system_error);
  CHECK(calls.empty());
}

TEST_CASE("middlewares run around each handler of an event", "[event_bus][middleware]") {
  int around = 0;
  std::vector<int> calls;
  const auto count = [&](auto& context, const auto& event, auto& next) -> decltype(auto) {
    ++around;
    return next(context, event);
  };
  gabion::event_bus bus{gabion::middlewares{gabion::for_events(count), gabion::for_commands(count)},
                        gabion::handle(record(calls, 1)), gabion::handle(record(calls, 2))};
  bus.publish(order_placed{});
  CHECK(around == 2);
  CHECK(calls == std::vector<int>{1, 2});
}

TEST_CASE("event handlers get the context of the publication", "[event_bus]") {
  std::string seen;
  gabion::event_bus bus{
      gabion::handle([&](const order_placed&, const std::string& tenant) { seen = tenant; })};
  bus.publish(order_placed{}, std::string{"t1"});
  CHECK(seen == "t1");
}
