// SPDX-License-Identifier: MIT
#include <gabion/core/random.hpp>

struct dice {
#ifndef GABION_MUST_FAIL
  std::uint64_t operator()() noexcept { return 4; }
#else
  std::uint32_t operator()() noexcept { return 4; }
#endif
};

static_assert(gabion::explain_random_source<dice>());
