// SPDX-License-Identifier: MIT
// The outbox in SQLite against bare inserts of the same row, and shared commits against single
// ones. Files lie in the directory for temporary files (TMPDIR); its disk decides what
// synchronous=FULL costs.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

namespace {

using namespace gabion;

class temporary_directory {
 public:
  temporary_directory()
      : path_{(std::filesystem::temp_directory_path() / "gabion-bench-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"cannot make " + path_};
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file() const { return path_ + "/bench.db"; }

 private:
  std::string path_;
};

message order_placed() {
  return {.source = "/orders",
          .type = "order.placed",
          .subject = "order-123456",
          .content_type = "application/json",
          .data = std::string(200, 'x'),
          .topic = "orders"};
}

std::vector<message> batch_of(std::size_t n) { return std::vector<message>(n, order_placed()); }

sqlite::connection_options options_for(std::int64_t synchronous) {
  return {.synchronous = synchronous != 0 ? sqlite::durability::full : sqlite::durability::off};
}

/// The floor: the same columns and values in a table with one key, through one prepared statement.
void bare_insert(benchmark::State& state, const char* indexes) {
  const temporary_directory directory;
  sqlite::connection on{directory.file(), options_for(state.range(1))};
  on.execute(
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, source TEXT, "
      "event_type TEXT, subject TEXT,"
      " occurred_at INTEGER, content_type TEXT, data_schema TEXT, payload BLOB, headers BLOB, "
      "topic TEXT, lane INTEGER,"
      " state INTEGER DEFAULT 0, created_at INTEGER)");
  on.execute(indexes);
  sqlite::statement& insert = on.prepare(
      "INSERT INTO t (event_id, source, event_type, subject, occurred_at, content_type, "
      "data_schema, payload, headers, topic,"
      " lane, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const message m = order_placed();
  std::string id = "01890a5d-ac96-774b-bcce-b30000000000";
  std::uint64_t next = 0;
  for (auto _ : state) {
    on.execute("BEGIN IMMEDIATE");
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const std::string digits = std::to_string(++next);
      id.replace(id.size() - digits.size(), digits.size(), digits);
      insert.run(id, m.source, m.type, m.subject, next, m.content_type, m.schema,
                 sqlite::blob{*m.data}, sqlite::blob{}, m.topic, 0, next);
    }
    on.execute("COMMIT");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void sqlite_bare_insert(benchmark::State& state) { bare_insert(state, ""); }

/// The floor for an outbox that finds pending rows and repeated ids by index.
void sqlite_bare_insert_with_both_indexes(benchmark::State& state) {
  bare_insert(
      state,
      "CREATE UNIQUE INDEX u ON t (event_id); CREATE INDEX p ON t (lane, state) WHERE state = 0");
}

void sqlite_enqueue(benchmark::State& state) {
  const temporary_directory directory;
  sqlite::database db{directory.file(), options_for(state.range(1))};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store outbox{db};
  const std::vector<message> batch = batch_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    db.transact(
        [&](sqlite::transaction& tx) { benchmark::DoNotOptimize(outbox.enqueue(tx, batch)); });
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void per_transaction(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "full"});
  for (const int full : {0, 1})
    for (const int rows : {1, 10, 100}) b->Args({rows, full});
}

BENCHMARK(sqlite_bare_insert)->Apply(per_transaction);
BENCHMARK(sqlite_bare_insert_with_both_indexes)->Apply(per_transaction);
BENCHMARK(sqlite_enqueue)->Apply(per_transaction);

template <class Database, class Store>
void drain(benchmark::State& state, Database& db, Store& outbox) {
  constexpr std::size_t backlog = 10'000;
  const std::vector<message> batch = batch_of(backlog);
  const lease held = outbox.acquire_lease("relay", "me", std::chrono::hours{1}).value();
  std::vector<settlement> done;
  for (auto _ : state) {
    state.PauseTiming();
    db.transact([&](auto& tx) { return outbox.enqueue(tx, batch).size(); });
    state.ResumeTiming();
    for (position after = beginning;;) {
      const std::vector<outbox_record> records =
          outbox.fetch(0, after, static_cast<std::size_t>(state.range(0)));
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

void sqlite_fetch_and_settle(benchmark::State& state) {
  const temporary_directory directory;
  sqlite::database db{directory.file(), options_for(state.range(1))};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store outbox{db};
  drain(state, db, outbox);
}
BENCHMARK(sqlite_fetch_and_settle)
    ->ArgNames({"batch", "full"})
    ->Args({100, 1})
    ->Args({1000, 1})
    ->Args({1000, 0})
    ->UseRealTime();

void memory_fetch_and_settle(benchmark::State& state) {
  memory::database db;
  memory::outbox_store outbox{db};
  drain(state, db, outbox);
}
BENCHMARK(memory_fetch_and_settle)->ArgNames({"batch"})->Arg(1000)->UseRealTime();

/// stats() beside a backlog and a long history.
void sqlite_stats(benchmark::State& state) {
  const temporary_directory directory;
  sqlite::database db{directory.file(), options_for(0)};
  sqlite::outbox_store::create_schema(db);
  sqlite::outbox_store outbox{db};
  const std::vector<message> batch = batch_of(10'000);
  for (std::int64_t n = 0; n < state.range(0) + state.range(1); n += 10'000)
    db.transact([&](sqlite::transaction& tx) { outbox.enqueue(tx, batch); });
  db.transact([&](sqlite::transaction& tx) {
    tx.on().run("UPDATE gabion_outbox SET state = 1, published_at = id WHERE id > ?",
                state.range(0));
  });
  for (auto _ : state) benchmark::DoNotOptimize(outbox.stats());
}
BENCHMARK(sqlite_stats)
    ->ArgNames({"pending", "published"})
    ->Args({0, 0})
    ->Args({10'000, 0})
    ->Args({10'000, 100'000});

/// A command: one small row, durable when the call returns.
struct commands {
  temporary_directory directory{};
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

void set_up(const benchmark::State&) { shared = std::make_unique<commands>(); }
void tear_down(const benchmark::State&) { shared.reset(); }

template <class Transactor>
void run_commands(benchmark::State& state, Transactor& through) {
  const std::string body(200, 'x');
  for (auto _ : state)
    through.transact([&](sqlite::transaction& tx) {
      tx.on().run("INSERT INTO c (id, body) VALUES (?, ?)", shared->next.fetch_add(1),
                  sqlite::blob{body});
    });
  state.SetItemsProcessed(state.iterations());
}

void sqlite_single_commits(benchmark::State& state) { run_commands(state, shared->db); }
void sqlite_group_commits(benchmark::State& state) { run_commands(state, shared->writer); }

BENCHMARK(sqlite_single_commits)
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->Threads(1)
    ->Threads(8)
    ->Threads(32)
    ->UseRealTime();
BENCHMARK(sqlite_group_commits)
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->Threads(1)
    ->Threads(8)
    ->Threads(32)
    ->Threads(128)
    ->UseRealTime();

}  // namespace
