// SPDX-License-Identifier: MIT
// A command bus and a query bus: handlers are found by the compiler, middlewares run around them,
// nothing is allocated.
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/observation.hpp>
#include <gabion/cqrs/query_bus.hpp>
#include <gabion/cqrs/validation.hpp>

struct place_order {
  static constexpr std::string_view wire_name = "order.place";
  std::string item;
  int quantity;
  std::optional<gabion::violation> validate() const {
    if (quantity >= 1) return std::nullopt;
    return gabion::violation{"quantity", "must be 1 or more"};
  }
};
struct quantity_of {
  std::string item;
};
using stock = std::map<std::string, int>;

int main() {
  stock ordered;
  const auto log = [](const gabion::dispatch_failed& e) {
    std::printf("failed: %.*s\n", static_cast<int>(e.what.size()), e.what.data());
  };

  gabion::command_bus commands{
      gabion::middlewares{gabion::observation{log}, gabion::validation{}},
      gabion::handle([&](const place_order& c) { return ordered[c.item] += c.quantity; }),
  };
  const gabion::query_bus queries{
      gabion::handle([](const quantity_of& q, const stock& s) {
        return s.contains(q.item) ? s.at(q.item) : 0;
      }),
  };

  std::printf("ordered: %d\n", commands.send(place_order{"tea", 2}));
  std::printf("ordered: %d\n", commands.send(place_order{"tea", 3}));
  try {
    commands.send(place_order{"tea", 0});
  } catch (const gabion::validation_error& e) {
    std::printf("mend %s: %s\n", e.found().field.c_str(), e.found().problem.c_str());
  }
  std::printf("tea: %d, milk: %d\n", queries.ask(quantity_of{"tea"}, ordered),
              queries.ask(quantity_of{"milk"}, ordered));
}
