// SPDX-License-Identifier: MIT
#include "explore/breaker_scenarios.hpp"
#include "explore/mutant.hpp"

int main() { return explored::look_for_a_bug(explored::breakers::all); }
