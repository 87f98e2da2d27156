// SPDX-License-Identifier: MIT
#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
task send() { return {}; }
#else
int send() { return 1; }
#endif

struct sleeper {
  bool wait_until(gabion::instant /*moment*/) { return true; }
};

int main() {
  gabion::retry_machine machine;
  sleeper wait;
  static_cast<void>(gabion::retry_call(machine, gabion::steady_clock{}, wait,
                                       [](const gabion::attempt_context&) { return send(); }));
}
