// SPDX-License-Identifier: MIT
#include <gabion/testing/checkpoint_suite.hpp>

#include "cqrs/event_store_worlds.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"

using namespace gabion;

TEST_CASE("checkpoints in memory keep what every checkpoint store promises",
          "[checkpoint_store][memory][conformance]") {
  gabion_test::check_suite<gabion_test::memory_events>(
      testing::checkpoint_suite<gabion_test::memory_events>());
}

TEST_CASE("checkpoints in SQLite keep what every checkpoint store promises",
          "[checkpoint_store][sqlite][conformance]") {
  gabion_test::check_suite<gabion_test::sqlite_events>(
      testing::checkpoint_suite<gabion_test::sqlite_events>());
}
