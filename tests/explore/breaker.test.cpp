// SPDX-License-Identifier: MIT
#include <string>

#include "explore/breaker_scenarios.hpp"
#include "support/catch.hpp"

TEST_CASE("every interleaving of each small race keeps the promises of the breaker", "[circuit_breaker][explorer]") {
  for (const breaker_scenarios::scenario& s : breaker_scenarios::all) {
    const auto found = gabion::testing::explorer{}.run(s.run);
    INFO(std::string{s.name} + ": " + found.summary());
    CHECK(found);
    CHECK(found.exhausted);
    CHECK(found.executions > 1);
  }
}
