// SPDX-License-Identifier: MIT
#include <gabion/core/env.hpp>

struct environment {
  template <class T>
  using atomic = std::atomic<T>;
#ifndef GABION_MUST_FAIL
  using mutex = std::mutex;
  static void failpoint(const char*) {}
#endif
};

static_assert(gabion::explain_env<environment>());
