// SPDX-License-Identifier: MIT
#pragma once

#include "explore/adaptive_scenarios.hpp"
#include "explore/breaker_scenarios.hpp"
#include "explore/bulkhead_scenarios.hpp"
#include "explore/rate_scenarios.hpp"
#include "explore/registry_scenarios.hpp"
#include "explore/scenario.hpp"
#include "explore/tree_scenarios.hpp"

namespace explored {

/// Calls f with each scenario of the resilience floor.
template <class Function>
void for_each_scenario(const Function& f) {
  const auto each = [&](const auto& scenarios) {
    for (const scenario& s : scenarios) f(s);
  };
  each(breakers::all);
  each(bulkheads::all);
  each(rates::all);
  each(adaptive::all);
  each(registries::all);
  each(trees::all);
}

}  // namespace explored
