// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>

int main() {
  gabion::circuit_breaker breaker{{}};
  return breaker.call([] { return 0; });
}
