// SPDX-License-Identifier: MIT
#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
awaitable send() { return {}; }
#else
int send() { return 1; }
#endif

int main() {
  gabion::basic_fallback fallback{[] { return send(); }};
  static_cast<void>(fallback.call([] { return send(); }));
}
