// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

struct half_a_clock {
#ifdef GABION_MUST_FAIL
  [[nodiscard]] gabion::instant now() const { return {}; }  // it may throw
#else
  [[nodiscard]] gabion::instant now() const noexcept { return {}; }
#endif
};

int main() { const gabion::basic_circuit_breaker<half_a_clock> b{{}}; }
