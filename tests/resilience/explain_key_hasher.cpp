// SPDX-License-Identifier: MIT
#include <gabion/resilience/keyed_rate_limiter.hpp>

struct place {
  int floor = 0;
  friend bool operator==(place, place) = default;
};
struct floor_hash {
#ifndef GABION_MUST_FAIL
  std::uint64_t operator()(place p) const noexcept { return static_cast<std::uint64_t>(p.floor); }
#else
  int operator()(place p) const noexcept { return p.floor; }
#endif
};

static_assert(gabion::explain_key_hasher<floor_hash, place>());
