// SPDX-License-Identifier: MIT
#include "explore/mutant.hpp"
#include "explore/tree_scenarios.hpp"

int main() { return explored::look_for_a_bug(explored::trees::all); }
