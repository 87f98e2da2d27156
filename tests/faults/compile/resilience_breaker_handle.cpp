// SPDX-License-Identifier: MIT
#include <coroutine>

#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
std::coroutine_handle<> send() { return {}; }
#else
int send() { return 1; }
#endif

int main() {
  gabion::circuit_breaker breaker{{}};
  static_cast<void>(breaker.call([] { return send(); }));
}
