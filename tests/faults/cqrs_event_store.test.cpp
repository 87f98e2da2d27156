// SPDX-License-Identifier: MIT
#include <gabion/cqrs/event_store.hpp>

#include <string>
#include <vector>

#include <sqlite3.h>

#include <gabion/core/message_limits.hpp>
#include <gabion/testing/conformance.hpp>

#include "cqrs/event_store_worlds.hpp"
#include "support/catch.hpp"

using namespace gabion;
using gabion_test::memory_events;
using gabion_test::sqlite_events;

namespace {

message event(std::string id) { return {.id = std::move(id), .type = "t", .data = "d"}; }

/// A connection that knows nothing of gabion, as the sqlite3 shell has one.
class foreign_connection {
 public:
  explicit foreign_connection(const std::string& path) { (void)sqlite3_open(path.c_str(), &on_); }
  foreign_connection(const foreign_connection&) = delete;
  foreign_connection& operator=(const foreign_connection&) = delete;
  ~foreign_connection() { sqlite3_close(on_); }
  /// The error's text; empty if it was done.
  std::string run(const std::string& sql) {
    return sqlite3_exec(on_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK
               ? ""
               : sqlite3_errmsg(on_);
  }

 private:
  sqlite3* on_ = nullptr;
};

struct three_events {
  testing::manual_time time{};
  sqlite_events world{time};
  foreign_connection shell{world.database().path()};

  three_events() {
    const std::vector<message> events{event("e1"), event("e2"), event("e3")};
    world.database().transact(
        [&](auto& tx) { return world.store().append(tx, "s", expected_version::any(), events); });
  }
  [[nodiscard]] std::vector<recorded_event> all() {
    return world.store().read_all(beginning, 100, read_direction::forward);
  }
  /// The columns of event 2, some of them with other values, as VALUES of an INSERT.
  [[nodiscard]] static std::string copy_of_second(const std::string& position,
                                                  const std::string& version,
                                                  const std::string& id) {
    return "INTO gabion_event SELECT " + position + ", stream, " + version + ", recorded_at, " +
           id +
           ", source, event_type, subject, occurred_at, content_type, data_schema, 'forged', "
           "headers, topic FROM gabion_event WHERE position = 2";
  }
};

}  // namespace

TEST_CASE("Q2: no form of REPLACE changes or removes a stored event", "[fault]") {
  three_events f;
  const auto before = f.all();
  REQUIRE(before.size() == 3);
  const std::string by_position = f.copy_of_second("position", "99", "'new-1'");
  const std::string by_version = f.copy_of_second("99", "1", "'new-2'");
  const std::string by_id = f.copy_of_second("98", "98", "event_id");
  for (const char* setting :
       {"PRAGMA recursive_triggers = OFF", "PRAGMA recursive_triggers = ON"}) {
    REQUIRE(f.shell.run(setting).empty());
    for (const char* verb : {"REPLACE ", "INSERT OR REPLACE ", "INSERT "})
      for (const std::string& rest : {by_position, by_version, by_id}) {
        CAPTURE(setting, verb, rest);
        CHECK_FALSE(f.shell.run(verb + rest).empty());
      }
    CHECK_FALSE(
        f.shell.run("UPDATE OR REPLACE gabion_event SET position = 1 WHERE position = 2").empty());
  }
  CHECK(f.all() == before);
}

TEST_CASE("Q2a: no event is inserted in front of those that readers have passed", "[fault]") {
  testing::manual_time time;
  sqlite_events world{time};
  foreign_connection shell{world.database().path()};
  const auto row = [](const char* position, const char* version, const char* id) {
    return std::string{"INSERT INTO gabion_event VALUES ("} + position + ", 's', " + version +
           ", 0, '" + id + "', '', 't', '', 0, '', '', NULL, x'', '')";
  };
  REQUIRE(shell.run(row("10", "5", "a")).empty());
  CHECK_FALSE(shell.run(row("9", "6", "b")).empty());
  CHECK_FALSE(shell.run(row("11", "4", "c")).empty());
  CHECK(shell.run(row("11", "6", "d")).empty());
  CHECK(shell.run(row("NULL", "7", "e")).empty());
  CHECK(world.store().read_all(beginning, 100, read_direction::forward).size() == 3);
}

TEMPLATE_TEST_CASE("Q14: the event store refuses what the outbox would refuse as too large",
                   "[fault]", memory_events, sqlite_events) {
  testing::manual_time time;
  TestType world{time};
  const auto append = [&](const message& m) {
    world.database().transact(
        [&](auto& tx) { return world.store().append(tx, "s", expected_version::any(), {&m, 1}); });
  };
  message largest = event("a");
  largest.data = std::string(message_limits{}.payload, 'x');
  CHECK_NOTHROW(append(largest));
  message larger = event("b");
  larger.data = std::string(message_limits{}.payload + 1, 'x');
  CHECK_THROWS_AS(append(larger), gabion::error);
  message wide = event("c");
  wide.headers = {{"h", std::string(message_limits{}.attributes, 'x')}};
  CHECK_THROWS_AS(append(wide), gabion::error);
  CHECK(world.store().read("s", 1, 10, read_direction::forward).version == 1);
}

TEMPLATE_TEST_CASE("Q14a: the event store refuses a header without a name, as the outbox does",
                   "[fault]", memory_events, sqlite_events) {
  testing::manual_time time;
  TestType world{time};
  message m = event("a");
  m.headers = {{"", "value"}};
  CHECK_THROWS_AS(world.database().transact([&](auto& tx) {
    return world.store().append(tx, "s", expected_version::any(), {&m, 1});
  }),
                  gabion::error);
  CHECK_FALSE(world.store().read("s", 1, 10, read_direction::forward).exists());
}

TEMPLATE_TEST_CASE("Q14b: the name of a stream has a limit", "[fault]", memory_events,
                   sqlite_events) {
  testing::manual_time time;
  TestType world{time};
  const message m = event("a");
  CHECK_THROWS_AS(world.database().transact([&](auto& tx) {
    return world.store().append(tx, std::string(message_limits{}.attributes + 1, 's'),
                                expected_version::any(), {&m, 1});
  }),
                  gabion::error);
  CHECK(world.store().head() == beginning);
}

TEMPLATE_TEST_CASE("Q14c: an event whose id the store filled in still fits into the outbox",
                   "[fault]", memory_events, sqlite_events) {
  testing::manual_time time;
  TestType world{time};
  message m = event("");
  m.headers = {{"h", std::string(message_limits{}.attributes - attribute_bytes(m) - 1, 'x')}};
  bool fits = true;
  try {
    world.database().transact(
        [&](auto& tx) { return world.store().append(tx, "s", expected_version::any(), {&m, 1}); });
    const auto page = world.store().read("s", 1, 1, read_direction::forward);
    fits = attribute_bytes(page.events.at(0).what) <= message_limits{}.attributes;
  } catch (const gabion::error&) {
    // refused at append, where the caller can still do something about it
  }
  CHECK(fits);
}
