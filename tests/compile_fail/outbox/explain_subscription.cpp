// SPDX-License-Identifier: MIT
#include "minimal.hpp"

// GABION_MUST_FAIL takes one operation away.
static_assert(gabion::explain_subscription<minimal::subscription>());
