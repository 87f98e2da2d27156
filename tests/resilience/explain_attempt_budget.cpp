// SPDX-License-Identifier: MIT
#include <gabion/resilience/attempt_budget.hpp>

struct purse {
  template <class Now>
  void note(gabion::budget_event, const Now&) {}
#ifndef GABION_MUST_FAIL
  template <class Now>
  bool try_spend(gabion::extra_attempt, const Now&) {
    return true;
  }
#endif
};

static_assert(gabion::explain_attempt_budget<purse>());
