// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/inbox_store.hpp>

#include <string>

#include <gabion/testing/inbox_store_suite.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;

using manual_store = sqlite::basic_inbox_store<testing::manual_wall_clock>;

/// A store in a file of its own, without the waiting for the disk.
struct world {
  explicit world(testing::manual_time& time) : clock{time.wall()} {
    manual_store::create_schema(db);
    inbox.emplace(db, clock);
  }
  manual_store& store() { return *inbox; }
  sqlite::database& database() { return db; }
  sqlite::database& other_database() { return other; }

  gabion_test::temporary_directory directory{};
  testing::manual_wall_clock clock;
  sqlite::database db{directory.file("inbox.db"), {.synchronous = sqlite::durability::off}};
  sqlite::database other{directory.file("other.db"), {.synchronous = sqlite::durability::off}};
  std::optional<manual_store> inbox{};
};

}  // namespace

TEST_CASE("the SQLite inbox store keeps every promise of the concept",
          "[sqlite][inbox][conformance]") {
  gabion_test::check_suite<world>(testing::inbox_store_suite<world>());
}
