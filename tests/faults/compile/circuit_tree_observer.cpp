// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/resilience.hpp>

void watch() {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](std::string_view) {};
#else
  const auto alarm = [](const gabion::circuit_group_transition&) {};
#endif
  gabion::basic_circuit_tree tree{gabion::circuit_tree_options{}, gabion::steady_clock{}, alarm};
  (void)tree;
}
