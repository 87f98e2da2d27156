// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/core/uuid_v7.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace gabion;
using benchmark::State;
using sqlite::durability;

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

constexpr std::size_t streams = 1000;
std::string stream_of(std::size_t n) { return "account-" + std::to_string(n % streams); }

/// The same rows into the same table, with nothing looked up.
template <std::size_t Batch, durability Synchronous>
void bare_insert(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = Synchronous}};
  sqlite::event_store::create_schema(db);
  message_source source;
  std::vector<std::int64_t> versions(streams, 0);
  std::size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(Batch);
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
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Batch));
}

template <std::size_t Batch, class Database, class Store>
void append_rounds(State& state, Database& db, Store& store) {
  message_source source;
  std::vector<std::uint64_t> versions(streams, 0);
  std::size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(Batch);
    state.ResumeTiming();
    std::uint64_t& version = versions[round % streams];
    const std::string stream = stream_of(round++);
    const append_result r = db.transact([&](auto& tx) {
      return store.append(tx, stream, expected_version::exact(version), events);
    });
    if (!r.ok()) state.SkipWithError("refused");
    version = r.version;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Batch));
}

template <std::size_t Batch, durability Synchronous>
void sqlite_append(State& state) {
  const bench::temporary_directory directory;
  sqlite::database db{directory.file(), {.synchronous = Synchronous}};
  sqlite::event_store::create_schema(db);
  sqlite::event_store store{db};
  append_rounds<Batch>(state, db, store);
}

template <std::size_t Batch>
void memory_append(State& state) {
  memory::database db;
  memory::event_store store{db};
  append_rounds<Batch>(state, db, store);
}

/// The same messages at the end of a vector.
template <std::size_t Batch>
void vector_insert(State& state) {
  message_source source;
  std::vector<message> log;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<message> events = source.next(Batch);
    state.ResumeTiming();
    log.insert(log.end(), events.begin(), events.end());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Batch));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  constexpr durability off = durability::off;
  constexpr durability full = durability::full;
  baseline("bare insert, 1 event per durable commit", bare_insert<1, full>)
      ->MinTime(0.3)
      ->UseRealTime();
  baseline("bare insert, 100 events per durable commit", bare_insert<100, full>)->UseRealTime();
  baseline("bare insert, 1 event, no sync", bare_insert<1, off>)->UseRealTime();
  baseline("bare insert, 10 events, no sync", bare_insert<10, off>)->UseRealTime();
  baseline("bare insert, 100 events, no sync", bare_insert<100, off>)->UseRealTime();
  baseline("insert of 100 messages into a vector", vector_insert<100>);
  row("SQLite: append, 1 event per durable commit", "bare insert, 1 event per durable commit",
      sqlite_append<1, full>)
      ->MinTime(0.3)
      ->UseRealTime();
  row("SQLite: append, 100 events per durable commit", "bare insert, 100 events per durable commit",
      sqlite_append<100, full>)
      ->UseRealTime();
  row("SQLite: append, 1 event, no sync", "bare insert, 1 event, no sync", sqlite_append<1, off>)
      ->UseRealTime();
  row("SQLite: append, 10 events, no sync", "bare insert, 10 events, no sync",
      sqlite_append<10, off>)
      ->UseRealTime();
  row("SQLite: append, 100 events, no sync", "bare insert, 100 events, no sync",
      sqlite_append<100, off>)
      ->UseRealTime();
  row("memory: append, 100 events", "insert of 100 messages into a vector", memory_append<100>);
  return true;
}();

}  // namespace
