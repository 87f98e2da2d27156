// SPDX-License-Identifier: MIT
#include <string>
#include <type_traits>
#include <vector>

#include <gabion/cqrs/query_bus.hpp>

#include "support/catch.hpp"

namespace {

struct order_view {
  std::vector<std::string> open{};
};
struct open_orders {};
struct count_orders {
  using result_type = std::size_t;
};

}  // namespace

TEST_CASE("a query is answered from a source that is handed on const", "[query_bus][B3]") {
  order_view view{{"1", "2"}};
  const gabion::query_bus bus{
      gabion::queries<open_orders, count_orders>{},
      gabion::handle([](const open_orders&,
                        const order_view& v) -> const std::vector<std::string>& { return v.open; }),
      gabion::handle<count_orders>([](const auto&, auto& v) {
        static_assert(std::is_const_v<std::remove_reference_t<decltype(v)>>);
        return v.open.size();
      }),
  };
  CHECK(&bus.ask(open_orders{}, view) == &view.open);
  CHECK(bus.ask(count_orders{}, view) == 2);
  static_assert(decltype(bus)::handles<open_orders> && !decltype(bus)::handles<int>);
}

TEST_CASE("a query handler without a source needs none", "[query_bus]") {
  const gabion::query_bus bus{gabion::handle([](const open_orders&) { return 5; })};
  CHECK(bus.ask(open_orders{}) == 5);
  CHECK(bus.ask(open_orders{}, order_view{}) == 5);
}

TEST_CASE("middlewares of a query bus are called const and in order",
          "[query_bus][middleware][B6]") {
  std::vector<std::string> trace;
  const auto named = [&](std::string name) {
    return [&trace, name](auto& context, const auto& query, auto& next) -> decltype(auto) {
      static_assert(std::is_const_v<std::remove_reference_t<decltype(context)>>);
      trace.push_back(name);
      return next(context, query);
    };
  };
  const gabion::query_bus bus{
      gabion::middlewares{named("M1"), gabion::for_commands(named("commands only")), named("M2")},
      gabion::handle([](const open_orders&, const order_view& v) { return v.open.size(); })};
  CHECK(bus.ask(open_orders{}, order_view{{"a"}}) == 1);
  CHECK(trace == std::vector<std::string>{"M1", "M2"});
}
