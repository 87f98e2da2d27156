// SPDX-License-Identifier: MIT
#include "outbox/archetypes.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gabion/outbox.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace archetypes;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

// ---- minimal: what the concepts ask, and nothing else

struct minimal_transaction {};
struct minimal_database {
  using transaction = minimal_transaction;
  template <class Body>
  auto transact(Body&& body) {
    minimal_transaction tx;
    return body(tx);
  }
};
struct minimal_leases {
  std::optional<lease> acquire_lease(std::string_view, std::string_view, duration) {
    return lease{"l", "o", 1};
  }
  bool renew_lease(const lease&, duration) { return true; }
  bool release_lease(const lease&) { return true; }
};
struct minimal_relay_store : minimal_leases {
  std::vector<outbox_record> fetch(std::uint32_t, position, std::size_t) { return std::move(rows); }
  settle_status settle(const lease&, std::span<const settlement> done, position) {
    settled += done.size();
    return settle_status::applied;
  }
  std::vector<outbox_record> rows{};
  std::size_t settled = 0;
};
struct minimal_store : minimal_relay_store {
  using transaction = minimal_transaction;
  std::vector<enqueued> enqueue(minimal_transaction&, std::span<const message> batch) {
    return std::vector<enqueued>(batch.size());
  }
  std::vector<dead_letter> dead_letters(position, std::size_t) { return {}; }
  bool redrive(position) { return false; }
  std::size_t purge_published(wall_time, std::size_t) { return 0; }
  outbox_stats stats() { return {}; }
};
struct minimal_transport {
  static constexpr bool keeps_key_order = false;
  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch) known.push_back({.at = o.at});
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    out.insert(out.end(), known.begin(), known.end()), known.clear();
  }
  std::vector<delivery> known{};
};
struct minimal_subscription {
  std::vector<received> receive(std::size_t, duration) { return std::move(list); }
  settle_status commit(std::uint32_t, position) { return settle_status::applied; }
  std::uint64_t assignment() const { return 0; }
  std::vector<received> list{};
};
struct minimal_inbox {
  using transaction = minimal_transaction;
  bool begin_message(minimal_transaction&, std::string_view, const message&) { return true; }
  void keep_dead(minimal_transaction&, std::string_view, const message&, std::uint32_t,
                 std::string_view) {}
  bool keep_parked(minimal_transaction&, std::string_view, const message&) { return false; }
  bool blocked(minimal_transaction&, std::string_view, std::string_view) { return false; }
  std::vector<inbox_letter> letters(std::string_view, position, std::size_t) { return {}; }
  bool redrive(std::string_view, position) { return false; }
  std::vector<inbox_letter> redriven(std::string_view, position, std::size_t) { return {}; }
  bool still_redriven(minimal_transaction&, std::string_view, position) { return false; }
  bool finish_letter(minimal_transaction&, std::string_view, position) { return false; }
  std::optional<inbox_entry> entry(std::string_view, std::string_view, std::string_view) {
    return std::nullopt;
  }
  std::size_t purge_processed(wall_time, std::size_t) { return 0; }
};

static_assert(relay_store<minimal_relay_store> && outbox_store<minimal_store> &&
              transport<minimal_transport>);
static_assert(subscription<minimal_subscription> && inbox_store<minimal_inbox> &&
              transactor<minimal_database>);
static_assert(explain_relay_store<minimal_relay_store>() && explain_outbox_store<minimal_store>() &&
              explain_transport<minimal_transport>());
static_assert(explain_subscription<minimal_subscription>() && explain_inbox_store<minimal_inbox>());
static_assert(explain_pump_record<outbox_record>() && explain_pump_record<received>() &&
              explain_pump_record<inbox_letter>());

// ---- what lacks one thing is none

struct no_fetch : minimal_leases {
  settle_status settle(const lease&, std::span<const settlement>, position);
};
struct settle_without_lease : minimal_leases {
  std::vector<outbox_record> fetch(std::uint32_t, position, std::size_t);
  settle_status settle(std::span<const settlement>, position);
};
struct no_release {
  std::optional<lease> acquire_lease(std::string_view, std::string_view, duration);
  bool renew_lease(const lease&, duration);
};
struct no_order_declared {
  std::size_t submit(std::span<const outgoing>);
  void poll(std::vector<delivery>&, duration);
};
struct submit_says_nothing {
  [[maybe_unused]] static constexpr bool keeps_key_order = true;
  void submit(std::span<const outgoing>);
  void poll(std::vector<delivery>&, duration);
};
struct no_assignment {
  std::vector<received> receive(std::size_t, duration);
  settle_status commit(std::uint32_t, position);
};
struct commit_says_nothing {
  std::vector<received> receive(std::size_t, duration);
  void commit(std::uint32_t, position);
  std::uint64_t assignment() const;
};
static_assert(!relay_store<no_fetch> && !relay_store<settle_without_lease> &&
              !lease_store<no_release> && !outbox_store<minimal_relay_store, minimal_transaction>);
static_assert(!transport<no_order_declared> && !transport<submit_says_nothing>);
static_assert(!subscription<no_assignment> && !subscription<commit_says_nothing>);
static_assert(!inbox_store<minimal_store, minimal_transaction> && !pump_record<int>);

// ---- the back ends' shapes satisfy the concepts

static_assert(relay_store<pg_store> && enqueues_in<pg_store, pg_connection>);
static_assert(relay_store<wal_store> && enqueues_in<wal_store, wal_transaction>);
static_assert(transport<rk_transport> && transport<redis_transport> &&
              subscription<redis_subscription>);

message keyed(const std::string& id, const std::string& key, const std::string& topic = "t") {
  return {.id = id, .type = "t", .subject = key, .topic = topic};
}

template <class Store, class Transport>
auto manual_relay(Store& s, Transport& t, testing::manual_time& time) {
  return basic_relay<Store, Transport, testing::manual_clock>{s, t, {.owner = "me"}, time.clock()};
}
template <class Relay>
void pass(Relay& r, testing::manual_time& time, int seconds = 5) {
  for (int i = 0; i < 10 * seconds; ++i) {
    r.run_once();
    time.advance(100ms);
  }
}

}  // namespace

TEST_CASE("relay and consumer and outbox need no more than the concepts say", "[archetype]") {
  minimal_store store;
  minimal_transport to;
  store.rows.push_back({position{1}, keyed("1", "k")});
  relay r{store, to};
  CHECK(r.run_once() == 1);
  CHECK(store.settled == 1);
  minimal_transaction tx;
  CHECK_FALSE(outbox{store}.enqueue(tx, keyed("2", "k")).deduplicated);
  minimal_subscription from;
  minimal_inbox inbox;
  minimal_database db;
  from.list.push_back({0, position{1}, keyed("1", "k")});
  int handled = 0;
  consumer c{
      from, inbox, db, [&](minimal_transaction&, const message&) { ++handled; }, {.name = "c"}};
  CHECK(c.run_once() == 1);
  CHECK(handled == 1);
}

TEST_CASE(
    "a store over the callers own libpq connection finds rows that commit late and moves its "
    "cursor by the watermark",
    "[archetype][libpq]") {
  testing::manual_time time;
  pg_server server;
  pg_connection relay_side{&server}, app{&server}, slow{&server};
  pg_store store{relay_side};
  minimal_transport to;
  auto r = manual_relay(store, to, time);
  outbox box{store};
  CHECK_THROWS_AS(box.enqueue(app, keyed("0", "k")), error);
  pg_begin(slow);
  box.enqueue(slow, keyed("1", "slow"));
  pg_begin(app);
  box.enqueue(app, keyed("2", "k"), keyed("3", "k"));
  pg_commit(app);
  pass(r, time, 1);
  // an open transaction elsewhere holds nothing up
  CHECK(server.delivered == std::set<std::uint64_t>{2, 3});
  CHECK(server.cursor == 2);
  pg_commit(slow);
  pass(r, time, 1);
  CHECK(server.delivered == std::set<std::uint64_t>{1, 2, 3});
  CHECK(server.cursor == 3);
  CHECK(server.round_trips == 2);
}

TEST_CASE(
    "a logical replication feed confirms the watermark and keeps what is parked beside the log",
    "[archetype][wal]") {
  testing::manual_time time;
  wal log;
  wal_store store{log};
  rk_transport to;
  to.producer.room = 100;
  to.producer.script["2"] = rk_error::too_large;
  auto r = manual_relay(store, to, time);
  outbox box{store};
  wal_transaction tx;
  box.enqueue(tx, keyed("1", "a"), keyed("2", "a"), keyed("3", "a"), keyed("4", "b"));
  tx.commit(log);
  pass(r, time);
  CHECK(to.topic == strings{"1", "4"});
  CHECK(store.side_table.size() == 2);
  CHECK(log.confirmed == log.lsn);
}

TEST_CASE(
    "a librdkafka shaped transport may be full or in doubt or fatally broken and nothing is lost",
    "[archetype][librdkafka]") {
  testing::manual_time time;
  wal log;
  wal_store store{log};
  rk_transport to;  // room for 3
  to.producer.script["2"] = rk_error::possibly_persisted;
  to.producer.script["5"] = rk_error::fatal;
  auto r = manual_relay(store, to, time);
  wal_transaction tx;
  for (int i = 1; i <= 10; ++i) outbox{store}.enqueue(tx, keyed(std::to_string(i), "k"));
  tx.commit(log);
  pass(r, time, 60);
  CHECK(to.rebuilt == 1);
  CHECK(log.confirmed == log.lsn);
  CHECK(store.side_table.empty());
  strings firsts;
  for (const std::string& id : to.topic)
    if (std::find(firsts.begin(), firsts.end(), id) == firsts.end()) firsts.push_back(id);
  CHECK(firsts == strings{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
  CHECK(std::count(to.topic.begin(), to.topic.end(), "2") == 2);  // it had been persisted
}

TEST_CASE("redis stream ids serve as positions and XACK follows the watermark",
          "[archetype][redis]") {
  testing::manual_time time;
  redis server;
  redis_transport to{server};
  minimal_relay_store store;
  for (std::uint64_t i = 1; i <= 4; ++i)
    store.rows.push_back(
        {position{i}, keyed(std::to_string(i), i % 2 == 0 ? "even" : "odd", "orders")});
  auto r = manual_relay(store, to, time);
  r.run_once();
  CHECK(server.streams["orders"].size() == 4);
  redis_subscription from{server, "orders"};
  minimal_inbox inbox;
  minimal_database db;
  bool fails = true;
  strings done;
  auto handler = [&](minimal_transaction&, const message& m) {
    if (m.id == "3" && fails) return outcome::retry;
    done.push_back(m.id);
    return outcome::delivered;
  };
  basic_consumer c{from, inbox, db, handler, {.name = "c"}, time.clock()};
  c.run_once();
  CHECK(done == strings{"1", "2", "4"});
  CHECK(server.pending["orders"].size() == 2);  // 3 and what is behind it
  fails = false;
  time.advance(10s);
  c.run_once();
  CHECK(done == strings{"1", "2", "4", "3"});
  CHECK(server.pending["orders"].empty());
}
