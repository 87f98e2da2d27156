// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/command_log.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"
#include "support/temporary_file.hpp"

// A store refuses a transaction of another database.

using namespace gabion_test::outbox_faults;

namespace {

const message some{.id = "1", .source = "/s", .type = "t", .subject = "k"};

/// Checks that `work(tx)` is refused in a transaction of `wrong`.
template <class Database, class Work>
void check_refused(Database& wrong, Work work) {
  std::error_code code;
  std::string text;
  wrong.transact([&](typename Database::transaction& tx) {
    try {
      work(tx);
    } catch (const error& e) {
      code = e.code();
      text = e.what();
    }
  });
  INFO(text);
  CHECK(code == errc::invalid_argument);
  CHECK(text.find("mine") != text.npos);
  CHECK(text.find("foreign") != text.npos);
}

template <class Store, class Database>
void check_outbox_refuses(Store& store, Database& wrong) {
  outbox box{store};
  check_refused(wrong, [&](auto& tx) { box.enqueue(tx, some); });
}

template <class Store, class Database>
void check_inbox_refuses(Store& inbox, Database& wrong) {
  check_refused(wrong, [&](auto& tx) { (void)inbox.begin_message(tx, "c", some); });
  check_refused(wrong, [&](auto& tx) { inbox.keep_dead(tx, "c", some, 1, "bad"); });
  check_refused(wrong, [&](auto& tx) { (void)inbox.keep_parked(tx, "c", some); });
  check_refused(wrong, [&](auto& tx) { (void)inbox.blocked(tx, "c", "k"); });
  check_refused(wrong, [&](auto& tx) { (void)inbox.still_redriven(tx, "c", position{1}); });
  check_refused(wrong, [&](auto& tx) { (void)inbox.finish_letter(tx, "c", position{1}); });
}

template <class Store, class Database>
void check_events_refuse(Store& events, Database& wrong) {
  check_refused(
      wrong, [&](auto& tx) { (void)events.append(tx, "s", expected_version::any(), {&some, 1}); });
  check_refused(wrong,
                [&](auto& tx) { (void)events.read(tx, "s", 1, 10, read_direction::forward); });
}

template <class Store, class Database>
void check_checkpoints_refuse(Store& store, Database& wrong) {
  const lease held{"p", "me", 1};
  check_refused(wrong, [&](auto& tx) { (void)store.read_checkpoint(tx, "p"); });
  check_refused(wrong, [&](auto& tx) {
    (void)store.move_checkpoint(tx, held, beginning, {.at = position{1}});
  });
  check_refused(wrong, [&](auto& tx) { store.keep_letter(tx, "p", {.at = position{1}}); });
  check_refused(wrong, [&](auto& tx) { (void)store.remove_letter(tx, "p", position{1}); });
  check_refused(wrong, [&](auto& tx) { (void)store.serving(tx, "p"); });
  check_refused(wrong, [&](auto& tx) { store.serve(tx, "p", 1); });
}

template <class Store, class Database>
void check_commands_refuse(Store& log, Database& wrong) {
  check_refused(wrong, [&](auto& tx) { (void)log.claim(tx, "tenant", "key"); });
  check_refused(wrong, [&](auto& tx) { log.complete(tx, "tenant", "key", {}); });
}

struct memory_pair {
  memory::database own{"mine"};
  memory::database wrong{"foreign"};
};

struct sqlite_pair {
  gabion_test::temporary_directory directory{};
  sqlite::database own{directory.file("mine.db"), {.synchronous = sqlite::durability::off}};
  sqlite::database wrong{directory.file("foreign.db"), {.synchronous = sqlite::durability::off}};

  template <class Store>
  Store make() {
    Store::create_schema(own);
    Store::create_schema(wrong);
    return Store{own};
  }
};

}  // namespace

TEST_CASE("M12: the outbox in memory refuses a transaction of another database", "[fault]") {
  memory_pair p;
  memory::outbox_store store{p.own};
  check_outbox_refuses(store, p.wrong);
}

TEST_CASE("M12a: the SQLite outbox refuses a transaction of another database", "[fault]") {
  sqlite_pair p;
  sqlite::outbox_store::create_schema(p.own);
  sqlite::outbox_store::create_schema(p.wrong);
  sqlite::outbox_store store{p.own};
  check_outbox_refuses(store, p.wrong);
  CHECK(sqlite::outbox_store{p.wrong}.fetch(0, beginning, 10).empty());
}

TEST_CASE("M12b: the inbox in memory refuses a transaction of another database", "[fault]") {
  memory_pair p;
  memory::inbox_store store{p.own};
  check_inbox_refuses(store, p.wrong);
}

TEST_CASE("M12c: the SQLite inbox refuses a transaction of another database", "[fault]") {
  sqlite_pair p;
  auto store = p.make<sqlite::inbox_store>();
  check_inbox_refuses(store, p.wrong);
}

TEST_CASE("M12d: the event store in memory refuses a transaction of another database", "[fault]") {
  memory_pair p;
  memory::event_store store{p.own};
  check_events_refuse(store, p.wrong);
}

TEST_CASE("M12e: the SQLite event store refuses a transaction of another database", "[fault]") {
  sqlite_pair p;
  sqlite::event_store::create_schema(p.own);
  sqlite::event_store::create_schema(p.wrong);
  sqlite::event_store store{p.own};
  check_events_refuse(store, p.wrong);
}

TEST_CASE("M12f: the checkpoint store in memory refuses a transaction of another database",
          "[fault]") {
  memory_pair p;
  memory::checkpoint_store store{p.own};
  check_checkpoints_refuse(store, p.wrong);
}

TEST_CASE("M12g: the SQLite checkpoint store refuses a transaction of another database",
          "[fault]") {
  sqlite_pair p;
  auto store = p.make<sqlite::checkpoint_store>();
  check_checkpoints_refuse(store, p.wrong);
}

TEST_CASE("M12h: the command log in memory refuses a transaction of another database", "[fault]") {
  memory_pair p;
  memory::command_log store{p.own};
  check_commands_refuse(store, p.wrong);
}

TEST_CASE("M12i: the SQLite command log refuses a transaction of another database", "[fault]") {
  sqlite_pair p;
  auto store = p.make<sqlite::command_log>();
  check_commands_refuse(store, p.wrong);
}

TEST_CASE("M12j: a table in memory refuses a transaction of another database", "[fault]") {
  memory_pair p;
  memory::table<int, int> table{p.own};
  p.own.transact([&](auto& tx) { table.put(tx, 1, 1); });
  check_refused(p.wrong, [&](auto& tx) { table.put(tx, 1, 2); });
  check_refused(p.wrong, [&](auto& tx) { (void)table.erase(tx, 1); });
  check_refused(p.wrong, [&](auto& tx) { (void)table.erase(tx, 9); });
  check_refused(p.wrong, [&](auto& tx) { table.clear(tx); });
  check_refused(p.wrong, [&](auto& tx) { (void)table.rows(tx); });
  CHECK(table.find(1) == 1);
}

TEST_CASE("M12k: a connection of the caller to another file is refused", "[fault]") {
  sqlite_pair p;
  sqlite::outbox_store::create_schema(p.own);
  sqlite::outbox_store::create_schema(p.wrong);
  sqlite::outbox_store store{p.own};
  sqlite::connection mine{p.directory.file("foreign.db")};
  mine.execute("BEGIN IMMEDIATE");
  sqlite::transaction tx{mine};
  std::error_code code;
  try {
    store.enqueue(tx, {&some, 1});
  } catch (const error& e) {
    code = e.code();
  }
  mine.execute("ROLLBACK");
  CHECK(code == errc::invalid_argument);
}

TEST_CASE("a connection of the caller and a group commit to the own file are taken", "[outbox]") {
  sqlite_pair p;
  sqlite::outbox_store::create_schema(p.own);
  sqlite::outbox_store store{p.own};
  outbox box{store};
  {
    sqlite::connection mine{p.directory.file("./mine.db")};
    mine.execute("BEGIN IMMEDIATE");
    sqlite::transaction tx{mine};
    box.enqueue(tx, {.id = "1", .type = "t"});
    mine.execute("COMMIT");
  }
  sqlite::group_commit writer{p.own};
  writer.transact([&](sqlite::transaction& tx) { box.enqueue(tx, {.id = "2", .type = "t"}); });
  CHECK(store.fetch(0, beginning, 10).size() == 2);
}
