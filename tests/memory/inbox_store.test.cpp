// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/inbox_store.hpp>

#include <gabion/testing/inbox_store_suite.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"

namespace {

using namespace gabion;

struct world {
  using manual_store = memory::basic_inbox_store<testing::manual_wall_clock>;

  explicit world(testing::manual_time& time) : inbox{db, time.wall()} {}
  manual_store& store() { return inbox; }
  memory::database& database() { return db; }
  memory::database& other_database() { return other; }

  memory::database db{};
  memory::database other{};
  manual_store inbox;
};

}  // namespace

TEST_CASE("the inbox store in memory keeps every promise of the concept",
          "[memory][inbox][conformance]") {
  gabion_test::check_suite<world>(testing::inbox_store_suite<world>());
}
