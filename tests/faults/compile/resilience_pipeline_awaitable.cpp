// SPDX-License-Identifier: MIT
#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
awaitable send() { return {}; }
#else
int send() { return 1; }
#endif

int main() {
  gabion::circuit_breaker breaker{{}};
  auto guarded = gabion::pipeline(breaker);
  static_cast<void>(guarded.call([] { return send(); }));
}
