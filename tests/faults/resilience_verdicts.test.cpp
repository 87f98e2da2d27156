// SPDX-License-Identifier: MIT
// One result, one verdict: resilience and cqrs.
#include <chrono>
#include <optional>

#include <gabion/circuit_breaker.hpp>
#include <gabion/cqrs.hpp>

#include "support/catch.hpp"

namespace {

struct find_order {
  int id = 0;
};

}  // namespace

TEST_CASE("R10: resilience and cqrs agree on what an empty optional says", "[fault][!shouldfail]") {
  const bool failure =
      gabion::outcome_traits<std::optional<int>>::judge(std::nullopt) == gabion::verdict::failure;
  CHECK(failure == gabion::can_fail<std::optional<int>>);
}

TEST_CASE("R10a: a healthy store that finds nothing does not open its circuit",
          "[fault][!shouldfail]") {
  gabion::circuit_breaker store{{.failures = 5}};
  const gabion::query_bus bus{
      gabion::middlewares{gabion::breaker_guard{store}},
      gabion::handle([](const find_order&) -> std::optional<int> { return std::nullopt; })};
  for (int i = 1; i <= 6; ++i) static_cast<void>(bus.ask(find_order{i}));
  CHECK(store.state() == gabion::circuit_state::closed);
}
