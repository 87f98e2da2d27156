// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <gabion/testing/conformance.hpp>

#include "support/catch.hpp"

namespace gabion_test {

/// Runs each case of a conformance suite as a section of the running test.
template <class World, class Cases>
void check_suite(const Cases& cases) {
  for (const auto& c : cases) {
    DYNAMIC_SECTION(std::string{c.name}) {
      const auto found = gabion::testing::run_case(
          c, [](gabion::testing::manual_time& time) { return World{time}; });
      for (const std::string& failure : found.failures()) FAIL_CHECK(failure);
      CHECK(found.checks() > 0);
    }
  }
}

}  // namespace gabion_test
