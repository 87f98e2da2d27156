// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/outbox_store.hpp>

#include <gabion/testing/outbox_store_suite.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"

namespace {

using namespace gabion;

struct world {
  using manual_store = memory::basic_outbox_store<testing::manual_wall_clock>;

  explicit world(testing::manual_time& time) : outbox{db, {}, time.wall()} {}
  manual_store& store() { return outbox; }
  memory::database& database() { return db; }
  memory::database& other_database() { return other; }

  memory::database db{};
  memory::database other{};
  manual_store outbox;
};

}  // namespace

TEST_CASE("the outbox store in memory keeps every promise of the concept",
          "[memory][outbox][conformance]") {
  gabion_test::check_suite<world>(testing::outbox_store_suite<world>());
}
