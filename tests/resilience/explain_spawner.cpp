// SPDX-License-Identifier: MIT
#include <gabion/resilience/spawner.hpp>

struct pool {
#ifndef GABION_MUST_FAIL
  template <class Work>
  bool spawn(Work) {
    return true;
  }
#else
  template <class Work>
  void spawn(Work) {}
#endif
};

static_assert(gabion::explain_spawner<pool>());
