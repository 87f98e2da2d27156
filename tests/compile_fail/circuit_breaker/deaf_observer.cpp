// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

#ifdef GABION_MUST_FAIL
using event = int*;
#else
using event = const gabion::circuit_transition&;
#endif

int main() {
  gabion::basic_circuit_breaker b{gabion::circuit_breaker_options{}, [](event) {}};
}
