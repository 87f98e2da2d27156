// SPDX-License-Identifier: MIT
// What appending and projecting cost, beside bare inserts of the same row and a plain loop. Compare
// ratios within one run.
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/cqrs/aggregate_store.hpp>
#include <gabion/cqrs/projector.hpp>

namespace {

using namespace gabion;

struct deposited {
  static constexpr std::string_view wire_name = "account.deposited";
  std::int64_t amount = 0;
};

struct number_codec {
  [[nodiscard]] static constexpr std::string_view content_type() noexcept { return "text/plain"; }
  template <class T>
  [[nodiscard]] std::string encode(const T& value) const {
    return std::to_string(value.amount);
  }
  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    T value{};
    std::from_chars(bytes.data(), bytes.data() + bytes.size(), value.amount);
    return value;
  }
};

/// Messages with a payload of about 60 bytes, as many as asked for, none of which was ever used
/// before.
class message_source {
 public:
  std::vector<message> next(std::size_t count) {
    std::vector<message> all(count);
    for (message& m : all)
      m = {.id = to_string(new_id_()),
           .source = "/bench",
           .type = "account.deposited",
           .subject = "account-7",
           .time = system_clock::now(),
           .content_type = "application/json",
           .data = R"({"amount":1234,"currency":"EUR","reference":"order 12345"})"};
    return all;
  }

 private:
  uuid_v7_generator new_id_{};
};

/// A database file that goes away with it.
class scratch_file {
 public:
  scratch_file()
      : path_{std::filesystem::temp_directory_path() /
              ("gabion-bench-" + to_string(uuid_v7_generator{}()))} {
    std::filesystem::create_directory(path_);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string name() const { return (path_ / "events.db").string(); }

 private:
  std::filesystem::path path_;
};

constexpr std::size_t streams = 1000;
std::string stream_of(std::size_t n) { return "account-" + std::to_string(n % streams); }

void count_events(benchmark::State& state, std::int64_t per_round) {
  state.SetItemsProcessed(state.iterations() * per_round);
}

sqlite::durability durability_of(const benchmark::State& state) {
  return state.range(1) != 0 ? sqlite::durability::full : sqlite::durability::off;
}

// Floor: the same row into the same kind of table, with nothing looked up.

void floor_sqlite_insert(benchmark::State& state) {
  const scratch_file file;
  sqlite::database db{file.name(), {.synchronous = durability_of(state)}};
  sqlite::event_store::create_schema(db);
  message_source source;
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<std::int64_t> versions(streams, 0);
  std::size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(batch);
    state.ResumeTiming();
    db.transact([&](sqlite::transaction& tx) {
      const std::string stream = stream_of(round);
      for (const message& m : events)
        tx.on().run(
            "INSERT INTO gabion_event (stream, version, recorded_at, event_id, source, event_type, "
            "subject, occurred_at, "
            "content_type,"
            " data_schema, payload, headers, topic) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            stream, ++versions[round % streams], m.time, m.id, m.source, m.type, m.subject, m.time,
            m.content_type, m.schema, sqlite::blob{*m.data}, sqlite::blob{""}, m.topic);
    });
    ++round;
  }
  count_events(state, state.range(0));
}

template <class Database, class Store>
void append_rounds(benchmark::State& state, Database& db, Store& store) {
  message_source source;
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint64_t> versions(streams, 0);
  std::size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(batch);
    state.ResumeTiming();
    std::uint64_t& version = versions[round % streams];
    const std::string stream = stream_of(round++);
    const append_result r = db.transact([&](auto& tx) {
      return store.append(tx, stream, expected_version::exact(version), events);
    });
    if (!r.ok()) state.SkipWithError("refused");
    version = r.version;
  }
  count_events(state, state.range(0));
}

void sqlite_append(benchmark::State& state) {
  const scratch_file file;
  sqlite::database db{file.name(), {.synchronous = durability_of(state)}};
  sqlite::event_store::create_schema(db);
  sqlite::event_store store{db};
  append_rounds(state, db, store);
}

void memory_append(benchmark::State& state) {
  memory::database db;
  memory::event_store store{db};
  append_rounds(state, db, store);
}

void floor_vector_of_messages(benchmark::State& state) {
  message_source source;
  std::vector<message> log;
  const auto batch = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(batch);
    state.ResumeTiming();
    log.insert(log.end(), events.begin(), events.end());
  }
  count_events(state, state.range(0));
}

// Rebuilding a read model.

constexpr std::size_t log_size = 100'000;

std::vector<message> deposits(std::size_t count) {
  std::vector<message> all = message_source{}.next(count);
  for (std::size_t i = 0; i < count; ++i) all[i].data = std::to_string(i % 100);
  return all;
}

template <class Database, class Store>
void fill(Database& db, Store& store) {
  const std::vector<message> all = deposits(log_size);
  for (std::size_t i = 0; i < log_size; i += 1000)
    db.transact([&](auto& tx) {
      return store.append(tx, stream_of(i / 1000), expected_version::any(),
                          std::span{all}.subspan(i, 1000));
    });
}

struct memory_totals {
  static constexpr std::string_view name = "totals";
  static constexpr std::uint32_t version = 1;
  using event_list = events<deposited>;
  explicit memory_totals(memory::database& in) : rows{in} {}
  void apply(memory::database::transaction& tx, const deposited& e, const projected_event& about) {
    rows.change(tx, to_number(about.record.at) % 1000, [&](std::int64_t& sum) { sum += e.amount; });
  }
  void reset(memory::database::transaction& tx) { rows.clear(tx); }
  memory::table<std::uint64_t, std::int64_t> rows;
};

struct sqlite_totals {
  static constexpr std::string_view name = "totals";
  static constexpr std::uint32_t version = 1;
  using event_list = events<deposited>;
  void apply(sqlite::transaction& tx, const deposited& e, const projected_event& about) {
    tx.on().run(
        "INSERT INTO totals (id, amount) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET amount = "
        "amount + excluded.amount",
        to_number(about.record.at) % 1000, e.amount);
  }
  void reset(sqlite::transaction& tx) { tx.on().run("DELETE FROM totals"); }
};

/// Calls the handler for each message of a vector: what is left when there is no store, no
/// checkpoint and no transaction.
void floor_loop_over_messages(benchmark::State& state) {
  const std::vector<message> all = deposits(log_size);
  memory::database db;
  memory_totals totals{db};
  for (auto _ : state)
    db.transact([&](memory::database::transaction& tx) {
      recorded_event event;
      std::uint64_t at = 0;
      for (const message& m : all) {
        event.at = position{++at};
        totals.apply(tx, number_codec{}.decode<deposited>(*m.data), projected_event{event});
      }
    });
  count_events(state, log_size);
}

template <class Projector>
void rebuild_rounds(benchmark::State& state, Projector& projector) {
  projector.run_once();
  for (auto _ : state) {
    projector.rebuild();
    if (projector.run_once() != log_size) state.SkipWithError("not the whole log");
  }
  count_events(state, log_size);
}

void memory_rebuild(benchmark::State& state) {
  memory::database db;
  memory::event_store store{db};
  memory::checkpoint_store checkpoints{db};
  fill(db, store);
  memory_totals totals{db};
  projector p{totals,         db,
              store,          checkpoints,
              number_codec{}, {.batch = static_cast<std::size_t>(state.range(0))}};
  rebuild_rounds(state, p);
}

void floor_sqlite_read_all(benchmark::State& state) {
  const scratch_file file;
  sqlite::database db{file.name(), {.synchronous = sqlite::durability::off}};
  sqlite::event_store::create_schema(db);
  sqlite::event_store store{db};
  fill(db, store);
  for (auto _ : state)
    for (position at = beginning; to_number(at) < log_size;) {
      const auto events =
          store.read_all(at, static_cast<std::size_t>(state.range(0)), read_direction::forward);
      at = events.back().at;
    }
  count_events(state, log_size);
}

void sqlite_rebuild(benchmark::State& state) {
  const scratch_file file;
  sqlite::database db{file.name(), {.synchronous = sqlite::durability::off}};
  sqlite::event_store::create_schema(db);
  sqlite::checkpoint_store::create_schema(db);
  db.transact([](sqlite::transaction& tx) {
    tx.on().execute("CREATE TABLE totals (id INTEGER PRIMARY KEY, amount INTEGER)");
  });
  sqlite::event_store store{db};
  sqlite::checkpoint_store checkpoints{db};
  fill(db, store);
  sqlite_totals totals;
  projector p{totals,         db,
              store,          checkpoints,
              number_codec{}, {.batch = static_cast<std::size_t>(state.range(0))}};
  rebuild_rounds(state, p);
}

}  // namespace

BENCHMARK(floor_vector_of_messages)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(memory_append)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(floor_sqlite_insert)
    ->ArgsProduct({{1, 10, 100}, {0, 1}})
    ->ArgNames({"events", "full"})
    ->UseRealTime();
BENCHMARK(sqlite_append)
    ->ArgsProduct({{1, 10, 100}, {0, 1}})
    ->ArgNames({"events", "full"})
    ->UseRealTime();
BENCHMARK(floor_loop_over_messages)->Unit(benchmark::kMillisecond);
BENCHMARK(memory_rebuild)->Arg(64)->Arg(512)->Arg(4096)->Unit(benchmark::kMillisecond);
BENCHMARK(floor_sqlite_read_all)->Arg(512)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(sqlite_rebuild)->Arg(512)->Unit(benchmark::kMillisecond)->UseRealTime();
