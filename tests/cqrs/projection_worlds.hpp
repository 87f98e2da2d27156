// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "cqrs/account.hpp"
#include "support/temporary_file.hpp"

namespace gabion_test {

using namespace gabion;
using time_type = testing::manual_time;

/// Failpoints that a test can do something at. The hook is empty unless a test sets it.
struct hooked_env : native_env {
  static inline std::function<void(std::string_view)> hook{};
  static void failpoint(const char* name) {
    if (hook) hook(name);
  }
};

/// Sets the hook for as long as it lives.
class at_failpoint {
 public:
  explicit at_failpoint(std::function<void(std::string_view)> f) {
    hooked_env::hook = std::move(f);
  }
  at_failpoint(const at_failpoint&) = delete;
  at_failpoint& operator=(const at_failpoint&) = delete;
  ~at_failpoint() { hooked_env::hook = nullptr; }
};

/// The read model of the tests in memory: one balance, and how often each position was applied.
class memory_model {
 public:
  using database_type = memory::basic_database<hooked_env>;
  using transaction = database_type::transaction;
  explicit memory_model(database_type& in) : balance_{in}, applied_{in} {}
  void add(transaction& tx, std::int64_t amount, std::uint64_t at) {
    balance_.change(tx, 0, [&](std::int64_t& b) { b += amount; });
    applied_.change(tx, at, [](int& times) { ++times; });
  }
  void clear(transaction& tx) {
    balance_.clear(tx);
    applied_.clear(tx);
  }
  [[nodiscard]] std::int64_t balance() const { return balance_.find(0).value_or(0); }
  [[nodiscard]] std::map<std::uint64_t, int> applied() const {
    return applied_.read(
        [](const auto& rows) { return std::map<std::uint64_t, int>{rows.begin(), rows.end()}; });
  }

 private:
  memory::basic_table<int, std::int64_t, hooked_env> balance_;
  memory::basic_table<std::uint64_t, int, hooked_env> applied_;
};

/// The same in a SQLite table of the given name.
class sqlite_model {
 public:
  using database_type = sqlite::basic_database<hooked_env>;
  using transaction = sqlite::transaction;
  explicit sqlite_model(database_type& in, std::string table = "model")
      : database_{&in}, table_{std::move(table)} {
    in.transact([&](transaction& tx) {
      tx.on().execute(("CREATE TABLE IF NOT EXISTS " + table_ +
                       " (at INTEGER PRIMARY KEY, amount INTEGER, times INTEGER)")
                          .c_str());
    });
  }
  void add(transaction& tx, std::int64_t amount, std::uint64_t at) {
    tx.on().run("INSERT INTO " + table_ +
                    " VALUES (?, ?, 1) ON CONFLICT (at) DO UPDATE SET times = times + 1",
                at, amount);
  }
  void clear(transaction& tx) { tx.on().run("DELETE FROM " + table_); }
  [[nodiscard]] std::int64_t balance() const {
    return database_->read([&](sqlite::connection& on) {
      sqlite::rows r = on.query("SELECT sum(amount * times) FROM " + table_);
      r.next();
      return r->number(0);
    });
  }
  [[nodiscard]] std::map<std::uint64_t, int> applied() const {
    return database_->read([&](sqlite::connection& on) {
      std::map<std::uint64_t, int> all;
      sqlite::rows r = on.query("SELECT at, times FROM " + table_);
      while (r.next())
        all[static_cast<std::uint64_t>(r->number(0))] = static_cast<int>(r->number(1));
      return all;
    });
  }

 private:
  database_type* database_;
  std::string table_;
};

/// A store of events and checkpoints in memory, with what is needed to build read models in it.
class memory_log {
 public:
  using model_type = memory_model;
  using database_type = memory_model::database_type;
  using events_type = memory::basic_event_store<testing::manual_wall_clock, hooked_env>;
  using checkpoints_type = memory::basic_checkpoint_store<testing::manual_wall_clock, hooked_env>;
  explicit memory_log(time_type& t) : events{database, t.wall()}, checkpoints{database, t.wall()} {}
  database_type database{};
  events_type events;
  checkpoints_type checkpoints;
};

/// The same in a SQLite file.
class sqlite_log {
 public:
  using model_type = sqlite_model;
  using database_type = sqlite_model::database_type;
  using events_type = sqlite::basic_event_store<testing::manual_wall_clock, hooked_env>;
  using checkpoints_type = sqlite::basic_checkpoint_store<testing::manual_wall_clock, hooked_env>;
  explicit sqlite_log(time_type& t)
      : events{made(database), t.wall()}, checkpoints{database, t.wall()} {}

 private:
  static database_type& made(database_type& in) {
    events_type::create_schema(in);
    checkpoints_type::create_schema(in);
    return in;
  }
  temporary_directory directory_{};

 public:
  database_type database{directory_.file("log.db"), {.synchronous = sqlite::durability::off}};
  events_type events;
  checkpoints_type checkpoints;
};

/// Adds up all accounts. Fails where a test wants it to.
template <class Log, std::uint32_t Version = 1>
class ledger {
 public:
  static constexpr std::string_view name = "ledger";
  static constexpr std::uint32_t version = Version;
  using event_list = account::event_list;
  using model_type = typename Log::model_type;
  using transaction = typename Log::database_type::transaction;

  explicit ledger(model_type& into) : model_{&into} {}

  void apply(transaction& tx, const opened& e, const projected_event& about) {
    take(tx, e.amount, about);
  }
  void apply(transaction& tx, const deposited& e, const projected_event& about) {
    take(tx, e.amount, about);
  }
  void apply(transaction& tx, const withdrawn& e, const projected_event& about) {
    take(tx, -e.amount, about);
  }
  void reset(transaction& tx) { model_->clear(tx); }

  std::set<std::uint64_t> poison{};    ///< positions that it throws at, after it has written
  std::vector<std::uint64_t> calls{};  ///< positions it was called for, rolled back ones included
  std::set<std::uint64_t> replayed{};  ///< positions that came with the replaying flag

 private:
  void take(transaction& tx, std::int64_t amount, const projected_event& about) {
    const std::uint64_t at = to_number(about.record.at);
    calls.push_back(at);
    if (about.replaying) replayed.insert(at);
    model_->add(tx, amount, at);
    if (poison.contains(at)) throw std::runtime_error{"cannot apply " + std::to_string(at)};
  }
  model_type* model_;
};

template <class Log, class Projection, class Observer = no_observer>
using projector_on = basic_projector<Projection, typename Log::database_type,
                                     typename Log::events_type, typename Log::checkpoints_type,
                                     number_codec, testing::manual_clock, Observer, hooked_env>;

/// A log, a read model, a projection and its projector, on manual time.
template <class Log>
class projection_bench {
 public:
  using projection_type = ledger<Log>;
  using projector_type = projector_on<Log, projection_type>;

  explicit projection_bench(projector_options options = defaults()) : options_{std::move(options)} {
    restart("first");
  }

  static projector_options defaults() {
    return {.batch = 4,
            .max_attempts = 3,
            .retry = {.initial = std::chrono::seconds{1},
                      .growth = backoff_growth::constant,
                      .jitter = backoff_jitter::none}};
  }

  /// A new process: nothing is left but what is stored.
  void restart(const std::string& owner) {
    projector.reset();
    projector = another(into, owner);
  }
  template <class Projection>
  [[nodiscard]] std::unique_ptr<projector_on<Log, Projection>> another(Projection& of,
                                                                       const std::string& owner) {
    projector_options o = options_;
    o.owner = owner;
    return std::make_unique<projector_on<Log, Projection>>(
        of, log.database, log.events, log.checkpoints, number_codec{}, o, time.clock());
  }

  /// Appends deposits, each of its own position, so that a sum tells what is in it.
  void append(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const message m = encode_event(
          number_codec{}, deposited{static_cast<std::int64_t>(to_number(log.events.head())) + 1});
      append(m);
    }
  }
  void append(const message& m) {
    log.database.transact([&](auto& tx) {
      (void)log.events.append(tx, "account-1", expected_version::any(), {&m, 1});
    });
  }

  /// Runs for so long that every retry and every lease has had its time.
  void settle() {
    for (int i = 0; i < 40; ++i) {
      projector->run_once();
      time.advance(std::chrono::seconds{2});
    }
  }

  [[nodiscard]] std::uint64_t at() const { return to_number(projector->progress().at()); }
  [[nodiscard]] checkpoint stored() {
    return log.checkpoints.read_checkpoint("ledger@1").value_or(checkpoint{});
  }
  /// Whether exactly the events from 1 to `last`, but for those, are in the read model, each once.
  [[nodiscard]] bool holds_up_to(std::uint64_t last,
                                 const std::set<std::uint64_t>& without = {}) const {
    std::map<std::uint64_t, int> expected;
    std::int64_t sum = 0;
    for (std::uint64_t i = 1; i <= last; ++i) {
      if (without.contains(i)) continue;
      expected[i] = 1;
      sum += static_cast<std::int64_t>(i);
    }
    return model.applied() == expected && model.balance() == sum;
  }

  time_type time{};
  Log log{time};
  typename Log::model_type model{log.database};
  projection_type into{model};
  std::unique_ptr<projector_type> projector{};

 private:
  projector_options options_;
};

}  // namespace gabion_test
