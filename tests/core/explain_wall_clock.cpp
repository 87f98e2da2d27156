// SPDX-License-Identifier: MIT
#include <gabion/core/clock.hpp>

struct calendar {
#ifndef GABION_MUST_FAIL
  [[nodiscard]] gabion::wall_time now() const noexcept { return {}; }
#else
  [[nodiscard]] gabion::instant now() const noexcept { return {}; }
#endif
};

static_assert(gabion::explain_wall_clock<calendar>());
