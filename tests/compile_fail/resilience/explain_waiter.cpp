// SPDX-License-Identifier: MIT
#include <gabion/resilience/waiter.hpp>

struct deaf {
  bool wait_until(gabion::instant /*moment*/) { return true; }
#ifndef GABION_MUST_FAIL
  void wake() {}
#endif
};

static_assert(gabion::explain_waiter<deaf>());
