// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

#ifdef GABION_MUST_FAIL
using judged = const char*;
#else
using judged = int;
#endif

int main() {
  gabion::circuit_breaker b{{}};
  return b.call(gabion::failure_if{[](judged) { return false; }}, [] { return 0; });
}
