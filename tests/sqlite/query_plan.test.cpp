// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;
namespace outbox_sql = sqlite::detail::outbox_sql;
namespace inbox_sql = sqlite::detail::inbox_sql;

constexpr std::string_view hot_statements[] = {
    outbox_sql::insert,        outbox_sql::find_event,    outbox_sql::fetch,
    outbox_sql::set_published, outbox_sql::set_deferred,  outbox_sql::set_dead,
    outbox_sql::set_parked,    outbox_sql::join_redriven, outbox_sql::dead_letters,
    outbox_sql::find_dead,     outbox_sql::revive,        outbox_sql::next_dead,
    outbox_sql::unpark,        outbox_sql::purge,         outbox_sql::count_dead,
    outbox_sql::count_pending, outbox_sql::count_held,    outbox_sql::oldest_of_lane,
    inbox_sql::begin,          inbox_sql::note,           inbox_sql::entry,
    inbox_sql::purge,          inbox_sql::find_letter,    inbox_sql::keep,
    inbox_sql::set_status,     inbox_sql::of_key,         inbox_sql::any_of_key,
    inbox_sql::move_letters,   inbox_sql::move_entries,   inbox_sql::letters,
    inbox_sql::redriven,       inbox_sql::letter_at,      inbox_sql::remove,
    inbox_sql::finish_entry,
};

/// A scan is good only of an index that holds nothing but the rows asked for, and a sort never is.
bool acceptable(std::string_view step) {
  if (step.find("USE TEMP B-TREE") != step.npos) return false;
  if (!step.starts_with("SCAN")) return true;
  for (const char* partial : {"gabion_outbox_pending", "gabion_outbox_dead", "gabion_outbox_held"})
    if (step.find(std::string{"USING COVERING INDEX "} + partial) != step.npos) return true;
  return step.starts_with("SCAN CONSTANT ROW");
}

void check_plans(sqlite::connection& on) {
  for (const std::string_view sql : hot_statements) {
    std::size_t steps = 0;
    sqlite::rows plan = on.query("EXPLAIN QUERY PLAN " + std::string{sql});
    while (plan.next()) {
      const std::string step = plan->text(3);
      INFO(sql << "\n  " << step);
      CHECK(acceptable(step));
      // A bare look-up without any term of the index would be a scan in disguise.
      CHECK((step.find("SEARCH") == step.npos || step.find('(') != step.npos));
      ++steps;
    }
    const bool plain_insert = sql.starts_with("INSERT");
    CHECK((plain_insert || steps > 0));
  }
}

}  // namespace

TEST_CASE("the test of plans can tell a bad plan", "[sqlite][plan]") {
  CHECK_FALSE(acceptable("SCAN gabion_outbox"));
  CHECK_FALSE(acceptable("SCAN gabion_outbox USING INDEX sqlite_autoindex_gabion_outbox_1"));
  CHECK_FALSE(acceptable("USE TEMP B-TREE FOR ORDER BY"));
  CHECK(acceptable("SEARCH gabion_outbox USING INTEGER PRIMARY KEY (rowid=?)"));
}

TEST_CASE("every hot statement finds its rows by an index at any size", "[sqlite][plan]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("plan.db"), {.synchronous = sqlite::durability::off}};
  sqlite::outbox_store::create_schema(db);
  sqlite::inbox_store::create_schema(db);
  db.transact([](sqlite::transaction& tx) { check_plans(tx.on()); });

  SECTION("after statistics of empty tables") {
    db.transact([](sqlite::transaction& tx) {
      tx.on().execute("ANALYZE");
      check_plans(tx.on());
    });
  }
  SECTION("with many rows and statistics") {
    sqlite::outbox_store outbox{db};
    sqlite::inbox_store inbox{db};
    db.transact([&](sqlite::transaction& tx) {
      std::vector<message> batch;
      for (int i = 0; i < 3000; ++i)
        batch.push_back({.id = std::to_string(i),
                         .type = "t",
                         .subject = "key " + std::to_string(i % 7),
                         .data = "d"});
      outbox.enqueue(tx, batch);
      tx.on().execute("UPDATE gabion_outbox SET state = 1, published_at = id WHERE id <= 2000");
      tx.on().execute(
          "UPDATE gabion_outbox SET state = 2 + (id > 2010) WHERE id BETWEEN 2001 AND 2100");
      tx.on().execute("UPDATE gabion_outbox SET redriven = 1 WHERE id BETWEEN 2101 AND 2110");
      for (const message& m : batch) {
        (void)inbox.begin_message(tx, "consumer", m);
        if (std::stoi(m.id) % 10 == 0) inbox.keep_dead(tx, "consumer", m, 1, "r");
      }
      tx.on().execute("ANALYZE");
    });
    db.transact([](sqlite::transaction& tx) { check_plans(tx.on()); });
  }
}
