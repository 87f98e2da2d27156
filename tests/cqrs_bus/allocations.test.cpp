// SPDX-License-Identifier: MIT
#include <cstddef>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/observation.hpp>
#include <gabion/cqrs/open_bus.hpp>
#include <gabion/cqrs/query_bus.hpp>
#include <gabion/cqrs/validation.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

using gabion_test::allocations_in;

namespace {

struct add {
  int amount;
  [[nodiscard]] std::optional<gabion::violation> validate() const { return std::nullopt; }
};
struct total {};

}  // namespace

TEST_CASE("the counter of these tests counts", "[allocations]") {
  CHECK(allocations_in([] { delete new int{1}; }) == 1);
}

TEST_CASE("a static bus with three middlewares allocates nothing", "[command_bus][allocations]") {
  long sum = 0;
  std::size_t seen = 0;
  const auto count = [&](auto& context, const auto& message, auto& next) -> decltype(auto) {
    ++seen;
    return next(context, message);
  };
  gabion::command_bus bus{
      gabion::middlewares{gabion::observation{[&](const gabion::dispatch_succeeded&) { ++seen; }},
                          gabion::validation{}, count},
      gabion::handle([&](const add& c) { return sum += c.amount; })};
  const gabion::query_bus queries{gabion::middlewares{count},
                                  gabion::handle([&](const total&, const long& s) { return s; })};
  gabion::command_context context;
  CHECK(allocations_in([&] {
          for (int i = 0; i < 100; ++i) {
            bus.send(add{i});
            bus.send(add{i}, context);
            queries.ask(total{}, sum);
          }
        }) == 0);
  CHECK(sum == 9900);
  CHECK(seen == 500);
}

TEST_CASE("a typed send on an open bus allocates nothing", "[open_bus][allocations]") {
  long sum = 0;
  gabion::open_bus bus;
  bus.add([&](const add& c) { sum += c.amount; });
  gabion::command_context context;
  CHECK(allocations_in([&] {
          for (int i = 0; i < 100; ++i) bus.send(add{i}, context);
        }) == 0);
  CHECK(sum == 4950);
}
