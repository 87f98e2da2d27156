// SPDX-License-Identifier: MIT
#include <gabion/resilience/trip_target.hpp>

struct fuse {
  void trip(gabion::duration, gabion::circuit_cause) {}
#ifndef GABION_MUST_FAIL
  void reset(gabion::circuit_cause) {}
#endif
};

static_assert(gabion::explain_trip_target<fuse>());
