// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gabion/adapters/sqlite/group_commit.hpp>
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
  sqlite::database& other_database() { return other; }

  gabion_test::temporary_directory directory{};
  testing::manual_wall_clock clock;
  sqlite::database db{directory.file("outbox.db"), {.synchronous = sqlite::durability::off}};
  sqlite::database other{directory.file("other.db"), {.synchronous = sqlite::durability::off}};
  std::optional<manual_store> outbox{};
};

}  // namespace

TEST_CASE("the SQLite outbox store keeps every promise of the concept",
          "[sqlite][outbox][conformance]") {
  gabion_test::check_suite<world>(testing::outbox_store_suite<world>());
}

namespace {

/// Stops at a failpoint by name.
struct crash_env : native_env {
  static inline std::string at{};
  static void failpoint(const char* name) {
    if (at == name) throw std::runtime_error{"power cut"};
  }
};

message note(std::string id, std::string key = "k") {
  return {.id = std::move(id), .type = "noted", .subject = std::move(key), .data = "d"};
}

std::vector<std::string> ids_of(const std::vector<outbox_record>& records) {
  std::vector<std::string> ids;
  for (const outbox_record& r : records) ids.push_back(r.what.id);
  return ids;
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

lease own(manual_store& store, const char* name = "relay") {
  return store.acquire_lease(name, "me", std::chrono::hours{1}).value();
}

}  // namespace

TEST_CASE("an outbox store without its tables says what to call", "[sqlite][outbox]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("outbox.db")};
  CHECK_THROWS_WITH(sqlite::outbox_store{db},
                    Catch::Contains("call the store's create_schema(database) once"));
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store::create_schema(db);
  CHECK_NOTHROW(sqlite::outbox_store{db});
}

TEST_CASE("the number of lanes is fixed when the tables are made", "[sqlite][outbox][lane]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("outbox.db")};
  CHECK_THROWS_WITH(sqlite::outbox_store::create_schema(db, {.lanes = 0}),
                    Catch::Contains("lanes is 0; allowed: 1 to 1024"));
  CHECK_THROWS_WITH(sqlite::outbox_store::create_schema(db, {.lanes = 1025}),
                    Catch::Contains("lanes is 1025"));
  sqlite::outbox_store::create_schema(db, {.lanes = 1024});
  CHECK(sqlite::outbox_store{db}.lanes() == 1024);
  CHECK_THROWS_WITH(sqlite::outbox_store::create_schema(db, {.lanes = 8}),
                    Catch::Contains("have 1024 lanes, asked for are 8"));
}

TEST_CASE("limits of an outbox store out of range are named", "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  CHECK_THROWS_WITH(
      (manual_store{w.db, {.limits = {.payload = std::size_t{1} << 30U}}, w.clock}),
      Catch::Contains("message_limits.payload is 1073741824; allowed: 0 to 1073741823"));
  CHECK_THROWS_WITH((manual_store{w.db, {.limits = {.attributes = 0}}, w.clock}),
                    Catch::Contains("message_limits.attributes is 0"));
  manual_store tight{w.db, {.limits = {.payload = 3, .attributes = 136}}, w.clock};
  const auto put = [&](std::size_t bytes, std::size_t key) {
    return w.db.transact([&](sqlite::transaction& tx) {
      const std::vector<message> batch{
          {.type = "t", .subject = std::string(key, 'k'), .data = std::string(bytes, 'd')}};
      return tight.enqueue(tx, batch).size();
    });
  };
  CHECK(put(3, 99) == 1);
  CHECK_THROWS_WITH(put(4, 0), Catch::Contains("the payload has 4 bytes; allowed: 3"));
  CHECK_THROWS_WITH(put(0, 100),
                    Catch::Contains("attributes and headers have 137 bytes; allowed: 136"));
}

TEST_CASE("all messages of a key share a lane and keyless ones spread", "[sqlite][outbox][lane]") {
  testing::manual_time time;
  world w{time, 4};
  w.db.transact([&](sqlite::transaction& tx) {
    for (int i = 0; i < 200; ++i) {
      const std::vector<message> batch{
          note("k" + std::to_string(i), "key " + std::to_string(i % 10)),
          note("f" + std::to_string(i), "")};
      w.store().enqueue(tx, batch);
    }
  });
  std::map<std::string, std::set<std::uint32_t>> lanes_of;
  std::size_t total = 0;
  for (std::uint32_t lane = 0; lane < 4; ++lane) {
    const auto records = w.store().fetch(lane, beginning, 1000);
    CHECK(std::is_sorted(records.begin(), records.end(),
                         [](const auto& a, const auto& b) { return a.at < b.at; }));
    total += records.size();
    for (const outbox_record& r : records) {
      CHECK(lane_of(key_of(r.what), r.what.id, 4) == lane);
      lanes_of[r.what.subject].insert(lane);
    }
  }
  CHECK(total == 400);
  for (const auto& [key, lanes] : lanes_of) CHECK(lanes.size() == (key.empty() ? 4U : 1U));
}

TEST_CASE("the lane of a key never changes", "[outbox][lane]") {
  CHECK(lane_of("order-1", "ignored", 16) == lane_of("order-1", "", 16));
  CHECK(lane_of("", "id", 16) == lane_of("id", "", 16));
}

TEST_CASE("messages are enqueued in a transaction that the caller opened on his own connection",
          "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(w.db.path().c_str(), &raw) == SQLITE_OK);
  {
    sqlite::connection mine{raw};
    sqlite::transaction tx{mine};
    const std::vector<message> batch{note("a"), note("b")};
    CHECK_THROWS_WITH(w.store().enqueue(tx, batch), Catch::Contains("BEGIN IMMEDIATE first"));
    sqlite3_exec(raw, "BEGIN IMMEDIATE; CREATE TABLE orders (id)", nullptr, nullptr, nullptr);
    w.store().enqueue(tx, batch);
    CHECK(w.store().fetch(0, beginning, 10).empty());
    sqlite3_exec(raw, "ROLLBACK", nullptr, nullptr, nullptr);
    CHECK(w.store().fetch(0, beginning, 10).empty());
    sqlite3_exec(raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    w.store().enqueue(tx, batch);
    sqlite3_exec(raw, "COMMIT", nullptr, nullptr, nullptr);
    tx.committed();
  }
  sqlite3_close(raw);
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("messages are enqueued through a group commit", "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  sqlite::group_commit writer{w.db};
  CHECK_THROWS(writer.transact([&](sqlite::transaction& tx) -> int {
    const std::vector<message> batch{note("lost")};
    w.store().enqueue(tx, batch);
    throw std::runtime_error{"no"};
  }));
  writer.transact([&](sqlite::transaction& tx) {
    const std::vector<message> batch{note("kept")};
    w.store().enqueue(tx, batch);
  });
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) == std::vector<std::string>{"kept"});
}

TEST_CASE("what was enqueued is there when the file is opened again", "[sqlite][outbox]") {
  const gabion_test::temporary_directory directory;
  testing::manual_time time;
  using store = manual_store;
  lease before;
  {
    sqlite::database db{directory.file("outbox.db")};
    store::create_schema(db, {.lanes = 1});
    store s{db, {}, time.wall()};
    before = s.acquire_lease("relay", "me", std::chrono::hours{1}).value();
    db.transact([&](sqlite::transaction& tx) {
      const std::vector<message> batch{note("a"), note("b"), note("c")};
      return s.enqueue(tx, batch);
    });
    const std::vector<settlement> done{
        {.at = position{1}},
        {.at = position{2}, .as = disposition::dead, .attempts = 2, .reason = "r"}};
    REQUIRE(s.settle(before, done, beginning) == settle_status::applied);
  }
  sqlite::database db{directory.file("outbox.db")};
  store s{db, {}, time.wall()};
  CHECK(ids_of(s.fetch(0, beginning, 10)) == std::vector<std::string>{"c"});
  CHECK(s.dead_letters(beginning, 10).size() == 1);
  CHECK_FALSE(s.acquire_lease("relay", "somebody else", std::chrono::hours{1}));
  CHECK(s.acquire_lease("relay", "me", std::chrono::hours{1})->epoch > before.epoch);
}

TEST_CASE("numbers never return after everything was purged", "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  const auto put = [&] {
    return w.db.transact([&](sqlite::transaction& tx) {
      const std::vector<message> batch{note("")};
      return w.store().enqueue(tx, batch).front().at;
    });
  };
  const lease held = own(w.store());
  const position first = put();
  const std::vector<settlement> done{{.at = first}};
  REQUIRE(w.store().settle(held, done, first) == settle_status::applied);
  time.advance(std::chrono::hours{1});
  REQUIRE(w.store().purge_published(time.wall_now(), 10) == 1);
  CHECK(put() > first);
}

TEST_CASE("a row that cannot be read back becomes a dead letter and stops only its key",
          "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  w.db.transact([&](sqlite::transaction& tx) {
    message with_header = note("broken", "k1");
    with_header.headers = {{"a", "b"}};
    const std::vector<message> batch{note("first", "k1"), with_header, note("behind", "k1"),
                                     note("other", "k2")};
    w.store().enqueue(tx, batch);
    tx.on().run("UPDATE gabion_outbox SET headers = ? WHERE event_id = 'broken'",
                sqlite::blob{"\x09newer"});
  });
  const auto records = w.store().fetch(0, beginning, 10);
  CHECK(ids_of(records) == std::vector<std::string>{"first", "behind", "other"});
  CHECK_FALSE(records[0].blocked);
  CHECK(records[1].blocked);
  CHECK_FALSE(records[2].blocked);
  const auto letters = w.store().dead_letters(beginning, 10);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].what.id == "broken");
  CHECK_THAT(letters[0].reason,
             Catch::Contains("cannot be read back") && Catch::Contains("unknown format"));
  REQUIRE(w.store().redrive(letters[0].at));
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) ==
        std::vector<std::string>{"first", "behind", "other"});
  w.db.transact([&](sqlite::transaction& tx) {
    tx.on().run("UPDATE gabion_outbox SET headers = ?", sqlite::blob{});
  });
  REQUIRE(w.store().redrive(letters[0].at));
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) ==
        std::vector<std::string>{"first", "broken", "behind", "other"});
}

TEST_CASE("a crash after the enqueue and before the commit leaves nothing", "[sqlite][outbox]") {
  const gabion_test::temporary_directory directory;
  sqlite::basic_database<crash_env> db{directory.file("outbox.db")};
  using store = sqlite::basic_outbox_store<system_clock, crash_env>;
  store::create_schema(db);
  store s{db};
  const auto put = [&] {
    db.transact([&](sqlite::transaction& tx) {
      const std::vector<message> batch{note("a")};
      s.enqueue(tx, batch);
    });
  };
  for (const char* at : {"outbox.enqueued", "sqlite.before_commit"}) {
    crash_env::at = at;
    CHECK_THROWS_WITH(put(), "power cut");
    CHECK(s.stats().pending == 0);
  }
  crash_env::at.clear();
  put();
  CHECK(s.stats().pending == 1);
}

TEST_CASE("a full disk refuses enqueue and settlement alike and loses nothing",
          "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  const lease held = own(w.store());
  const auto pages = [&](int n) {
    w.db.transact([&](sqlite::transaction& tx) {
      tx.on().execute(("PRAGMA max_page_count = " + std::to_string(n)).c_str());
    });
  };
  const auto put = [&](int n) {
    w.db.transact([&](sqlite::transaction& tx) {
      std::vector<message> batch;
      for (int i = 0; i < n; ++i) batch.push_back(note(""));
      w.store().enqueue(tx, batch);
    });
  };
  put(20);
  pages(1);  // no page more than there are
  CHECK(code_of([&] { put(1000); }) == errc::full);
  CHECK(w.store().stats().pending == 20);
  const auto records = w.store().fetch(0, beginning, 100);
  std::vector<settlement> done;
  for (const outbox_record& r : records)
    done.push_back(
        {.at = r.at, .as = disposition::dead, .attempts = 1, .reason = std::string(2000, 'r')});
  CHECK(code_of([&] { (void)w.store().settle(held, done, beginning); }) == errc::full);
  CHECK(w.store().stats().pending == 20);
  CHECK(w.store().dead_letters(beginning, 10).empty());
  pages(100'000);
  CHECK(w.store().settle(held, done, beginning) == settle_status::applied);
  CHECK(w.store().stats().dead == 20);
  put(1000);
  CHECK(w.store().stats().pending == 1000);
}

TEST_CASE("part of a batch never stays even if the caller catches the error and commits",
          "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  w.db.transact([&](sqlite::transaction& tx) {
    // The database itself refuses the second message: nothing that a look at the message could have
    // told.
    tx.on().execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON gabion_outbox WHEN NEW.event_id = 'b' BEGIN SELECT "
        "RAISE(FAIL, 'no'); END");
    const std::vector<message> batch{note("a"), note("b"), note("c")};
    CHECK_THROWS_AS(w.store().enqueue(tx, batch), error);
    const std::vector<message> good{note("d")};
    w.store().enqueue(tx, good);
  });
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) == std::vector<std::string>{"d"});
}

TEST_CASE("two databases on one file share the outbox", "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  sqlite::database other{w.db.path()};
  manual_store theirs{other, {}, w.clock};
  other.transact([&](sqlite::transaction& tx) {
    const std::vector<message> batch{note("a")};
    theirs.enqueue(tx, batch);
  });
  CHECK(ids_of(w.store().fetch(0, beginning, 10)) == std::vector<std::string>{"a"});
  const lease mine = own(w.store());
  CHECK_FALSE(theirs.acquire_lease("relay", "them", std::chrono::hours{1}));
  time.advance(std::chrono::hours{2});
  CHECK(theirs.acquire_lease("relay", "them", std::chrono::hours{1}));
  const std::vector<settlement> done{{.at = position{1}}};
  CHECK(w.store().settle(mine, done, beginning) == settle_status::fenced);
}

TEST_CASE("a store that another process holds is busy", "[sqlite][outbox]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("outbox.db"), {.busy_timeout = std::chrono::milliseconds{1}}};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store store{db};
  sqlite::connection other{db.path()};
  other.execute("BEGIN IMMEDIATE");
  CHECK(code_of([&] { (void)store.redrive(position{1}); }) == errc::busy);
  CHECK_NOTHROW(store.fetch(0, beginning, 10));
  other.execute("ROLLBACK");
  CHECK_NOTHROW(store.redrive(position{1}));
}

TEST_CASE("the outbox can be read by people", "[sqlite][outbox]") {
  testing::manual_time time;
  world w{time};
  const lease held = own(w.store());
  w.db.transact([&](sqlite::transaction& tx) {
    const std::vector<message> batch{note("a"), note("b")};
    w.store().enqueue(tx, batch);
  });
  const std::vector<settlement> done{{.at = position{1}}};
  REQUIRE(w.store().settle(held, done, beginning) == settle_status::applied);
  w.db.read([](sqlite::connection& on) {
    sqlite::rows r = on.query(
        "SELECT event_id, status, created_at, published_at, published FROM gabion_outbox_log ORDER "
        "BY id");
    REQUIRE(r.next());
    CHECK(r->text(1) == "published");
    CHECK(r->text(2) == "2026-01-01T00:00:00Z");
    CHECK(r->text(3) == "2026-01-01T00:00:00Z");
    CHECK(r->number(4) == 1);
    REQUIRE(r.next());
    CHECK(r->text(1) == "pending");
    CHECK(r->is_null(3));
    CHECK(r->number(4) == 0);
  });
}
