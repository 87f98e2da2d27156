// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/broker.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>
#include <gabion/cqrs/append.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/outbox/consumer.hpp>
#include <gabion/outbox/outbox.hpp>
#include <gabion/outbox/relay.hpp>

#include "failpoints.hpp"
#include "journal.hpp"

namespace gabion_test::crash {

using namespace gabion;
using namespace std::chrono_literals;

/// Real time, or time that a single loop moves on when it has nothing to do.
struct service_time {
  static inline std::atomic<bool> real{false};
  static inline std::atomic<std::int64_t> passed{0};  // nanoseconds

  struct steady {
    [[nodiscard]] static instant now() noexcept {
      return real ? gabion::steady_clock::now() : instant{duration{passed.load() + 1'000'000'000}};
    }
  };
  struct wall {
    [[nodiscard]] static wall_time now() noexcept {
      constexpr wall_time start{std::chrono::seconds{1'767'225'600}};
      return real ? system_clock::now()
                  : start + std::chrono::floor<wall_time::duration>(duration{passed.load()});
    }
  };
};

using service_database = sqlite::basic_database<service_env>;
using broker_database = sqlite::basic_database<broker_env>;
using durable_broker = basic_broker<sqlite::broker_storage<broker_database, broker_env>>;

/// Publishes to the broker, and refuses or leaves in doubt some messages the first time that this
/// process sends them.
class moody_transport {
 public:
  static constexpr bool keeps_key_order = true;

  explicit moody_transport(durable_broker& to) : inner_{to.make_transport()} {}

  std::size_t submit(std::span<const outgoing> batch) {
    std::vector<outgoing> good;
    // keys with a message that was not delivered: nothing may overtake it
    std::set<std::string_view> broken;
    for (const outgoing& out : batch) {
      const std::string_view key = key_of(*out.what);
      const std::uint64_t number = std::stoull(out.what->id.substr(1));
      const bool first = (number % 9 == 4 || number % 5 == 1) && seen_.insert(number).second;
      if (broken.contains(key)) {
        known_.push_back({out.at, outcome::retry, "an earlier one of the key was not delivered"});
      } else if (first && number % 9 == 4) {
        known_.push_back({out.at, outcome::rejected, "refused the first time"});
        broken.insert(key);
      } else {
        good.push_back(out);
        if (!first) continue;
        doubtful_.insert(out.at);
        broken.insert(key);
      }
    }
    if (!good.empty() && inner_.submit(good) != good.size())
      throw error{errc::unavailable, "the broker took a part only"};
    return batch.size();
  }

  void poll(std::vector<delivery>& out, duration wait) {
    const std::size_t from = out.size();
    inner_.poll(out, wait);
    for (std::size_t i = from; i < out.size(); ++i)
      if (doubtful_.erase(out[i].at) != 0)
        out[i] = {out[i].at, outcome::in_doubt, "the answer was lost"};
    out.insert(out.end(), known_.begin(), known_.end());
    known_.clear();
  }

 private:
  durable_broker::transport inner_;
  std::vector<delivery> known_{};
  std::set<position> doubtful_{};
  std::set<std::uint64_t> seen_{};
};

/// Notes each message as a row: an effect in the transaction of its inbox entry. One that is moody
/// refuses some messages the first two times that this process sees them (once in a batch, once
/// alone), so that they become letters.
struct effect_handler {
  std::string consumer{};
  bool moody = false;
  std::map<std::string, int> refused{};

  outcome operator()(sqlite::transaction& tx, const message& m) {
    service_env::failpoint("handler.called");
    if (moody && std::stoull(m.id.substr(1)) % 7 == 3 && ++refused[m.id] <= 2)
      return outcome::rejected;
    tx.on().run("INSERT INTO effect (consumer, event_id, subject, payload) VALUES (?, ?, ?, ?)",
                consumer, m.id, m.subject, m.data);
    return outcome::delivered;
  }
};

/// One line per account. The fold of the amounts depends on their order, and on each being there
/// once.
struct balances {
  static constexpr std::string_view name = "balances";
  static constexpr std::uint32_t version = 1;

  void apply(sqlite::transaction& tx, const recorded_event& e) {
    service_env::failpoint("projection.called");
    tx.on().run(
        "INSERT INTO balance (account, events, fold) VALUES (?1, 1, ?2) ON CONFLICT (account) DO "
        "UPDATE SET"
        " events = events + 1, fold = (fold * 31 + ?2) % 1000003",
        e.stream, std::stoll(*e.what.data));
  }
};

/// The raw recorded events need no codec.
struct no_codec {};

/// A small service: commands, outbox, relay, broker, two consumers, a projection. All of it has to
/// survive its process.
class service {
 public:
  service(const std::string& directory, const std::string& owner, sqlite::durability synchronous)
      : database{directory + "/service.db", {.synchronous = synchronous}},
        broker_file{directory + "/broker.db", {.synchronous = synchronous}},
        installed_{install(*this)},
        events{database},
        outbox_rows{database},
        inbox{database},
        checkpoints{database},
        owner_{owner} {}

  /// The transaction of a command: the event, and the message that tells of it.
  void execute(const command& c, bool again) {
    const message m{.id = c.id(),
                    .source = "crash",
                    .type = "paid",
                    .subject = c.account(),
                    .data = std::to_string(c.amount())};
    commits.transact([&](sqlite::transaction& tx) {
      const auto expected =
          again ? expected_version::any()
                : expected_version::exact(
                      events.read(tx, c.account(), last_version, 1, read_direction::backward)
                          .version);
      append_or_throw(events, tx, c.account(), expected, std::span<const message>{&m, 1});
      out.enqueue(tx, m);
    });
  }

  /// Nothing is left to do: all is sent, handled and projected, and no letter lies anywhere.
  [[nodiscard]] bool at_rest() {
    const outbox_stats s = outbox_rows.stats();
    if (s.pending + s.dead + s.parked != 0) return false;
    if (!inbox.letters("email", beginning, 1).empty() ||
        !inbox.letters("stock", beginning, 1).empty())
      return false;
    const auto at = checkpoints.read_checkpoint(projection_key<balances>());
    if (events.head() != (at ? at->at : beginning)) return false;
    return broker_file.read([](sqlite::connection& on) {
      return !on.query(
                    "SELECT 1 FROM gabion_broker_partition p, (VALUES ('email'), ('stock')) g "
                    "WHERE p.last_offset > coalesce("
                    "(SELECT offset FROM gabion_broker_offset o WHERE o.group_name = g.column1 AND "
                    "o.topic = p.topic AND o.part "
                    "= p.part), 0)")
                  .next();
    });
  }

  /// What an operator does: redrives every letter.
  void mend() {
    const as_part operating{"operator"};
    for (const dead_letter& letter : outbox_rows.dead_letters(beginning, 100))
      (void)outbox_rows.redrive(letter.at);
    relay.rescan();
    for (const char* consumer : {"email", "stock"})
      for (const inbox_letter& letter : inbox.letters(consumer, beginning, 100))
        if (letter.status == inbox_status::dead) (void)inbox.redrive(consumer, letter.at);
    email.rescan();
    stock.rescan();
  }

 private:
  static bool install(service& s) {
    sqlite::basic_event_store<service_time::wall, service_env>::create_schema(s.database);
    sqlite::basic_outbox_store<service_time::wall, service_env>::create_schema(s.database);
    sqlite::basic_inbox_store<service_time::wall, service_env>::create_schema(s.database);
    sqlite::basic_checkpoint_store<service_time::wall, service_env>::create_schema(s.database);
    sqlite::create_schema(s.broker_file, sqlite::broker_schema);
    s.database.transact([](sqlite::transaction& tx) {
      tx.on().execute(
          "CREATE TABLE IF NOT EXISTS effect (seq INTEGER PRIMARY KEY AUTOINCREMENT, consumer, "
          "event_id, subject, payload)");
      tx.on().execute(
          "CREATE TABLE IF NOT EXISTS balance (account TEXT PRIMARY KEY, events INTEGER, fold "
          "INTEGER)");
    });
    return true;
  }

  static pump_options pump() {
    constexpr backoff_options soon{.initial = 10ms, .cap = 40ms, .jitter = backoff_jitter::none};
    return {.batch = 5,
            .settle_batch = 8,
            .poll_every = 20ms,
            .rescan_every = 40ms,
            .retry = soon,
            .outage = soon,
            .store = soon,
            .lease_ttl = 400ms,
            .lease_margin = 100ms,
            .acquire_every = 50ms};
  }
  consumer_options consuming(const char* name, std::size_t batch) const {
    return {.name = name, .batch = batch, .pump = pump(), .letters_every = 20ms, .poll_slice = 2ms};
  }

 public:
  service_database database;
  broker_database broker_file;

 private:
  bool installed_;

 public:
  sqlite::basic_event_store<service_time::wall, service_env> events;
  sqlite::basic_outbox_store<service_time::wall, service_env> outbox_rows;
  sqlite::basic_inbox_store<service_time::wall, service_env> inbox;
  sqlite::basic_checkpoint_store<service_time::wall, service_env> checkpoints;

 private:
  std::string owner_;

 public:
  sqlite::basic_group_commit<service_env> commits{database};
  durable_broker broker{{.partitions = 2}, broker_file};
  moody_transport way_out{broker};
  basic_relay<decltype(outbox_rows), moody_transport, service_time::steady, no_observer,
              service_env, service_time::wall>
      relay{outbox_rows, way_out, {.owner = owner_, .pump = pump(), .poll_slice = 2ms}};
  outbox<decltype(outbox_rows)> out{outbox_rows, relay};

  durable_broker::subscription to_email = broker.subscribe("email", {"messages"});
  durable_broker::subscription to_stock = broker.subscribe("stock", {"messages"});
  template <class Handler>
  using consumer_type =
      basic_consumer<durable_broker::subscription, decltype(inbox), service_database, Handler,
                     service_time::steady, no_observer, service_env, service_time::wall>;
  consumer_type<effect_handler> email{to_email, inbox, database, effect_handler{"email"},
                                      consuming("email", 1)};
  consumer_type<effect_handler> stock{to_stock, inbox, database, effect_handler{"stock", true},
                                      consuming("stock", 4)};

  balances read_model{};
  basic_projector<balances, service_database, decltype(events), decltype(checkpoints), no_codec,
                  service_time::steady, no_observer, service_env>
      projector{read_model,
                database,
                events,
                checkpoints,
                no_codec{},
                {.owner = owner_,
                 .batch = 4,
                 .poll_every = 20ms,
                 .lease_ttl = 400ms,
                 .acquire_every = 50ms}};
};

}  // namespace gabion_test::crash
