// SPDX-License-Identifier: MIT
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/command_context.hpp>

#include "cqrs_bus/orders.hpp"
#include "support/catch.hpp"

namespace {

/// A middleware that writes down when it is entered and left, and what it saw thrown.
auto tracer(std::vector<std::string>& trace, std::string name) {
  return [&trace, name](auto& context, const auto& message, auto& next) -> decltype(auto) {
    struct leave {
      std::vector<std::string>& trace;
      std::string name;
      int thrown = std::uncaught_exceptions();
      ~leave() {
        trace.push_back(name + (std::uncaught_exceptions() > thrown ? " throws" : " after"));
      }
    } const at_end{trace, name};
    trace.push_back(name + " before");
    return next(context, message);
  };
}

int ship(const ship_order& command) { return static_cast<int>(command.id.size()); }

struct fulfilment;
struct place_handler {
  fulfilment& all;
  std::string operator()(const place_order& command, gabion::command_context& context) const;
};
struct ship_handler {
  std::vector<gabion::command_context>& seen;
  void operator()(const ship_order&, const gabion::command_context& context) const {
    seen.push_back(context);
  }
};
using fulfilment_bus = decltype(gabion::command_bus{gabion::handle(std::declval<place_handler>()),
                                                    gabion::handle(std::declval<ship_handler>())});

/// A handler that sends on the bus it is part of: it names the bus's type, and is defined after it.
struct fulfilment {
  std::vector<gabion::command_context> seen{};
  fulfilment_bus bus{gabion::handle(place_handler{*this}), gabion::handle(ship_handler{seen})};
};
std::string place_handler::operator()(const place_order& command,
                                      gabion::command_context& context) const {
  all.bus.send(ship_order{command.id}, child(context, "ship-" + command.id));
  return command.id;
}

}  // namespace

TEST_CASE("a send gives back exactly what the handler returns", "[command_bus][results]") {
  std::string kept = "kept";
  gabion::command_bus bus{
      gabion::handle([&](const place_order&) -> std::string& { return kept; }),
      gabion::handle([](const cancel_order&) { return std::make_unique<int>(7); }),
      gabion::handle(ship),
  };
  static_assert(std::is_same_v<decltype(bus.send(place_order{})), std::string&>);
  static_assert(std::is_same_v<decltype(bus.send(cancel_order{})), std::unique_ptr<int>>);
  CHECK(&bus.send(place_order{}) == &kept);
  CHECK(*bus.send(cancel_order{}) == 7);
  CHECK(bus.send(ship_order{"four"}) == 4);
}

TEST_CASE("void and error codes and expected-like results pass unchanged through middlewares",
          "[command_bus][results]") {
  int calls = 0;
  const auto count = [&](auto& context, const auto& message, auto& next) -> decltype(auto) {
    ++calls;
    return next(context, message);
  };
  gabion::command_bus bus{
      gabion::middlewares{count, count},
      gabion::handle([](const place_order&) {}),
      gabion::handle(
          [](const cancel_order&) { return gabion::make_error_code(gabion::errc::rejected); }),
      gabion::handle([](const ship_order&) { return outcome_of<int>{3}; }),
  };
  static_assert(std::is_void_v<decltype(bus.send(place_order{}))>);
  bus.send(place_order{});
  CHECK(bus.send(cancel_order{}) == gabion::errc::rejected);
  CHECK(bus.send(ship_order{}).value() == 3);
  CHECK(calls == 6);
}

TEST_CASE("an exception of a handler reaches the sender as it was thrown",
          "[command_bus][errors]") {
  struct own {
    int value;
  };
  gabion::command_bus bus{gabion::handle([](const place_order&) { throw own{42}; })};
  int caught = 0;
  try {
    bus.send(place_order{});
  } catch (const own& e) {
    caught = e.value;
  }
  CHECK(caught == 42);
}

TEST_CASE("middlewares run in the order in which they are listed",
          "[command_bus][middleware][B6]") {
  std::vector<std::string> trace;
  gabion::command_bus bus{gabion::middlewares{tracer(trace, "M1"), tracer(trace, "M2")},
                          gabion::handle([&](const place_order&) { trace.push_back("handler"); })};
  bus.send(place_order{});
  CHECK(trace ==
        std::vector<std::string>{"M1 before", "M2 before", "handler", "M2 after", "M1 after"});
}

TEST_CASE("an exception of the handler is seen by the inner and then the outer middleware",
          "[command_bus][middleware][B7]") {
  std::vector<std::string> trace;
  gabion::command_bus bus{
      gabion::middlewares{tracer(trace, "M1"), tracer(trace, "M2")},
      gabion::handle([&](const place_order&) { throw std::runtime_error{"no stock"}; })};
  CHECK_THROWS_WITH(bus.send(place_order{}), "no stock");
  CHECK(trace == std::vector<std::string>{"M1 before", "M2 before", "M2 throws", "M1 throws"});
}

TEST_CASE(
    "an exception of a middleware is seen by those outside it and keeps the handler from running",
    "[command_bus][middleware][B8]") {
  std::vector<std::string> trace;
  const auto broken = [](auto&, const auto&, auto&) -> int {
    throw std::runtime_error{"M2 is broken"};
  };
  gabion::command_bus bus{gabion::middlewares{tracer(trace, "M1"), broken},
                          gabion::handle([&](const place_order&) {
                            trace.push_back("handler");
                            return 1;
                          })};
  CHECK_THROWS_WITH(bus.send(place_order{}), "M2 is broken");
  CHECK(trace == std::vector<std::string>{"M1 before", "M1 throws"});
}

TEST_CASE("a middleware runs only for the messages and kinds that it is for",
          "[command_bus][middleware]") {
  std::vector<std::string> trace;
  gabion::command_bus bus{
      gabion::middlewares{gabion::for_messages<place_order>(tracer(trace, "orders")),
                          gabion::for_queries(tracer(trace, "queries")),
                          gabion::for_commands(tracer(trace, "commands"))},
      gabion::handle([](const place_order&) {}),
      gabion::handle([](const cancel_order&) {}),
  };
  bus.send(cancel_order{});
  CHECK(trace == std::vector<std::string>{"commands before", "commands after"});
  trace.clear();
  bus.send(place_order{});
  CHECK(trace == std::vector<std::string>{"orders before", "commands before", "commands after",
                                          "orders after"});
}

TEST_CASE("a middleware may stop a command or hand a context of another type on",
          "[command_bus][middleware]") {
  struct user {
    std::string name;
  };
  const auto login = [](auto&, const auto& message, auto& next) -> int {
    if (message.id.empty()) return -1;
    user who{"ann"};
    return next(who, message);
  };
  std::string seen;
  gabion::command_bus bus{gabion::middlewares{login},
                          gabion::handle([&](const cancel_order&, const user& who) {
                            seen = who.name;
                            return 1;
                          })};
  CHECK(bus.send(cancel_order{}) == -1);
  CHECK(seen.empty());
  CHECK(bus.send(cancel_order{"1"}) == 1);
  CHECK(seen == "ann");
}

TEST_CASE("a handler gets the sender's own context", "[command_bus][context]") {
  gabion::command_context context{.command_id = "c1"};
  const gabion::command_context* seen = nullptr;
  gabion::command_bus bus{gabion::handle([&](const place_order&, gabion::command_context& given) {
    seen = &given;
    given.tenant = "written by the handler";
  })};
  bus.send(place_order{}, context);
  CHECK(seen == &context);
  CHECK(context.tenant == "written by the handler");
  bus.send(place_order{}, gabion::command_context{.command_id = "a temporary one"});
}

TEST_CASE("a nested command is caused by the outer one and stays in its conversation",
          "[command_bus][context][B14]") {
  fulfilment all;
  const auto expires = gabion::deadline::at(gabion::instant{gabion::duration{99}});
  gabion::command_context outer{.command_id = "c1",
                                .correlation_id = "talk",
                                .causation_id = "click",
                                .idempotency_key = "once",
                                .tenant = "t1",
                                .expires = expires,
                                .expected = gabion::expected_version::exact(4)};
  CHECK(all.bus.send(place_order{"7"}, outer) == "7");
  REQUIRE(all.seen.size() == 1);
  CHECK(all.seen[0] == gabion::command_context{.command_id = "ship-7",
                                               .correlation_id = "talk",
                                               .causation_id = "c1",
                                               .tenant = "t1",
                                               .expires = expires});

  outer.correlation_id.clear();
  CHECK(child(outer, "next").correlation_id == "c1");
}

TEST_CASE("a bus says which commands it handles", "[command_bus][types]") {
  using bus = decltype(gabion::command_bus{gabion::commands<place_order, ship_order>{},
                                           gabion::handle<place_order>([](const auto&) {}),
                                           gabion::handle(ship)});
  static_assert(bus::handles<place_order> && bus::handles<ship_order> &&
                !bus::handles<cancel_order>);
  static_assert(bus::kind == gabion::message_kind::command);
  static_assert(!std::is_copy_constructible_v<bus> && !std::is_move_constructible_v<bus>);
  SUCCEED();
}

TEST_CASE("a generic handler serves several commands and each has its own state",
          "[command_bus][types]") {
  const auto count = [n = 0](const auto&) mutable { return ++n; };
  gabion::command_bus bus{gabion::handle<place_order>(count), gabion::handle<cancel_order>(count)};
  CHECK(bus.send(place_order{}) == 1);
  CHECK(bus.send(place_order{}) == 2);
  CHECK(bus.send(cancel_order{}) == 1);
}

TEST_CASE("an ignored command is handled by doing nothing", "[command_bus][types]") {
  gabion::command_bus bus{gabion::commands<ship_order>{}, gabion::ignore<ship_order>()};
  bus.send(ship_order{});
  static_assert(decltype(bus)::handles<ship_order>);
}

TEST_CASE("a send can be evaluated by the compiler", "[command_bus][types]") {
  struct add {
    int a, b;
  };
  constexpr auto sum = [] {
    gabion::command_bus bus{gabion::handle([](const add& c) { return c.a + c.b; })};
    return bus.send(add{2, 3});
  }();
  static_assert(sum == 5);
  SUCCEED();
}
