// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

int main() {
  gabion::circuit_breaker b{{}};
#ifdef GABION_MUST_FAIL
  return b.call([] { return 0; }, [](int*) { return 0; });
#else
  return b.call([] { return 0; }, [](const gabion::circuit_rejection&) { return 0; });
#endif
}
