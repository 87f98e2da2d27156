// SPDX-License-Identifier: MIT
// All races on the breaker; says "caught:" and exits with 1 as soon as a promise is broken.
#include <cstdio>

#include "explore/breaker_scenarios.hpp"

int main() {
  for (const breaker_scenarios::scenario& s : breaker_scenarios::all) {
    const auto found = gabion::testing::explorer{}.run(s.run);
    std::printf("%s%s: %s\n", found ? "" : "caught: ", s.name.data(), found.summary().c_str());
    if (!found) return 1;
  }
}
