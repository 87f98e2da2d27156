// SPDX-License-Identifier: MIT
// More messages than a compiler nests: 256 is where clang stops to fold.
#include <cstddef>
#include <utility>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/event_bus.hpp>
#include <gabion/cqrs/query_bus.hpp>

#include "support/catch.hpp"

namespace {

template <std::size_t Number>
struct numbered {};

template <std::size_t Number>
struct answer {
  std::size_t operator()(const numbered<Number>&) const { return Number; }
};

std::size_t published = 0;
template <std::size_t Number>
struct publication {
  void operator()(const numbered<Number>&) const { published += Number + 1; }
};

template <std::size_t... Numbers>
void check_wide(std::index_sequence<Numbers...>) {
  gabion::command_bus commands{gabion::commands<numbered<Numbers>...>{},
                               gabion::handle<numbered<Numbers>>(answer<Numbers>{})...};
  const gabion::query_bus queries{gabion::queries<numbered<Numbers>...>{},
                                  gabion::handle<numbered<Numbers>>(answer<Numbers>{})...};
  gabion::event_bus events{gabion::handle<numbered<Numbers>>(publication<Numbers>{})...};
  CHECK(commands.send(numbered<0>{}) == 0);
  CHECK(commands.send(numbered<sizeof...(Numbers) - 1>{}) == sizeof...(Numbers) - 1);
  CHECK(queries.ask(numbered<sizeof...(Numbers) - 1>{}) == sizeof...(Numbers) - 1);
  events.publish(numbered<sizeof...(Numbers) - 1>{});
  CHECK(published == sizeof...(Numbers));
}

}  // namespace

TEST_CASE("a bus of any kind handles 300 types", "[command_bus][query_bus][event_bus][bounds]") {
  check_wide(std::make_index_sequence<300>{});
}
