// SPDX-License-Identifier: MIT
#include <gabion/resilience/shared_circuit.hpp>

struct switch_board {
  [[nodiscard]] gabion::circuit_explanation explain() const { return {}; }
  [[nodiscard]] std::string_view name() const { return "board"; }
#ifndef GABION_MUST_FAIL
  void trip(gabion::duration, gabion::circuit_cause) {}
#endif
};

static_assert(gabion::explain_shareable_circuit<switch_board>());
