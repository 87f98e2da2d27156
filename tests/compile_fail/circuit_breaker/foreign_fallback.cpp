// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

#ifdef GABION_MUST_FAIL
using answer = const char*;
#else
using answer = int;
#endif

int main() {
  gabion::circuit_breaker b{{}};
  return b.call([] { return 0; }, []() -> answer { return {}; });
}
