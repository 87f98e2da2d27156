// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include <string>

#include <gabion/testing/outbox_store_suite.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;

using manual_store = sqlite::basic_outbox_store<testing::manual_wall_clock>;

/// A store in a file of its own, without the waiting for the disk.
struct world {
  explicit world(testing::manual_time& time, std::uint32_t lanes = 1) : clock{time.wall()} {
    manual_store::create_schema(db, {.lanes = lanes});
    outbox.emplace(db, sqlite::outbox_store_options{}, clock);
  }
  manual_store& store() { return *outbox; }
  sqlite::database& database() { return db; }

  gabion_test::temporary_directory directory{};
  testing::manual_wall_clock clock;
  sqlite::database db{directory.file("outbox.db"), {.synchronous = sqlite::durability::off}};
  std::optional<manual_store> outbox{};
};

}  // namespace

TEST_CASE("the SQLite outbox store keeps every promise of the concept", "[sqlite][outbox][conformance]") {
  gabion_test::check_suite<world>(testing::outbox_store_suite<world>());
}
