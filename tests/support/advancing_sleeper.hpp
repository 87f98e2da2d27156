// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace gabion_test {

/// Waits by moving the manual time on, and keeps how long each wait was.
struct advancing_sleeper {
  gabion::testing::manual_time* time;
  std::vector<gabion::duration> waits{};
  bool wait_until(gabion::instant moment) {
    waits.push_back(gabion::elapsed(time->now(), moment));
    time->advance_to(moment);
    return true;
  }
};

}  // namespace gabion_test
