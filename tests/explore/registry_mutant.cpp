// SPDX-License-Identifier: MIT
#include "explore/mutant.hpp"
#include "explore/registry_scenarios.hpp"

int main() { return explored::look_for_a_bug(explored::registries::all); }
