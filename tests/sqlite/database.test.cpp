// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/database.hpp>

#include <atomic>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/log/wake.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;

std::int64_t count(sqlite::connection& on) {
  sqlite::rows found = on.query("SELECT count(*) FROM t");
  found.next();
  return found->number(0);
}

template <class Database>
std::int64_t count_in(Database& db) {
  return db.read([](sqlite::connection& on) { return count(on); });
}

template <class Function>
std::error_code code_of(Function&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.code();
  }
  return {};
}

struct with_table {
  gabion_test::temporary_directory directory{};
  std::string path = directory.file("test.db");
  sqlite::database db{path, {.busy_timeout = std::chrono::milliseconds{1}}};
  with_table() {
    db.transact([](sqlite::transaction& tx) { tx.on().execute("CREATE TABLE t (v)"); });
  }
};

struct recording_env : native_env {
  static inline std::vector<std::string> passed{};
  static inline std::string fail_at{};
  static void failpoint(const char* name) {
    passed.emplace_back(name);
    if (fail_at == name) throw std::runtime_error{"power cut"};
  }
};

constexpr sqlite::schema first_version{
    .component = "thing", .version = 1, .ddl = "CREATE TABLE thing (v)"};
constexpr sqlite::schema second_version{
    .component = "thing", .version = 2, .ddl = "CREATE TABLE thing (v, w)"};

}  // namespace

TEST_CASE("a transaction commits when its body returns and rolls back when it throws",
          "[sqlite][database]") {
  with_table w;
  const auto kept = w.db.transact([](sqlite::transaction& tx) {
    tx.on().run("INSERT INTO t (v) VALUES (?)", 1);
    return std::make_unique<int>(42);
  });
  CHECK(*kept == 42);
  CHECK_THROWS_WITH(w.db.transact([](sqlite::transaction& tx) -> int {
    tx.on().run("INSERT INTO t (v) VALUES (?)", 2);
    throw std::runtime_error{"changed my mind"};
  }),
                    "changed my mind");
  CHECK(count_in(w.db) == 1);
  CHECK_NOTHROW(w.db.transact([](sqlite::transaction&) {}));
}

TEST_CASE("a reader sees what is committed while a writer is busy", "[sqlite][database]") {
  with_table w;
  w.db.transact([&](sqlite::transaction& tx) {
    tx.on().run("INSERT INTO t (v) VALUES (?)", 1);
    CHECK(count(tx.on()) == 1);
    CHECK(count_in(w.db) == 0);
  });
  CHECK(count_in(w.db) == 1);
}

TEST_CASE("one read is one snapshot", "[sqlite][database]") {
  with_table w;
  w.db.read([&](sqlite::connection& on) {
    CHECK(count(on) == 0);
    std::thread{[&] {
      w.db.transact(
          [](sqlite::transaction& tx) { tx.on().run("INSERT INTO t (v) VALUES (?)", 1); });
    }}.join();
    CHECK(count(on) == 0);
  });
  CHECK(count_in(w.db) == 1);
}

TEST_CASE("the reading connection cannot write", "[sqlite][database]") {
  with_table w;
  CHECK_THROWS_AS(
      w.db.read([](sqlite::connection& on) { on.run("INSERT INTO t (v) VALUES (?)", 1); }),
      sqlite::sqlite_error);
  CHECK(count_in(w.db) == 0);
}

TEST_CASE("waiting for oneself is refused at once", "[sqlite][database]") {
  with_table w;
  w.db.transact([&](sqlite::transaction&) {
    CHECK_THROWS_WITH(w.db.transact([](sqlite::transaction&) {}),
                      Catch::Contains("transact() inside transact()"));
  });
  w.db.read([&](sqlite::connection&) {
    CHECK_THROWS_WITH(w.db.read([](sqlite::connection&) {}),
                      Catch::Contains("read() inside read()"));
    // A transaction of another thread that reads would wait for this reader, and this one for it.
    CHECK_THROWS_WITH(w.db.transact([](sqlite::transaction&) {}),
                      Catch::Contains("transact() inside read()"));
  });
  CHECK_NOTHROW(w.db.transact([](sqlite::transaction&) {}));
}

namespace {

struct eager {
  with_table& w;
  int rows_seen = -1;
  int times = 0;
  void wake() noexcept {
    ++times;
    // May write: the database is free again by now.
    w.db.transact([](sqlite::transaction& tx) { tx.on().run("INSERT INTO t (v) VALUES (?)", 0); });
    rows_seen = static_cast<int>(count_in(w.db));
  }
};

}  // namespace

TEST_CASE("those who wait are woken once after the commit and never after a rollback",
          "[sqlite][database]") {
  with_table w;
  eager sleeper{w};
  w.db.transact([&](sqlite::transaction& tx) {
    tx.wake_on_commit(wake_ref{sleeper});
    tx.wake_on_commit(wake_ref{sleeper});
    tx.on().run("INSERT INTO t (v) VALUES (?)", 1);
  });
  CHECK(sleeper.times == 1);
  CHECK(sleeper.rows_seen == 2);
  CHECK_THROWS(w.db.transact([&](sqlite::transaction& tx) -> int {
    tx.wake_on_commit(wake_ref{sleeper});
    throw std::runtime_error{"no"};
  }));
  CHECK(sleeper.times == 1);
}

TEST_CASE("a crash before the commit loses the transaction and one after it does not",
          "[sqlite][database]") {
  const gabion_test::temporary_directory directory;
  sqlite::basic_database<recording_env> db{directory.file("test.db")};
  db.transact([](sqlite::transaction& tx) { tx.on().execute("CREATE TABLE t (v)"); });
  const auto insert = [](sqlite::transaction& tx) {
    tx.on().run("INSERT INTO t (v) VALUES (?)", 1);
  };
  recording_env::fail_at = "sqlite.before_commit";
  CHECK_THROWS_WITH(db.transact(insert), "power cut");
  CHECK(count_in(db) == 0);
  recording_env::fail_at = "sqlite.after_commit";
  CHECK_THROWS_WITH(db.transact(insert), "power cut");
  CHECK(count_in(db) == 1);
  recording_env::fail_at.clear();
  recording_env::passed.clear();
  db.transact(insert);
  CHECK(recording_env::passed ==
        std::vector<std::string>{"sqlite.before_commit", "sqlite.after_commit"});
}

TEST_CASE("a database that another process holds is busy and nothing is written",
          "[sqlite][database]") {
  with_table w;
  sqlite::connection other{w.path};
  other.execute("BEGIN IMMEDIATE");
  bool ran = false;
  CHECK(code_of([&] { w.db.transact([&](sqlite::transaction&) { ran = true; }); }) == errc::busy);
  CHECK_FALSE(ran);
  CHECK(count_in(w.db) == 0);
  other.execute("COMMIT");
  CHECK_NOTHROW(w.db.transact(
      [](sqlite::transaction& tx) { tx.on().run("INSERT INTO t (v) VALUES (?)", 1); }));
}

TEST_CASE("a full disk is an error that loses nothing and passes when there is room",
          "[sqlite][database]") {
  with_table w;
  const auto put = [&](int n) {
    w.db.transact([n](sqlite::transaction& tx) {
      for (int i = 0; i < n; ++i)
        tx.on().run("INSERT INTO t (v) VALUES (?)", std::string(1000, 'x'));
    });
  };
  put(10);
  w.db.transact([](sqlite::transaction& tx) { tx.on().execute("PRAGMA max_page_count = 20"); });
  CHECK(code_of([&] { put(1000); }) == errc::full);
  CHECK(count_in(w.db) == 10);
  w.db.transact([](sqlite::transaction& tx) { tx.on().execute("PRAGMA max_page_count = 100000"); });
  put(1000);
  CHECK(count_in(w.db) == 1010);
}

TEST_CASE("a file that cannot be opened is named", "[sqlite][database]") {
  CHECK_THROWS_WITH(sqlite::database{"/no/such/directory/x.db"},
                    Catch::Contains("'/no/such/directory/x.db'"));
  CHECK(code_of([] { sqlite::database db{"/no/such/directory/x.db"}; }) == errc::unavailable);
}

TEST_CASE("a file that is no database is corrupt", "[sqlite][database]") {
  const gabion_test::temporary_directory directory;
  const std::string path = directory.file("letter.txt");
  std::ofstream{path} << std::string(5000, 'x');
  CHECK(code_of([&] { sqlite::database db{path}; }) == errc::corrupt);
  CHECK_THROWS_WITH(sqlite::database{path}, Catch::Contains("letter.txt"));
}

TEST_CASE("a database in memory is refused because its connections could not share it",
          "[sqlite][database]") {
  for (const char* path : {"", ":memory:", "file::memory:?cache=shared", "file:x?mode=memory"})
    CHECK_THROWS_WITH(sqlite::database{path}, Catch::Contains("memory::database"));
}

TEST_CASE("values come back as they were bound", "[sqlite][statement]") {
  with_table w;
  const std::string bytes{"a\0b\xff", 4};
  w.db.transact([&](sqlite::transaction& tx) {
    const auto round_trip = [&](const auto& value, auto&& check) {
      tx.on().run("DELETE FROM t");
      tx.on().run("INSERT INTO t (v) VALUES (?)", value);
      sqlite::rows r = tx.on().query("SELECT v, typeof(v) FROM t");
      REQUIRE(r.next());
      check(*r);
    };
    round_trip(nullptr, [](const sqlite::statement& r) { CHECK(r.is_null(0)); });
    round_trip(std::optional<std::string>{},
               [](const sqlite::statement& r) { CHECK(r.optional_text(0) == std::nullopt); });
    round_trip(std::optional<std::string>{""},
               [](const sqlite::statement& r) { CHECK(r.optional_text(0) == ""); });
    round_trip(std::string_view{}, [](const sqlite::statement& r) { CHECK(r.text(1) == "text"); });
    round_trip(sqlite::blob{}, [](const sqlite::statement& r) { CHECK(r.text(1) == "blob"); });
    round_trip(bytes, [&](const sqlite::statement& r) { CHECK(r.text(0) == bytes); });
    round_trip(sqlite::blob{bytes}, [&](const sqlite::statement& r) { CHECK(r.view(0) == bytes); });
    round_trip(std::int64_t{-5}, [](const sqlite::statement& r) { CHECK(r.number(0) == -5); });
    round_trip((std::numeric_limits<std::int64_t>::max)(),
               [](const sqlite::statement& r) { CHECK(r.text(1) == "integer"); });
    round_trip(0.5, [](const sqlite::statement& r) { CHECK(r.text(1) == "real"); });
    const wall_time when{std::chrono::microseconds{-1}};
    round_trip(when, [&](const sqlite::statement& r) { CHECK(r.time(0) == when); });
  });
}

TEST_CASE("a statement that is wrong says so in the words of SQLite", "[sqlite][statement]") {
  with_table w;
  w.db.transact([&](sqlite::transaction& tx) {
    CHECK_THROWS_WITH(tx.on().run("SELEC 1"), Catch::Contains("syntax error"));
    CHECK(code_of([&] { tx.on().run("SELECT * FROM nowhere"); }) == errc::schema_missing);
    CHECK(code_of([&] { tx.on().run("SELECT 1", 5); }) == errc::invalid_argument);
    tx.on().execute("CREATE UNIQUE INDEX u ON t (v)");
    CHECK(tx.on().run("INSERT INTO t (v) VALUES (?)", 1) == 1);
    CHECK(code_of([&] { tx.on().run("INSERT INTO t (v) VALUES (?)", 1); }) == errc::duplicate);
    CHECK(tx.on().run("INSERT INTO t (v) VALUES (?)", 2) == 1);
  });
}

TEST_CASE("a statement and its values fit each other", "[sqlite][statement]") {
  with_table w;
  w.db.transact([&](sqlite::transaction& tx) {
    sqlite::connection& on = tx.on();
    CHECK_THROWS_WITH(on.run("INSERT INTO t (v) VALUES (1); INSERT INTO t (v) VALUES (2)"),
                      Catch::Contains("'INSERT INTO t (v) VALUES (2)' follows"));
    CHECK_THROWS_WITH(on.run("CREATE TABLE a (v); INSERT INTO a (v) VALUES (1)"),
                      Catch::Contains("execute() runs many"));
    CHECK(code_of([&] { on.run("INSERT INTO t (v) VALUES (1);; SELECT 1"); }) ==
          errc::invalid_argument);
    CHECK(code_of([&] { on.run(" -- nothing"); }) == errc::invalid_argument);
    CHECK(code_of([&] { on.run(""); }) == errc::invalid_argument);
    CHECK_THROWS_WITH(
        on.run("INSERT INTO t (v) VALUES (?)"),
        Catch::Contains("0 values for 1 parameters in 'INSERT INTO t (v) VALUES (?)'"));
    CHECK(code_of([&] { on.run("INSERT INTO t (v) VALUES (?)", 1, 2); }) == errc::invalid_argument);
    CHECK(count(on) == 0);
    CHECK(on.run("INSERT INTO t (v) VALUES (?1 + ?1);  -- once ;\n/* twice */ ;", 1) == 1);
  });
}

TEST_CASE("wrong SQL is not taken for a database that is away", "[sqlite][statement]") {
  with_table w;
  w.db.transact([&](sqlite::transaction& tx) {
    CHECK(code_of([&] { tx.on().run("SELEC 1"); }) == errc::invalid_argument);
    CHECK(code_of([&] { tx.on().run("SELECT w FROM t"); }) == errc::schema_mismatch);
    CHECK(code_of([&] { tx.on().run("INSERT INTO t (w) VALUES (1)"); }) == errc::schema_mismatch);
  });
}

TEST_CASE("a busy timeout that SQLite cannot keep is refused", "[sqlite][database]") {
  const gabion_test::temporary_directory directory;
  const std::string path = directory.file("test.db");
  CHECK_THROWS_WITH(
      (sqlite::database{path, {.busy_timeout = std::chrono::milliseconds{-1}}}),
      Catch::Contains("connection_options.busy_timeout is -1 ms; allowed: 0 to 2147483647 ms"));
  CHECK_THROWS_AS((sqlite::database{path, {.busy_timeout = std::chrono::hours{1000}}}), error);
}

TEST_CASE("a schema is created once and a wrong version is named", "[sqlite][schema]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("test.db")};
  CHECK_THROWS_WITH(sqlite::require_schema(db, first_version),
                    Catch::Contains("has no thing tables"));
  CHECK(code_of([&] { sqlite::require_schema(db, first_version); }) == errc::schema_missing);
  sqlite::create_schema(db, first_version);
  sqlite::create_schema(db, first_version);
  CHECK_NOTHROW(sqlite::require_schema(db, first_version));
  CHECK_THROWS_WITH(sqlite::require_schema(db, second_version),
                    Catch::Contains("have version 1, this gabion needs 2"));
  CHECK(code_of([&] { sqlite::create_schema(db, second_version); }) == errc::schema_mismatch);
}

TEST_CASE("several connections may make a new file and its schema at once", "[sqlite][schema]") {
  // The switch of a new file to WAL mode is a race, so there are many new files.
  for (int file = 0; file < 30; ++file) {
    const gabion_test::temporary_directory directory;
    const std::string path = directory.file("test.db");
    std::atomic<int> failures{0};
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t)
      running.emplace_back([&] {
        const auto code = code_of([&] {
          sqlite::database mine{path};
          sqlite::create_schema(mine, first_version);
          sqlite::require_schema(mine, first_version);
        });
        if (code) failures.fetch_add(1);
      });
    for (std::thread& thread : running) thread.join();
    CHECK(failures.load() == 0);
  }
}

TEST_CASE("threads take turns and lose nothing", "[sqlite][database]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("test.db"), {.synchronous = sqlite::durability::off}};
  db.transact([](sqlite::transaction& tx) { tx.on().execute("CREATE TABLE t (v)"); });
  std::vector<std::thread> running;
  for (int t = 0; t < 4; ++t)
    running.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        db.transact(
            [](sqlite::transaction& tx) { tx.on().run("INSERT INTO t (v) VALUES (?)", 1); });
        (void)count_in(db);
      }
    });
  for (std::thread& thread : running) thread.join();
  CHECK(count_in(db) == 200);
}
