// SPDX-License-Identifier: MIT
#include "explore/bulkhead_scenarios.hpp"
#include "explore/mutant.hpp"

int main() { return explored::look_for_a_bug(explored::bulkheads::all); }
