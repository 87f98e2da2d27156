// SPDX-License-Identifier: MIT
#include <gabion/resilience/coroutine_waiter.hpp>

struct awaitable {};

struct blocking {
#ifndef GABION_MUST_FAIL
  awaitable wait_until(gabion::instant /*moment*/) { return {}; }
#else
  bool wait_until(gabion::instant /*moment*/) { return true; }
#endif
};

static_assert(gabion::explain_coroutine_waiter<blocking>());
