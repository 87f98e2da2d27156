// SPDX-License-Identifier: MIT
#include <optional>
#include <string_view>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>
#include <gabion/testing/detail/inbox_open_cases.hpp>
#include <gabion/testing/detail/outbox_open_cases.hpp>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"
#include "support/temporary_file.hpp"

// Cases that the conformance suites take over once they are mended.

using namespace gabion_test::outbox_faults;

namespace {

template <class Store>
struct memory_world {
  explicit memory_world(testing::manual_time& time) : kept{make(time)} {}
  Store& store() { return kept; }
  memory::database& database() { return db; }

  memory::database db{};
  Store kept;

 private:
  Store make(testing::manual_time& time) {
    if constexpr (std::is_constructible_v<Store, memory::database&, testing::manual_wall_clock>)
      return Store{db, time.wall()};
    else
      return Store{db, {}, time.wall()};
  }
};

template <class Store>
struct sqlite_world {
  explicit sqlite_world(testing::manual_time& time) {
    Store::create_schema(db);
    if constexpr (std::is_constructible_v<Store, sqlite::database&, testing::manual_wall_clock>)
      kept.emplace(db, time.wall());
    else
      kept.emplace(db, sqlite::outbox_store_options{}, time.wall());
  }
  Store& store() { return *kept; }
  sqlite::database& database() { return db; }

  gabion_test::temporary_directory directory{};
  sqlite::database db{directory.file("store.db"), {.synchronous = sqlite::durability::off}};
  std::optional<Store> kept{};
};

using memory_outbox = memory_world<manual_outbox>;
using memory_inbox = memory_world<manual_inbox>;
using sqlite_outbox = sqlite_world<sqlite::basic_outbox_store<testing::manual_wall_clock>>;
using sqlite_inbox = sqlite_world<sqlite::basic_inbox_store<testing::manual_wall_clock>>;
using memory_checkpoints = memory_world<memory::basic_checkpoint_store<testing::manual_wall_clock>>;
using sqlite_checkpoints = sqlite_world<sqlite::basic_checkpoint_store<testing::manual_wall_clock>>;

/// Runs the case of that name and checks that it finds nothing wrong.
template <class World, class Cases>
void check_case(const Cases& cases, std::string_view name) {
  int ran = 0;
  for (const auto& c : cases) {
    if (c.name != name) continue;
    ++ran;
    const testing::findings found =
        testing::run_case(c, [](testing::manual_time& time) { return World{time}; });
    for (const std::string& failure : found.failures()) FAIL_CHECK(failure);
  }
  if (ran != 1) std::abort();  // a wrong name must not pass for the expected failure
}

template <class World>
void check_outbox(std::string_view name) {
  check_case<World>(testing::detail::open_outbox_cases<World>, name);
}
template <class World>
void check_inbox(std::string_view name) {
  check_case<World>(testing::detail::open_inbox_cases<World>, name);
}

/// A lease of 30 s is free 30 s later, although the wall clock was set back by an hour.
template <class World>
bool lease_ends() {
  testing::manual_time time;
  World world{time};
  if (!world.store().acquire_lease("projection", "dead", 30s)) std::abort();
  time.step_wall(-1h);
  time.advance(30s);
  return world.store().acquire_lease("projection", "standby", 30s).has_value();
}

}  // namespace

TEST_CASE("M7: the outbox in memory keeps the same id of another source", "[fault][!shouldfail]") {
  check_outbox<memory_outbox>("the same id from another source is another message");
}
TEST_CASE("M7a: the SQLite outbox keeps the same id of another source", "[fault][!shouldfail]") {
  check_outbox<sqlite_outbox>("the same id from another source is another message");
}
TEST_CASE("M7b: the outbox in memory keeps the same id for another topic", "[fault][!shouldfail]") {
  check_outbox<memory_outbox>("the same id for another topic is another message");
}
TEST_CASE("M7c: the SQLite outbox keeps the same id for another topic", "[fault][!shouldfail]") {
  check_outbox<sqlite_outbox>("the same id for another topic is another message");
}

TEST_CASE("M10c: in the outbox in memory a dead message blocks its own topic only",
          "[fault][!shouldfail]") {
  check_outbox<memory_outbox>("a dead message blocks its key on its own topic only");
}
TEST_CASE("M10d: in the SQLite outbox a dead message blocks its own topic only",
          "[fault][!shouldfail]") {
  check_outbox<sqlite_outbox>("a dead message blocks its key on its own topic only");
}
TEST_CASE("M10e: in the inbox in memory a letter blocks its own source only",
          "[fault][!shouldfail]") {
  check_inbox<memory_inbox>("a letter blocks its key of its own source only");
}
TEST_CASE("M10f: in the SQLite inbox a letter blocks its own source only", "[fault][!shouldfail]") {
  check_inbox<sqlite_inbox>("a letter blocks its key of its own source only");
}
TEST_CASE("M10g: in the inbox in memory a letter blocks its own topic only",
          "[fault][!shouldfail]") {
  check_inbox<memory_inbox>("a letter blocks its key on its own topic only");
}
TEST_CASE("M10h: in the SQLite inbox a letter blocks its own topic only", "[fault][!shouldfail]") {
  check_inbox<sqlite_inbox>("a letter blocks its key on its own topic only");
}

TEST_CASE("M17: a lease of the outbox in memory ends by now and its ttl", "[fault][!shouldfail]") {
  check_outbox<memory_outbox>("a lease ends by now and its ttl");
}
TEST_CASE("M17a: a lease of the SQLite outbox ends by now and its ttl", "[fault][!shouldfail]") {
  check_outbox<sqlite_outbox>("a lease ends by now and its ttl");
}
TEST_CASE("M17b: a lease of the checkpoints in memory ends by now and its ttl",
          "[fault][!shouldfail]") {
  CHECK(lease_ends<memory_checkpoints>());
}
TEST_CASE("M17c: a lease of the SQLite checkpoints ends by now and its ttl",
          "[fault][!shouldfail]") {
  CHECK(lease_ends<sqlite_checkpoints>());
}
