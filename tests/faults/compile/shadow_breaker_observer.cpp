// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/resilience.hpp>

void watch(const gabion::circuit_breaker_options& live,
           const gabion::circuit_breaker_options& candidate) {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](std::string_view) {};
#else
  const auto alarm = [](const gabion::circuit_transition&) {};
#endif
  gabion::basic_shadow_breaker breaker{live, candidate, gabion::steady_clock{}, alarm};
  (void)breaker;
}
