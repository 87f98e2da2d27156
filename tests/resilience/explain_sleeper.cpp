// SPDX-License-Identifier: MIT
#include <gabion/resilience/retry_call.hpp>

struct bed {
#ifndef GABION_MUST_FAIL
  bool wait_until(gabion::instant) { return true; }
#else
  void wait_until(gabion::instant) {}
#endif
};

static_assert(gabion::explain_sleeper<bed>());
