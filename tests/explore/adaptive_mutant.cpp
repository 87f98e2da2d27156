// SPDX-License-Identifier: MIT
#include "explore/adaptive_scenarios.hpp"
#include "explore/mutant.hpp"

int main() { return explored::look_for_a_bug(explored::adaptive::all); }
