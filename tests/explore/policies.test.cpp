// SPDX-License-Identifier: MIT
#include <cstddef>
#include <string>

#include "explore/all_scenarios.hpp"
#include "support/catch.hpp"

using gabion::testing::explorer;
using gabion::testing::explorer_options;

namespace {

void check(const explored::scenario& s, const explorer_options& options) {
  const auto found = explorer{options}.run(s.run);
  INFO(std::string{s.name} + ": " + found.summary());
  CHECK(found);
  CHECK(found.exhausted);
  CHECK(found.executions > 1);
}

}  // namespace

TEST_CASE("every interleaving of each small race keeps the promises of the policies",
          "[resilience][explorer]") {
  std::size_t scenarios = 0;
  explored::for_each_scenario([&](const explored::scenario& s) {
    check(s, {});
    ++scenarios;
  });
  CHECK(scenarios >= 40);
}

TEST_CASE("so does each in which an exchange fails for nothing", "[resilience][explorer]") {
  explored::for_each_scenario(
      [](const explored::scenario& s) { check(s, {.spurious_failures = 1}); });
}

TEST_CASE("so does each under sequential consistency with one preemption",
          "[resilience][explorer]") {
  explored::for_each_scenario(
      [](const explored::scenario& s) { check(s, {.preemptions = 1, .old_values = 0}); });
}
