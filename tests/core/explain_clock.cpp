// SPDX-License-Identifier: MIT
#include <gabion/core/clock.hpp>

struct sundial {
#ifndef GABION_MUST_FAIL
  gabion::instant now() const noexcept { return {}; }
#else
  gabion::instant now() const { return {}; }
#endif
};

static_assert(gabion::explain_clock<sundial>());
