// SPDX-License-Identifier: MIT
// Rebuilding a read model from a log of 20,000 events.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/cqrs/projector.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace gabion;
using benchmark::State;

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

/// New messages.
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

constexpr std::size_t log_size = 20'000;
constexpr std::size_t streams = 1000;
std::string stream_of(std::size_t n) { return "account-" + std::to_string(n % streams); }

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
void loop_over_messages(State& state) {
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
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(log_size));
}

template <class Projector>
void rebuild_rounds(State& state, Projector& projector) {
  projector.run_once();
  for (auto _ : state) {
    projector.rebuild();
    if (projector.run_once() != log_size) state.SkipWithError("not the whole log");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(log_size));
}

template <std::size_t Batch>
void memory_rebuild(State& state) {
  memory::database db;
  memory::event_store store{db};
  memory::checkpoint_store checkpoints{db};
  fill(db, store);
  memory_totals totals{db};
  projector p{totals, db, store, checkpoints, number_codec{}, {.batch = Batch}};
  rebuild_rounds(state, p);
}

template <std::size_t Batch>
void sqlite_read_all(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = sqlite::durability::off}};
  sqlite::event_store::create_schema(db);
  sqlite::event_store store{db};
  fill(db, store);
  for (auto _ : state)
    for (position at = beginning; to_number(at) < log_size;) {
      const auto events = store.read_all(at, Batch, read_direction::forward);
      at = events.back().at;
    }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(log_size));
}

template <std::size_t Batch>
void sqlite_rebuild(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = sqlite::durability::off}};
  sqlite::event_store::create_schema(db);
  sqlite::checkpoint_store::create_schema(db);
  db.transact([](sqlite::transaction& tx) {
    tx.on().execute("CREATE TABLE totals (id INTEGER PRIMARY KEY, amount INTEGER)");
  });
  sqlite::event_store store{db};
  sqlite::checkpoint_store checkpoints{db};
  fill(db, store);
  sqlite_totals totals;
  projector p{totals, db, store, checkpoints, number_codec{}, {.batch = Batch}};
  rebuild_rounds(state, p);
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("a loop that calls the handler", loop_over_messages);
  baseline("SQLite: read the log, pages of 512", sqlite_read_all<512>)->UseRealTime();
  row("memory: rebuild, batches of 64", "a loop that calls the handler", memory_rebuild<64>);
  row("memory: rebuild, batches of 512", "a loop that calls the handler", memory_rebuild<512>);
  row("memory: rebuild, batches of 4096", "a loop that calls the handler", memory_rebuild<4096>);
  row("SQLite: rebuild, batches of 512", "SQLite: read the log, pages of 512", sqlite_rebuild<512>)
      ->UseRealTime();
  return true;
}();

}  // namespace
