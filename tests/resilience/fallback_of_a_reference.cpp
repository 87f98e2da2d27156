// SPDX-License-Identifier: MIT
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/pipeline.hpp>

int call(int& stock) {
  auto none = gabion::fallback([] { return 0; });
#ifndef GABION_MUST_FAIL
  return gabion::pipeline(none).call([&] { return stock; });
#else
  return gabion::pipeline(none).call([&]() -> int& { return stock; });
#endif
}
