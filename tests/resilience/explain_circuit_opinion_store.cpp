// SPDX-License-Identifier: MIT
#include <gabion/resilience/circuit_opinion_store.hpp>

struct board {
  std::error_code publish(std::string_view, const gabion::circuit_opinion&, gabion::duration) {
    return {};
  }
#ifndef GABION_MUST_FAIL
  gabion::circuit_opinions read(std::string_view) { return {}; }
#else
  std::vector<gabion::circuit_opinion> read(std::string_view) { return {}; }
#endif
};

static_assert(gabion::explain_circuit_opinion_store<board>());
