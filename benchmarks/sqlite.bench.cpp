// SPDX-License-Identifier: MIT
// The outbox in SQLite beside bare inserts of the same row, and group commits beside single ones.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace gabion;
using benchmark::State;
using sqlite::durability;

message order_placed() {
  return {.source = "/orders",
          .type = "order.placed",
          .subject = "order-123456",
          .content_type = "application/json",
          .data = std::string(200, 'x'),
          .topic = "orders"};
}

std::vector<message> batch_of(std::size_t n) { return std::vector<message>(n, order_placed()); }

constexpr const char* no_index = "";
/// What an outbox needs to find pending rows and repeated ids.
constexpr const char* two_indexes =
    "CREATE UNIQUE INDEX u ON t (event_id); CREATE INDEX p ON t (lane, state) WHERE state = 0";

/// The same columns and values in a table of its own, through one prepared statement.
template <std::int64_t Rows, durability Synchronous>
void bare_insert(State& state, const char* indexes) {
  const bench::temporary_directory directory;
  sqlite::connection on{directory.file(), {.synchronous = Synchronous}};
  on.execute(
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, source TEXT, "
      "event_type TEXT, subject TEXT, occurred_at INTEGER, content_type TEXT, data_schema TEXT, "
      "payload BLOB, headers BLOB, topic TEXT, lane INTEGER, state INTEGER DEFAULT 0, "
      "created_at INTEGER)");
  on.execute(indexes);
  sqlite::statement& insert = on.prepare(
      "INSERT INTO t (event_id, source, event_type, subject, occurred_at, content_type, "
      "data_schema, payload, headers, topic, lane, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const message m = order_placed();
  std::string id = "01890a5d-ac96-774b-bcce-b30000000000";
  std::uint64_t next = 0;
  for (auto _ : state) {
    on.execute("BEGIN IMMEDIATE");
    for (std::int64_t i = 0; i < Rows; ++i) {
      const std::string digits = std::to_string(++next);
      id.replace(id.size() - digits.size(), digits.size(), digits);
      insert.run(id, m.source, m.type, m.subject, next, m.content_type, m.schema,
                 sqlite::blob{*m.data}, sqlite::blob{}, m.topic, 0, next);
    }
    on.execute("COMMIT");
  }
  state.SetItemsProcessed(state.iterations() * Rows);
}

template <std::int64_t Rows, durability Synchronous>
void enqueue(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = Synchronous}};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store outbox{db};
  const std::vector<message> batch = batch_of(static_cast<std::size_t>(Rows));
  for (auto _ : state)
    db.transact(
        [&](sqlite::transaction& tx) { benchmark::DoNotOptimize(outbox.enqueue(tx, batch)); });
  state.SetItemsProcessed(state.iterations() * Rows);
}

/// Fetches and settles everything pending, in batches.
template <class Database, class Store>
void drain(State& state, Database& db, Store& outbox, std::size_t at_once) {
  constexpr std::size_t backlog = 2'000;
  const std::vector<message> batch = batch_of(backlog);
  const lease held = outbox.acquire_lease("relay", "me", std::chrono::hours{1}).value();
  std::vector<settlement> done;
  for (auto _ : state) {
    state.PauseTiming();
    db.transact([&](auto& tx) { return outbox.enqueue(tx, batch).size(); });
    state.ResumeTiming();
    for (position after = beginning;;) {
      const std::vector<outbox_record> records = outbox.fetch(0, after, at_once);
      if (records.empty()) break;
      done.clear();
      for (const outbox_record& r : records) done.push_back({.at = r.at});
      after = records.back().at;
      if (outbox.settle(held, done, after) != settle_status::applied) state.SkipWithError("fenced");
    }
    state.PauseTiming();
    while (outbox.purge_published(wall_time::max(), backlog) == backlog) {}
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(backlog));
}

template <std::size_t AtOnce, durability Synchronous>
void sqlite_drain(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = Synchronous}};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store outbox{db};
  drain(state, db, outbox, AtOnce);
}

void memory_drain(State& state) {
  memory::database db;
  memory::outbox_store outbox{db};
  drain(state, db, outbox, 1000);
}

sqlite::outbox_store with_schema(sqlite::database& db) {
  sqlite::outbox_store::create_schema(db);
  return sqlite::outbox_store{db};
}

/// An outbox with a backlog and a history.
template <std::int64_t Pending, std::int64_t Published>
struct filled {
  bench::temporary_directory directory{};
  sqlite::database db{directory.file(), {.synchronous = durability::off}};
  sqlite::outbox_store outbox = with_schema(db);
  filled() {
    const std::vector<message> batch = batch_of(10'000);
    for (std::int64_t n = 0; n < Pending + Published; n += 10'000)
      db.transact([&](sqlite::transaction& tx) { outbox.enqueue(tx, batch); });
    db.transact([&](sqlite::transaction& tx) {
      tx.on().run("UPDATE gabion_outbox SET state = 1, published_at = id WHERE id > ?", Pending);
    });
  }
};

template <std::int64_t Pending, std::int64_t Published>
void stats(State& state) {
  filled<Pending, Published> with;
  for (auto _ : state) benchmark::DoNotOptimize(with.outbox.stats());
}

void bare_count(State& state) {
  filled<10'000, 0> with;
  sqlite::connection on{with.directory.file()};
  for (auto _ : state) {
    auto rows = on.query("SELECT count(*) FROM gabion_outbox WHERE state = 0");
    benchmark::DoNotOptimize(rows.next());
  }
}

/// A command: one small row, durable when the call returns.
struct commands {
  bench::temporary_directory directory{};
  sqlite::database db{directory.file()};
  sqlite::group_commit writer{db};
  std::atomic<std::int64_t> next{0};
  commands() {
    db.transact([](sqlite::transaction& tx) {
      tx.on().execute("CREATE TABLE c (id INTEGER PRIMARY KEY, body BLOB)");
    });
  }
};

std::unique_ptr<commands> shared;

template <class Transactor>
void run_commands(State& state, Transactor& through) {
  const std::string body(200, 'x');
  for (auto _ : state)
    through.transact([&](sqlite::transaction& tx) {
      tx.on().run("INSERT INTO c (id, body) VALUES (?, ?)", shared->next.fetch_add(1),
                  sqlite::blob{body});
    });
  state.SetItemsProcessed(state.iterations());
}

void single_commits(State& state) { run_commands(state, shared->db); }
void group_commits(State& state) { run_commands(state, shared->writer); }

/// Threads that share one database; the time is that between two commands of any thread.
void threads(benchmark::internal::Benchmark* b, int number) {
  b->Setup([](const State&) { shared = std::make_unique<commands>(); });
  b->Teardown([](const State&) { shared.reset(); });
  b->Threads(number)->MinTime(0.3)->UseRealTime();
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  constexpr durability off = durability::off;
  constexpr durability full = durability::full;
  baseline("bare insert, 1 row per durable commit",
           [](State& s) { bare_insert<1, full>(s, two_indexes); })
      ->MinTime(0.3)
      ->UseRealTime();
  baseline("bare insert, 100 rows per durable commit", [](State& s) {
    bare_insert<100, full>(s, two_indexes);
  })->UseRealTime();
  baseline("bare insert, 100 rows, no sync",
           [](State& s) { bare_insert<100, off>(s, two_indexes); });
  baseline("bare insert, 100 rows, no sync, no index",
           [](State& s) { bare_insert<100, off>(s, no_index); });
  baseline("count of 10,000 pending rows", bare_count)->Iterations(50);
  threads(baseline("single commits, 1 thread", single_commits), 1);
  threads(baseline("single commits, 8 threads", single_commits), 8);
  threads(baseline("single commits, 32 threads", single_commits), 32);

  row("enqueue, 1 row per durable commit", "bare insert, 1 row per durable commit",
      enqueue<1, full>)
      ->MinTime(0.3)
      ->UseRealTime();
  row("enqueue, 100 rows per durable commit", "bare insert, 100 rows per durable commit",
      enqueue<100, full>)
      ->UseRealTime();
  row("enqueue, 100 rows, no sync", "bare insert, 100 rows, no sync", enqueue<100, off>);
  row("enqueue, 100 rows, no sync, against no index", "bare insert, 100 rows, no sync, no index",
      enqueue<100, off>);
  threads(row("group commit, 1 thread", "single commits, 1 thread", group_commits), 1);
  threads(row("group commit, 8 threads", "single commits, 8 threads", group_commits), 8);
  threads(row("group commit, 32 threads", "single commits, 32 threads", group_commits), 32);
  threads(row("group commit, 128 threads", "single commits, 32 threads", group_commits), 128);
  row("fetch and settle, batches of 100, durable", "bare insert, 100 rows per durable commit",
      sqlite_drain<100, full>)
      ->UseRealTime();
  row("fetch and settle, batches of 1000, no sync", "bare insert, 100 rows, no sync",
      sqlite_drain<1000, off>)
      ->UseRealTime();
  row("fetch and settle in memory, batches of 1000", "bare insert, 100 rows, no sync", memory_drain)
      ->UseRealTime();
  row("`stats`, 10,000 pending", "count of 10,000 pending rows", stats<10'000, 0>)->Iterations(50);
  row("`stats`, 10,000 pending, 50,000 published", "count of 10,000 pending rows",
      stats<10'000, 50'000>)
      ->Iterations(50);
  return true;
}();

}  // namespace
