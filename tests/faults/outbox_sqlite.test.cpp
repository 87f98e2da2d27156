// SPDX-License-Identifier: MIT
#include <filesystem>
#include <optional>

#include <sqlite3.h>

#include <gabion/adapters/sqlite/broker.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/command_log.hpp>
#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary_file.hpp"

using namespace gabion_test::outbox_faults;

namespace {

struct sqlite_fixture {
  gabion_test::temporary_directory directory{};
  std::string path{directory.file("store.db")};
  sqlite::database db{path, {.synchronous = sqlite::durability::off}};

  void execute(const char* sql) {
    db.transact([&](sqlite::transaction& tx) { tx.on().execute(sql); });
  }

  /// How many transactions `work()` commits on the writing connection.
  template <class Work>
  int commits_of(Work work) {
    int commits = 0;
    const auto hook = [&](int (*count)(void*)) {
      db.transact(
          [&](sqlite::transaction& tx) { sqlite3_commit_hook(tx.on().native(), count, &commits); });
    };
    hook([](void* n) { return ++*static_cast<int*>(n), 0; });
    const int before = commits;
    work();
    const int after = commits;
    hook(nullptr);
    return after - before;
  }
};

struct outbox_in_sqlite : sqlite_fixture {
  explicit outbox_in_sqlite(std::uint32_t lanes = 1) {
    sqlite::outbox_store::create_schema(db, {.lanes = lanes});
    store.emplace(db);
  }
  void put(int count) {
    outbox box{*store};
    db.transact([&](sqlite::transaction& tx) {
      for (int i = 0; i < count; ++i)
        box.enqueue(tx, {.type = "t", .subject = "k" + std::to_string(i)});
    });
  }
  std::optional<sqlite::outbox_store> store{};
};

}  // namespace

TEST_CASE("M11h: the SQLite stores refuse a connection without a transaction",
          "[fault][!shouldfail]") {
  // Each of these writes would commit by itself.
  sqlite_fixture f;
  sqlite::checkpoint_store::create_schema(f.db);
  sqlite::command_log::create_schema(f.db);
  sqlite::checkpoint_store checkpoints{f.db};
  sqlite::command_log commands{f.db};
  sqlite::connection idle{f.path};
  sqlite::transaction none{idle};
  const auto refused = [](auto work) {
    try {
      work();
    } catch (const error& e) {
      return e.code() == errc::invalid_argument;
    }
    return false;
  };
  CHECK(refused([&] { checkpoints.keep_letter(none, "p", {.at = position{1}}); }));
  CHECK(refused([&] { (void)checkpoints.remove_letter(none, "p", position{1}); }));
  CHECK(refused([&] { checkpoints.serve(none, "p", 1); }));
  CHECK(refused([&] { commands.complete(none, "tenant", "key", {}); }));
}

TEST_CASE("M15: a damaged row of the SQLite broker does not stop its partition",
          "[fault][!shouldfail]") {
  sqlite_fixture f;
  sqlite::create_schema(f.db, sqlite::broker_schema);
  sqlite::broker broker{{.partitions = 1}, f.db};
  auto out = broker.make_transport();
  for (int i = 0; i < 5; ++i) {
    const message m{.id = std::to_string(i),
                    .source = "/s",
                    .type = "t",
                    .subject = "k" + std::to_string(i),
                    .topic = "orders"};
    const outgoing o{.at = position{1}, .what = &m};
    (void)out.submit({&o, 1});
  }
  f.execute("UPDATE gabion_broker_message SET headers = x'ff' WHERE offset = 3");
  inbox_fixture other;
  auto in = broker.subscribe("g", {"orders"});
  auto consumer = make_consumer(
      in, other.inbox, other.db, [](memory::database::transaction&, const message&) {}, other.time);
  run_for(consumer, other.time, 10s);
  CHECK(consumer.handled() == 4);
  CHECK(other.inbox.letters("c", beginning, 10).size() == 1);
}

TEST_CASE("M19: damaged rows of the outbox are buried in one transaction", "[fault][!shouldfail]") {
  outbox_in_sqlite f;
  f.put(40);
  f.execute("UPDATE gabion_outbox SET headers = x'01ff' WHERE id % 2 = 0");
  std::size_t found = 0;
  CHECK(f.commits_of([&] { found = f.store->fetch(0, beginning, 100).size(); }) <= 2);
  CHECK(found == 20);
  CHECK(f.store->stats().dead == 20);
}

TEST_CASE("M19a: damaged letters of the inbox are buried in one transaction",
          "[fault][!shouldfail]") {
  sqlite_fixture f;
  sqlite::inbox_store::create_schema(f.db);
  sqlite::inbox_store inbox{f.db};
  f.db.transact([&](sqlite::transaction& tx) {
    for (int i = 0; i < 40; ++i)
      inbox.keep_dead(tx, "c", {.id = std::to_string(i), .source = "/s", .type = "t"}, 1, "no");
  });
  for (const inbox_letter& l : inbox.letters("c", beginning, 100)) (void)inbox.redrive("c", l.at);
  f.execute("UPDATE gabion_inbox_letter SET headers = x'01ff' WHERE id % 2 = 0");
  std::size_t found = 0;
  CHECK(f.commits_of([&] { found = inbox.redriven("c", beginning, 100).size(); }) <= 2);
  CHECK(found == 20);
}

TEST_CASE("M19b: a row of a newer format stays pending", "[fault][!shouldfail]") {
  outbox_in_sqlite f;
  f.put(2);
  f.execute("UPDATE gabion_outbox SET headers = x'02' WHERE id = 1");
  CHECK(f.store->fetch(0, beginning, 10).size() == 1);
  CHECK(f.store->stats().dead == 0);
  CHECK(f.store->stats().pending == 2);
}

TEST_CASE("M20: the figures of an outbox are given per lane", "[fault][!shouldfail]") {
  // The name of the member is to be chosen when it is made.
  CHECK([](auto stats) { return requires { stats.lanes; }; }(outbox_stats{}));
}

TEST_CASE("M20a: a pending row in an impossible lane shows in the age of the oldest",
          "[fault][!shouldfail]") {
  outbox_in_sqlite f;
  f.put(1);
  f.execute("UPDATE gabion_outbox SET lane = 9");
  const outbox_stats stats = f.store->stats();
  CHECK(stats.pending == 1);
  CHECK(stats.oldest_pending.has_value());
}

TEST_CASE("M20b: a row in an impossible state is refused or counted", "[fault][!shouldfail]") {
  outbox_in_sqlite f;
  f.put(1);
  bool refused = false;
  try {
    f.execute("UPDATE gabion_outbox SET state = -1");
  } catch (const error&) {
    refused = true;
  }
  const outbox_stats stats = f.store->stats();
  CHECK((refused || stats.pending + stats.dead + stats.parked == 1));
}

TEST_CASE("M20c: an impossible number of lanes is refused", "[fault][!shouldfail]") {
  // 0 lanes divide by zero at the first enqueue; -1 would be 4,294,967,295 lanes.
  gabion_test::temporary_directory directory;  // the parent removes it, also if the child crashes
  const auto refused = [&](int lanes) {
    return gabion_test::ends_well([&] {
      sqlite::database db{directory.file(std::to_string(lanes))};
      sqlite::outbox_store::create_schema(db);
      db.transact([&](sqlite::transaction& tx) {
        tx.on().run("UPDATE gabion_outbox_lanes SET lanes = ?", lanes);
      });
      try {
        sqlite::outbox_store store{db};
        outbox box{store};
        db.transact([&](sqlite::transaction& tx) { box.enqueue(tx, {.type = "t"}); });
      } catch (const error& e) {
        if (e.code() == errc::corrupt) return;
      }
      ::_exit(1);
    });
  };
  CHECK(refused(0));
  CHECK(refused(-1));
}

TEST_CASE("M21a: the statement cache of a connection is bounded", "[fault][!shouldfail]") {
  sqlite_fixture f;
  int kept = 0;
  f.db.transact([&](sqlite::transaction& tx) {
    for (int i = 0; i < 3000; ++i) (void)tx.on().prepare("SELECT " + std::to_string(i));
    for (sqlite3_stmt* s = nullptr; (s = sqlite3_next_stmt(tx.on().native(), s)) != nullptr;)
      ++kept;
  });
  CHECK(kept <= 1000);
}

TEST_CASE("M21b: the WAL file shrinks after a large transaction", "[fault][!shouldfail]") {
  sqlite_fixture f;
  f.execute("CREATE TABLE t (x BLOB)");
  f.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
      "INSERT INTO t SELECT zeroblob(1048576) FROM n");
  for (int i = 0; i < 8; ++i) f.execute("INSERT INTO t VALUES (1)");
  CHECK(std::filesystem::file_size(f.path + "-wal") <= 16U * 1024U * 1024U);
}
