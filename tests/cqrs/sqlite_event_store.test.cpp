// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/event_store.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/command_log.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/cqrs/append.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

using namespace gabion;

namespace {

message event(std::string id) { return {.id = std::move(id), .type = "t", .data = "d"}; }

template <class Database, class Store>
append_result append(Database& in, Store& store, std::string_view stream, expected_version expected,
                     const std::vector<message>& events) {
  return in.transact([&](auto& tx) { return store.append(tx, stream, expected, events); });
}

struct failing_env : native_env {
  static inline bool armed = false;
  static void failpoint(const char* name) {
    if (armed && std::string_view{name} == "events.appended") throw std::runtime_error{"power cut"};
  }
};

struct file {
  gabion_test::temporary_directory directory{};
  sqlite::database db{directory.file("events.db"), {.synchronous = sqlite::durability::off}};
};

}  // namespace

TEST_CASE("the SQLite event store says when its table is missing", "[event_store][sqlite]") {
  file f;
  CHECK_THROWS_WITH(sqlite::event_store{f.db},
                    Catch::Contains("has no events tables") && Catch::Contains("create_schema"));
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store::create_schema(f.db);
  CHECK_NOTHROW(sqlite::event_store{f.db});
  f.db.transact([](sqlite::transaction& tx) {
    tx.on().execute("UPDATE gabion_schema SET version = 3 WHERE component = 'events'");
  });
  CHECK_THROWS_WITH(sqlite::event_store{f.db}, Catch::Contains("version 3, this gabion needs 2"));
  CHECK_THROWS_WITH(sqlite::event_store::create_schema(f.db), Catch::Contains("version 3"));
}

TEST_CASE("stored events can be neither changed nor removed", "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store store{f.db};
  append(f.db, store, "s", expected_version::any(), {event("a")});
  const auto run = [&](const char* sql) {
    f.db.transact([&](sqlite::transaction& tx) { tx.on().execute(sql); });
  };
  CHECK_THROWS_WITH(run("DELETE FROM gabion_event"), Catch::Contains("events are never removed"));
  CHECK_THROWS_WITH(run("UPDATE gabion_event SET payload = x'00'"),
                    Catch::Contains("events are never changed"));
  CHECK(store.read("s", 1, 10, read_direction::forward).events.size() == 1);
}

TEST_CASE("a table of version 1 is upgraded and keeps its events", "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  {
    sqlite::event_store store{f.db};
    append(f.db, store, "s", expected_version::any(), {event("a"), event("b")});
  }
  f.db.transact([](sqlite::transaction& tx) {
    tx.on().execute("DROP TRIGGER gabion_event_append");
    tx.on().execute("UPDATE gabion_schema SET version = 1 WHERE component = 'events'");
  });
  CHECK_THROWS_WITH(sqlite::event_store{f.db},
                    Catch::Contains("version 1, this gabion needs 2") &&
                        Catch::Contains("create_schema(database) once to upgrade"));
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store store{f.db};
  CHECK(append(f.db, store, "s", expected_version::exact(2), {event("c")}).last == position{3});
  CHECK_THROWS_WITH(f.db.transact([](sqlite::transaction& tx) {
    tx.on().execute("REPLACE INTO gabion_event SELECT * FROM gabion_event WHERE position = 2");
  }),
                    Catch::Contains("events are only appended"));
  CHECK(store.read_all(beginning, 10, read_direction::forward).size() == 3);
}

TEST_CASE("versions and positions beyond 32 bits are kept whole", "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store store{f.db};
  f.db.transact([](sqlite::transaction& tx) {
    tx.on().execute(
        "INSERT INTO gabion_event VALUES (5000000000, 's', 3000000000, 0, 'old', '', 't', '', 0, "
        "'', '', NULL, x'', '')");
  });
  constexpr std::uint64_t big = 3'000'000'000;
  CHECK(append(f.db, store, "s", expected_version::exact(big + 1), {event("a")}).status ==
        append_status::wrong_version);
  const append_result r = append(f.db, store, "s", expected_version::exact(big), {event("a")});
  CHECK(r.version == big + 1);
  CHECK(r.first == position{5'000'000'001});
  CHECK(store.read("s", last_version, 1, read_direction::backward).events.at(0).version == big + 1);
  CHECK(append(f.db, store, "s", expected_version::exact(big), {event("a")}).status ==
        append_status::idempotent);
}

TEST_CASE("a crash between the rows of an append leaves nothing", "[event_store][sqlite][crash]") {
  const gabion_test::temporary_directory directory;
  {
    sqlite::basic_database<failing_env> db{directory.file("events.db")};
    using store_type = sqlite::basic_event_store<system_clock, failing_env>;
    store_type::create_schema(db);
    store_type store{db};
    failing_env::armed = true;
    CHECK_THROWS_AS(append(db, store, "s", expected_version::any(), {event("a"), event("b")}),
                    std::runtime_error);
    failing_env::armed = false;
  }
  sqlite::database db{directory.file("events.db")};
  sqlite::event_store store{db};
  CHECK(store.head() == beginning);
  CHECK(append(db, store, "s", expected_version::no_stream(), {event("a"), event("b")}).first ==
        position{1});
}

TEST_CASE("a body that rolls back alone in a group commit burns no position",
          "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store store{f.db};
  sqlite::group_commit writer{f.db};
  CHECK(append(writer, store, "s", expected_version::any(), {event("a")}).last == position{1});
  CHECK_THROWS_AS(writer.transact([&](sqlite::transaction& tx) {
    (void)store.append(tx, "s", expected_version::any(), std::vector<message>{event("b")});
    throw std::runtime_error{"no"};
  }),
                  std::runtime_error);
  CHECK(append(writer, store, "s", expected_version::exact(1), {event("b")}).last == position{2});
}

TEST_CASE("two stores on one file see each other and can wake each other",
          "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::database other{f.db.path(), {.synchronous = sqlite::durability::off}};
  sqlite::event_store first{f.db};
  sqlite::event_store second{other};
  struct alarm {
    int rung = 0;
    void wake() noexcept { ++rung; }
  } bell;
  const auto reader = second.appended().join(wake_ref{bell});
  const auto chained = first.appended().join(wake_ref{second.appended()});
  append(f.db, first, "s", expected_version::any(), {event("a")});
  CHECK(bell.rung == 1);
  CHECK(second.read_all(beginning, 10, read_direction::forward).size() == 1);
  CHECK(append(other, second, "s", expected_version::exact(1), {event("b")}).version == 2);
  CHECK(append(f.db, first, "s", expected_version::exact(1), {event("c")}).actual == 2);
}

TEST_CASE("an append joins a transaction that the caller began on his own connection",
          "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::event_store store{f.db};
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(f.db.path().c_str(), &raw) == SQLITE_OK);
  {
    sqlite::connection on{raw};
    on.execute("CREATE TABLE orders (id TEXT)");
    on.execute("BEGIN IMMEDIATE");
    sqlite::transaction tx{on};
    tx.on().run("INSERT INTO orders VALUES (?)", "o1");
    CHECK(store.append(tx, "s", expected_version::no_stream(), std::vector<message>{event("a")})
              .ok());
    on.execute("ROLLBACK");
    CHECK_FALSE(store.read("s", 1, 1, read_direction::forward).exists());
    on.execute("BEGIN IMMEDIATE");
    CHECK(store.append(tx, "s", expected_version::no_stream(), std::vector<message>{event("a")})
              .ok());
    on.execute("COMMIT");
    tx.committed();
  }
  sqlite3_close(raw);
  CHECK(store.read("s", 1, 1, read_direction::forward).exists());
}

TEST_CASE("nothing is appended behind a transaction that SQLite has given up",
          "[event_store][sqlite]") {
  file f;
  sqlite::event_store::create_schema(f.db);
  sqlite::checkpoint_store::create_schema(f.db);
  sqlite::command_log::create_schema(f.db);
  sqlite::event_store store{f.db};
  sqlite::checkpoint_store checkpoints{f.db};
  sqlite::command_log commands{f.db};
  const auto held = checkpoints.acquire_lease("p@1", "me", std::chrono::minutes{1});
  REQUIRE(held);
  const auto given_up = [&](auto work) {
    f.db.transact([&](sqlite::transaction& tx) {
      // as SQLite does by itself on a full disk, and the body has caught the error
      tx.on().execute("ROLLBACK");
      work(tx);
    });
  };
  const auto says = Catch::Contains("no transaction is open");
  CHECK_THROWS_WITH(given_up([&](auto& tx) {
                      store.append(tx, "s", expected_version::any(),
                                   std::vector<message>{event("a")});
                    }),
                    says);
  CHECK_THROWS_WITH(given_up([&](auto& tx) {
                      (void)checkpoints.move_checkpoint(tx, *held, beginning, {.at = position{1}});
                    }),
                    says);
  CHECK_THROWS_WITH(given_up([&](auto& tx) { (void)commands.claim(tx, "", "k"); }), says);
  CHECK_FALSE(store.read("s", 1, 1, read_direction::forward).exists());
  CHECK_FALSE(checkpoints.read_checkpoint("p@1"));
}
