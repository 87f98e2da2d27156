// SPDX-License-Identifier: MIT
#include <gabion/resilience/rate_limiter.hpp>

struct turnstile {
#ifndef GABION_MUST_FAIL
  gabion::rate_admission take(gabion::instant, std::uint32_t) {
    return gabion::rate_admission::yes();
  }
#else
  bool take(gabion::instant, std::uint32_t) { return true; }
#endif
};

static_assert(gabion::explain_rate_limiter<turnstile>());
