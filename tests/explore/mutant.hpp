// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>

#include "explore/scenario.hpp"

namespace explored {

/// All races of one kind; says "caught:" and gives 1 as soon as a promise is broken.
template <class Scenarios>
int look_for_a_bug(const Scenarios& scenarios) {
  for (const scenario& s : scenarios) {
    const auto found = explorer{{.max_executions = 200'000, .spurious_failures = 1}}.run(s.run);
    std::printf("%s%s: %s\n", found ? "" : "caught: ", s.name.data(), found.summary().c_str());
    if (!found) return 1;
  }
  return 0;
}

}  // namespace explored
