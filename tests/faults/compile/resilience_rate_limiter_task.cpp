// SPDX-License-Identifier: MIT
#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
task send() { return {}; }
#else
int send() { return 1; }
#endif

int main() {
  gabion::token_bucket quota{{}};
  static_cast<void>(quota.call([] { return send(); }));
}
