// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/outbox.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace gabion_test::outbox_faults {

using namespace gabion;
using namespace std::chrono_literals;
using manual_outbox = memory::basic_outbox_store<testing::manual_wall_clock>;
using manual_inbox = memory::basic_inbox_store<testing::manual_wall_clock>;

/// Gives each message the outcome that `decide(message)` returns. The deliveries are known at the
/// next poll: all at once, or one per poll.
template <class Decide>
struct deciding_transport {
  static constexpr bool keeps_key_order = false;
  Decide decide;
  bool one_per_poll = false;
  std::deque<delivery> known{};
  std::vector<std::string> sent{};  // ids of what was delivered

  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch) {
      const outcome as = decide(*o.what);
      known.push_back({.at = o.at, .result = as, .reason = "as decided"});
      if (as == outcome::delivered) sent.push_back(o.what->id);
    }
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    while (!known.empty()) {
      out.push_back(std::move(known.front()));
      known.pop_front();
      if (one_per_poll) return;
    }
  }
};
template <class Decide>
deciding_transport(Decide) -> deciding_transport<Decide>;
template <class Decide>
deciding_transport(Decide, bool) -> deciding_transport<Decide>;

template <class Store, class Transport, class Observer = no_observer>
auto make_relay(Store& store, Transport& to, testing::manual_time& time, Observer observer = {},
                relay_options options = {}) {
  return basic_relay<Store, Transport, testing::manual_clock, Observer, native_env,
                     testing::manual_wall_clock, xoshiro256>{
      store, to, std::move(options), time.clock(), std::move(observer), time.wall(), xoshiro256{7}};
}

template <class Subscription, class Inbox, class Database, class Handler,
          class Observer = no_observer>
auto make_consumer(Subscription& from, Inbox& inbox, Database& db, Handler handler,
                   testing::manual_time& time, Observer observer = {},
                   consumer_options options = {.name = "c"}) {
  return basic_consumer<Subscription, Inbox, Database, Handler, testing::manual_clock, Observer,
                        native_env, testing::manual_wall_clock, xoshiro256>{from,
                                                                            inbox,
                                                                            db,
                                                                            std::move(handler),
                                                                            std::move(options),
                                                                            time.clock(),
                                                                            std::move(observer),
                                                                            time.wall(),
                                                                            xoshiro256{7}};
}

/// Steps an engine through that much manual time. Returns how many exceptions left it.
template <class Engine>
int run_for(Engine& engine, testing::manual_time& time, duration length, duration step = 100ms) {
  int leaks = 0;
  for (duration done{}; done <= length; done += step) {
    try {
      engine.run_once();
    } catch (const std::exception&) {
      ++leaks;
    }
    time.advance(step);
  }
  return leaks;
}

/// An outbox in memory on manual time.
struct outbox_fixture {
  testing::manual_time time{};
  memory::database db{};
  manual_outbox store{db, {}, time.wall()};
  outbox<manual_outbox> box{store};

  void put(message m) {
    db.transact([&](memory::database::transaction& tx) { box.enqueue(tx, std::move(m)); });
  }
  void put(std::string id, std::string key, std::string topic = {}) {
    put(message{
        .id = std::move(id), .type = "t", .subject = std::move(key), .topic = std::move(topic)});
  }
};

/// A broker and an inbox in memory on manual time.
struct inbox_fixture {
  explicit inbox_fixture(std::uint32_t partitions = 1) : broker{{.partitions = partitions}} {}

  testing::manual_time time{};
  memory::database db{};
  manual_inbox inbox{db, time.wall()};
  memory::broker broker;
  memory::broker::transport out{broker.make_transport()};
  memory::broker::subscription in{broker.subscribe("g", {"orders"})};

  void send(std::string id, std::string key) {
    const message m{.id = std::move(id), .type = "t", .subject = std::move(key), .topic = "orders"};
    const outgoing o{.at = position{1}, .what = &m};
    (void)out.submit({&o, 1});
  }
};

/// A store that counts what is read from it.
template <class Store>
struct counting_store : Store {
  using Store::Store;
  std::size_t rows_read = 0;
  std::size_t bytes_read = 0;

  std::vector<outbox_record> fetch(std::uint32_t lane, position after, std::size_t limit) {
    std::vector<outbox_record> found = Store::fetch(lane, after, limit);
    rows_read += found.size();
    for (const outbox_record& r : found) bytes_read += r.what.data ? r.what.data->size() : 0;
    return found;
  }
};

/// A transactor that counts its transactions.
struct counting_database {
  using transaction = memory::database::transaction;
  memory::database& of;
  int begun = 0;

  template <class Body>
  auto transact(Body&& body) {
    ++begun;
    return of.transact(std::forward<Body>(body));
  }
};

}  // namespace gabion_test::outbox_faults
