// SPDX-License-Identifier: MIT
#include <gabion/resilience/rate_limiter.hpp>

struct booking_office {
  gabion::rate_admission take(gabion::instant, std::uint32_t) {
    return gabion::rate_admission::yes();
  }
  gabion::rate_reservation reserve(gabion::instant now, gabion::duration, std::uint32_t) {
    return {.granted = true, .at = now};
  }
#ifndef GABION_MUST_FAIL
  bool cancel(const gabion::rate_reservation&) { return true; }
#endif
};

static_assert(gabion::explain_reserving_rate_limiter<booking_office>());
