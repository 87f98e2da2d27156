// SPDX-License-Identifier: MIT
#include <gabion/testing/event_store_suite.hpp>

#include "cqrs/event_store_worlds.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"

using namespace gabion;

TEST_CASE("the event store in memory keeps what every event store promises",
          "[event_store][memory][conformance]") {
  gabion_test::check_suite<gabion_test::memory_events>(
      testing::event_store_suite<gabion_test::memory_events>());
}

TEST_CASE("the event store in SQLite keeps what every event store promises",
          "[event_store][sqlite][conformance]") {
  gabion_test::check_suite<gabion_test::sqlite_events>(
      testing::event_store_suite<gabion_test::sqlite_events>());
}
