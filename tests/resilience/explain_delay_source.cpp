// SPDX-License-Identifier: MIT
#include <optional>

#include <gabion/resilience/delay_source.hpp>

struct measured {
#ifndef GABION_MUST_FAIL
  std::optional<gabion::duration> delay() { return std::nullopt; }
#else
  double delay() { return 0.1; }
#endif
};

static_assert(gabion::explain_delay_source<measured>());
