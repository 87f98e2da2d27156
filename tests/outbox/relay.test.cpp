// SPDX-License-Identifier: MIT
#include <gabion/outbox/relay.hpp>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/outbox/outbox.hpp>
#include <gabion/testing/faulty_store.hpp>
#include <gabion/testing/faulty_transport.hpp>
#include <gabion/testing/manual_clock.hpp>
#include <gabion/testing/recording_transport.hpp>

#include "support/catch.hpp"

using namespace gabion;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

using manual_store = memory::basic_outbox_store<testing::manual_wall_clock>;

/// What a relay told its observer, in words.
struct log_of_events {
  strings* into = nullptr;
  void operator()(const message_published& e) const {
    into->push_back("published " + e.what.id +
                    (e.lag ? " after " + std::to_string(*e.lag / 1ms) + "ms" : ""));
  }
  void operator()(const message_retried& e) const {
    into->push_back("retried " + e.what.id + " " + std::to_string(e.attempts) + " " +
                    std::string{e.reason});
  }
  void operator()(const message_in_doubt& e) const { into->push_back("in doubt " + e.what.id); }
  void operator()(const message_dead& e) const {
    into->push_back("dead " + e.what.id + " " + std::to_string(e.attempts));
  }
  void operator()(const message_parked& e) const { into->push_back("parked " + e.what.id); }
  void operator()(const pump_paused& e) const {
    into->push_back("paused at " + std::to_string(to_number(e.at)) + " " +
                    std::to_string(e.attempts));
  }
  void operator()(const lease_gained& e) const {
    into->push_back("gained " + std::to_string(e.held.epoch));
  }
  void operator()(const lease_lost& e) const {
    into->push_back("lost " + std::to_string(e.held.epoch));
  }
  void operator()(const store_failed& e) const {
    into->push_back("store failed " + std::string{e.operation});
  }
  void operator()(const transport_failed& e) const {
    into->push_back("transport failed " + std::string{e.operation});
  }
};

relay_options steady(std::string owner = "me") {
  const backoff_options second{
      .initial = 1s, .cap = 1s, .growth = backoff_growth::constant, .jitter = backoff_jitter::none};
  relay_options o{.owner = std::move(owner)};
  o.pump.retry = o.pump.outage = o.pump.store = second;
  o.pump.max_attempts = 3;
  return o;
}

template <class Transport = testing::recording_transport, class Store = manual_store>
using test_relay = basic_relay<Store, Transport, testing::manual_clock, log_of_events, native_env,
                               testing::manual_wall_clock, xoshiro256>;

struct world {
  testing::manual_time time{};
  memory::database db{};
  manual_store store{db, {}, time.wall()};
  testing::recording_transport to{};
  strings events{};
  outbox<manual_store> box{store};

  test_relay<> make_relay(relay_options o = steady()) {
    return test_relay<>{store, to, std::move(o), time.clock(), log_of_events{&events}, time.wall()};
  }

  template <class... Ids>
  void enqueue(const std::string& key, const Ids&... ids) {
    db.transact(
        [&](auto& tx) { (box.enqueue(tx, message{.id = ids, .type = "t", .subject = key}), ...); });
  }
  strings ids() const { return to.delivered_ids(); }
  [[nodiscard]] bool saw(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }
};

}  // namespace

TEST_CASE("what a transaction enqueued is published once in its order", "[relay]") {
  world w;
  auto r = w.make_relay();
  CHECK(r.run_once() == 0);
  w.enqueue("k", "1", "2", "3");
  w.time.advance(100ms);
  CHECK(r.run_once() == 3);
  CHECK(w.ids() == strings{"1", "2", "3"});
  w.time.advance(10s);
  CHECK(r.run_once() == 0);
  CHECK(w.store.stats().pending == 0);
}

TEST_CASE("what was rolled back is never published", "[relay]") {
  world w;
  auto r = w.make_relay();
  {
    auto tx = w.db.begin();
    w.box.enqueue(tx, message{.id = "1", .type = "t"});
    tx.rollback();
  }
  w.time.advance(10s);
  CHECK(r.run_once() == 0);
  CHECK(w.to.sent().empty());
}

TEST_CASE("a relay that died before it published leaves all to the next one", "[relay][crash]") {
  world w;
  w.enqueue("k", "1", "2");
  {
    auto first = w.make_relay(steady("first"));
    w.to.hold();
    first.run_once();  // submitted, but its deliveries are never polled: a crash in between
    CHECK(w.to.sent().size() == 2);
  }
  testing::recording_transport second_to;
  test_relay<> second{
      w.store,      second_to, steady("second"), w.time.clock(), log_of_events{&w.events},
      w.time.wall()};
  second.run_once();
  CHECK(second_to.sent().empty());  // the lease of the first still runs
  w.time.advance(31s);
  CHECK(second.run_once() == 2);
  CHECK(second_to.delivered_ids() == strings{"1", "2"});
  // the same message with the same id
  CHECK(second_to.sent().front().what == w.to.sent().front().what);
}

TEST_CASE("a message between read and mark with a lower number is not lost", "[relay]") {
  world w;
  w.to.hold();
  auto r = w.make_relay();
  w.enqueue("a", "1");
  w.enqueue("b", "2");
  r.run_once();
  CHECK(w.to.sent().size() == 2);
  w.enqueue("c", "3");
  w.to.release();
  r.run_once();
  w.time.advance(100ms);
  r.run_once();
  CHECK(w.ids() == strings{"1", "2", "3"});
  CHECK(w.store.stats().pending == 0);
}

TEST_CASE("of two relays one works and the other takes over when it stops", "[relay][lease]") {
  world w;
  testing::recording_transport other_to;
  auto mine = w.make_relay(steady("mine"));
  test_relay<> other{
      w.store, other_to, steady("other"), w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  for (int i = 0; i < 20; ++i) {
    w.enqueue("k" + std::to_string(i), std::to_string(i));
    w.time.advance(100ms);
    mine.run_once();
    other.run_once();
  }
  CHECK(w.to.sent().size() == 20);
  CHECK(other_to.sent().empty());
  mine.begin_stop();
  mine.run_once();
  w.enqueue("k", "last");
  w.time.advance(1s);
  other.run_once();
  CHECK(other_to.delivered_ids() == strings{"last"});
  CHECK(w.saw("lost 1"));
}

TEST_CASE("a relay that slept past its lease marks nothing and says so", "[relay][lease]") {
  world w;
  testing::recording_transport other_to;
  auto sleeper = w.make_relay(steady("sleeper"));
  test_relay<> other{
      w.store, other_to, steady("other"), w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  w.to.hold();
  w.enqueue("k", "1", "2");
  sleeper.run_once();
  CHECK(sleeper.in_flight() == 2);
  w.time.advance(31s);
  other.run_once();
  CHECK(other_to.delivered_ids() == strings{"1", "2"});
  w.events.clear();
  w.to.release();
  w.enqueue("k", "3");
  sleeper.run_once();
  CHECK(w.to.sent().size() == 2);  // nothing new without a lease
  CHECK(w.saw("lost 1"));
  other.wake_up();
  other.run_once();
  CHECK(other_to.delivered_ids() == strings{"1", "2", "3"});
}

TEST_CASE("while a slow broker still works nothing is submitted in the last part of a lease",
          "[relay][lease]") {
  world w;
  memory::database db;
  struct unrenewable : manual_store {
    using manual_store::manual_store;
    bool renew_lease(const lease&, duration) {
      throw error{errc::unavailable, "the database is away"};
    }
  } store{db, {}, w.time.wall()};
  test_relay<testing::recording_transport, unrenewable> r{
      store, w.to, steady(), w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  outbox<unrenewable> box{store};
  db.transact([&](auto& tx) {
    for (const char* id : {"at once", "in time", "too late"})
      box.enqueue(tx, message{.id = id, .type = "t"});
  });
  w.to.capacity(1);
  w.to.hold();
  const auto answered_at = [&](duration until) {
    w.time.advance(until);
    w.to.release();
    r.take_turn();
    w.to.hold();
    r.run_once();
  };
  r.run_once();
  answered_at(24s);
  CHECK(w.ids() == strings{"at once", "in time"});
  answered_at(1s);  // of 30 s the last 5 are the margin
  CHECK(w.ids() == strings{"at once", "in time"});
  CHECK(w.saw("store failed renew"));
}

TEST_CASE("a transient failure is retried after a pause in order and counted", "[relay][retry]") {
  world w;
  w.to.answer("1", {outcome::retry});
  auto r = w.make_relay();
  w.enqueue("k", "1", "2");
  w.enqueue("other", "3");
  r.run_once();
  CHECK(w.ids() == strings{"3"});
  CHECK(w.saw("retried 1 1 told to"));
  w.time.advance(999ms);
  r.run_once();
  CHECK(w.ids() == strings{"3"});
  w.time.advance(1ms);
  r.run_once();
  CHECK(w.ids() == strings{"3", "1", "2"});
  CHECK(w.to.sent()[3].attempt == 2);
}

TEST_CASE("a poisonous message parks what is behind it and nothing else", "[relay][dead]") {
  world w;
  w.to.always("5", outcome::rejected);
  auto r = w.make_relay();
  w.enqueue("k", "1", "2", "3", "4", "5", "6", "7");
  w.enqueue("other", "a", "b");
  r.run_once();
  CHECK(w.ids() == strings{"1", "2", "3", "4", "a", "b"});
  CHECK(w.saw("dead 5 1"));
  CHECK(w.saw("parked 6"));
  CHECK(w.saw("parked 7"));
  w.enqueue("k", "8");
  w.time.advance(1s);
  r.run_once();
  CHECK(w.saw("parked 8"));
  const outbox_stats s = w.store.stats();
  CHECK(s.dead == 1);
  CHECK(s.parked == 3);

  SECTION("after a redrive the key goes on in its order") {
    w.to.always("5", outcome::delivered);
    CHECK(w.store.redrive(w.store.dead_letters(beginning, 10).at(0).at));
    r.rescan();
    r.run_once();
    CHECK(w.ids() == strings{"1", "2", "3", "4", "a", "b", "5", "6", "7", "8"});
    CHECK_FALSE(w.store.redrive(position{5}));
  }
  SECTION("redriven ones go before newer ones of their key") {
    w.to.always("5", outcome::delivered);
    w.to.hold();
    w.enqueue("busy", "x");
    w.time.advance(1s);
    r.run_once();  // something is in flight, so the window is not empty
    CHECK(w.store.redrive(w.store.dead_letters(beginning, 10).at(0).at));
    w.enqueue("k", "9");
    r.rescan();
    r.run_once();
    w.to.release();
    r.run_once();
    r.run_once();
    const strings all = w.ids();
    CHECK(strings(all.end() - 5, all.end()) == strings{"5", "6", "7", "8", "9"});
  }
}

TEST_CASE("the policy skip gives up the message and lets its key go on", "[relay][dead]") {
  world w;
  relay_options o = steady();
  o.pump.on_poison = poison_policy::skip;
  auto r = w.make_relay(o);
  w.to.always("2", outcome::rejected);
  w.enqueue("k", "1", "2", "3");
  r.run_once();
  CHECK(w.ids() == strings{"1", "3"});
  CHECK(w.store.stats().dead == 1);
  CHECK(w.store.stats().parked == 0);
}

TEST_CASE("the policy pause stops in front of the message until it is resumed", "[relay][dead]") {
  world w;
  relay_options o = steady();
  o.pump.on_poison = poison_policy::pause;
  auto r = w.make_relay(o);
  w.to.answer("2", {outcome::rejected});
  w.enqueue("k", "1", "2", "3");
  r.run_once();
  w.enqueue("other", "4");
  w.time.advance(10s);
  r.run_once();
  CHECK(w.ids() == strings{"1"});
  CHECK(std::count(w.events.begin(), w.events.end(), "paused at 2 1") == 1);
  CHECK(w.store.stats().dead == 0);
  CHECK_FALSE(r.has_lease());
  r.resume();
  r.run_once();
  CHECK(w.ids() == strings{"1", "2", "3", "4"});
}

TEST_CASE("after the last attempt the message is kept with everything", "[relay][dead]") {
  world w;
  w.to.always("1", outcome::retry);
  auto r = w.make_relay();
  w.db.transact([&](auto& tx) {
    w.box.enqueue(
        tx,
        message{
            .id = "1", .type = "t", .subject = "k", .data = "payload", .headers = {{"h", "v"}}});
  });
  for (int i = 0; i < 10; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.to.sent().size() == 3);
  const std::vector<dead_letter> dead = w.store.dead_letters(beginning, 10);
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].attempts == 3);
  CHECK(dead[0].reason == "told to");
  CHECK(dead[0].what.data == "payload");
  CHECK(dead[0].what.headers == std::vector<header>{{"h", "v"}});

  SECTION("a redrive begins to count at zero") {
    CHECK(w.store.redrive(dead[0].at));
    r.rescan();
    for (int i = 0; i < 10; ++i) {
      r.run_once();
      w.time.advance(1s);
    }
    CHECK(w.to.sent().size() == 6);
    CHECK(w.store.dead_letters(beginning, 10).at(0).attempts == 3);
  }
}

TEST_CASE("attempts are remembered over a restart", "[relay][retry]") {
  world w;
  w.to.always("1", outcome::retry);
  w.enqueue("k", "1");
  for (int i = 0; i < 3; ++i) {
    auto r = w.make_relay();
    r.run_once();
    w.time.advance(2s);
  }
  CHECK(w.to.sent().size() == 3);
  CHECK(w.store.stats().dead == 1);
}

TEST_CASE("possibly persisted is no success and no attempt and comes again with the same id",
          "[relay][retry]") {
  world w;
  w.to.answer("1", {outcome::in_doubt, outcome::in_doubt, outcome::in_doubt, outcome::in_doubt,
                    outcome::in_doubt});
  auto r = w.make_relay();
  w.enqueue("k", "1", "2");
  for (int i = 0; i < 10; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.ids() == strings{"1", "2"});
  CHECK(std::count(w.events.begin(), w.events.end(), "in doubt 1") == 5);
  CHECK(w.store.stats().dead == 0);
}

TEST_CASE("a full client queue is back-pressure", "[relay][pressure]") {
  world w;
  w.to.capacity(3);
  auto r = w.make_relay();
  for (int i = 0; i < 10; ++i) w.enqueue("k" + std::to_string(i), std::to_string(i));
  w.to.hold();
  r.run_once();
  CHECK(w.to.sent().size() == 3);
  const std::size_t before = w.to.submissions();
  for (int i = 0; i < 100; ++i) r.run_once();
  CHECK(w.to.submissions() == before);  // no busy loop
  w.to.release();
  r.run_once();
  CHECK(w.ids().size() == 10);
  CHECK(w.to.messages_stayed());
}

TEST_CASE("an hour without a broker burns no attempts and bounds memory and submissions",
          "[relay][outage]") {
  world w;
  relay_options o = steady();
  o.pump.window = 50;
  auto r = w.make_relay(o);
  for (int i = 0; i < 200; ++i) w.enqueue("k" + std::to_string(i % 7), std::to_string(i));
  w.to.answer_all(outcome::unavailable);
  for (int i = 0; i < 3600; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.to.sent().size() <= 3600 * 50);
  CHECK(w.to.submissions() <= 3600);
  CHECK(w.store.stats().pending == 200);
  CHECK(w.store.stats().dead == 0);
  w.to.answer_all(outcome::delivered);
  for (int i = 0; i < 3; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.ids().size() == 200);
  strings of_key_3;
  for (const std::string& id : w.ids())
    if (std::stoi(id) % 7 == 3) of_key_3.push_back(id);
  CHECK(std::is_sorted(of_key_3.begin(), of_key_3.end(),
                       [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
}

TEST_CASE("one destination that cannot be reached lets the others flow", "[relay][outage]") {
  world w;
  auto r = w.make_relay();
  w.to.always("bad", outcome::unavailable);
  w.enqueue("bad", "bad", "behind");
  for (int i = 0; i < 10; ++i) {
    w.enqueue("good" + std::to_string(i), std::to_string(i));
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.ids().size() == 10);
  CHECK(w.store.stats().dead == 0);
}

TEST_CASE("a key in trouble with a large backlog leaves room for the others", "[relay][retry]") {
  world w;
  relay_options o = steady();
  o.pump.window = 16;
  o.pump.max_attempts = 1000;
  auto r = w.make_relay(o);
  w.to.always("bad", outcome::retry);
  w.enqueue("bad", "bad");
  for (int i = 0; i < 100; ++i) w.enqueue("bad", "b" + std::to_string(i));
  for (int i = 0; i < 40; ++i) w.enqueue("good", "g" + std::to_string(i));
  for (int i = 0; i < 30; ++i) {
    r.run_once();
    w.time.advance(100ms);
  }
  CHECK(w.ids().size() == 40);
  w.to.always("bad", outcome::delivered);
  for (int i = 0; i < 100; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(w.ids().size() == 141);
  CHECK(w.ids()[41] == "b0");
  CHECK(w.ids().back() == "b99");
}

TEST_CASE("a key that goes one by one leaves room for the others", "[relay]") {
  world w;
  testing::unordered_recording_transport to;
  relay_options o = steady();
  o.pump.window = 16;
  test_relay<testing::unordered_recording_transport> r{
      w.store, to, o, w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  for (int i = 0; i < 100; ++i) w.enqueue("long", "l" + std::to_string(i));
  for (int i = 0; i < 10; ++i) w.enqueue("good" + std::to_string(i), "g" + std::to_string(i));
  to.hold();
  r.run_once();
  CHECK(to.sent().size() == 11);  // the first of the long one, and all others
  to.release();
  for (int i = 0; i < 200; ++i) {
    r.run_once();
    w.time.advance(10ms);
  }
  CHECK(to.delivered_ids().size() == 110);
  CHECK(to.delivered_ids().back() == "l99");
}

TEST_CASE("a transport that throws is used again after a pause", "[relay][outage]") {
  world w;
  auto r = w.make_relay();
  w.to.fail_submit(errc::unavailable, 2);
  w.enqueue("k", "1");
  r.run_once();
  r.run_once();
  CHECK(w.to.submissions() == 1);
  w.time.advance(1s);
  r.run_once();
  CHECK(w.to.submissions() == 2);
  w.time.advance(1s);
  r.run_once();
  CHECK(w.ids() == strings{"1"});
  CHECK(w.saw("transport failed submit"));
}

TEST_CASE("a full disk at the mark advances nothing and is tried again", "[relay][store]") {
  world w;
  struct full : manual_store {
    using manual_store::manual_store;
    bool broken = true;
    settle_status settle(const lease& l, std::span<const settlement> s, position p) {
      if (broken) throw error{errc::full, "no space left"};
      return manual_store::settle(l, s, p);
    }
  };
  memory::database db;
  full store{db, {}, w.time.wall()};
  test_relay<testing::recording_transport, full> r{
      store, w.to, steady(), w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  outbox<full> box{store};
  db.transact([&](auto& tx) { box.enqueue(tx, message{.id = "1", .type = "t"}); });
  for (int i = 0; i < 5; ++i) {
    r.run_once();
    w.time.advance(1s);
  }
  CHECK(store.stats().pending == 1);
  CHECK(w.ids() == strings{"1"});  // it was not sent again
  CHECK(std::count(w.events.begin(), w.events.end(), "store failed settle") == 5);
  store.broken = false;
  r.run_once();
  CHECK(store.stats().pending == 0);
  CHECK(w.ids() == strings{"1"});
}

TEST_CASE("stop in the middle of a batch settles what was in flight and takes nothing new",
          "[relay][stop]") {
  world w;
  auto r = w.make_relay();
  w.to.hold();
  w.enqueue("k", "1", "2");
  r.run_once();
  r.begin_stop();
  w.enqueue("k", "3");
  w.time.advance(1s);
  r.run_once();
  CHECK(w.store.stats().pending == 3);
  w.to.release();
  r.run_once();
  CHECK(w.store.stats().pending == 1);
  CHECK(w.ids() == strings{"1", "2"});
  CHECK(w.saw("lost 1"));  // released
  CHECK(r.take_turn().stopped);
}

TEST_CASE("run returns when its grace is over although something is still in flight",
          "[relay][stop]") {
  world w;
  relay_options o{.owner = "me", .stop_grace = 20ms};
  basic_relay r{w.store, w.to, o};
  w.to.hold();
  w.enqueue("k", "1");
  std::stop_source stop;
  std::thread runner{[&] { r.run(stop.get_token()); }};
  while (w.store.stats().pending != 1) std::this_thread::yield();
  stop.request_stop();
  runner.join();
  CHECK(w.store.stats().pending == 1);  // no false mark
}

TEST_CASE("run publishes as soon as a commit wakes it", "[relay][wake]") {
  world w;
  relay_options o{.owner = "me"};
  o.pump.poll_every = o.pump.rescan_every = 1h;
  basic_relay r{w.store, w.to, o};
  outbox<manual_store> box{w.store, r};
  std::stop_source stop;
  std::thread runner{[&] { r.run(stop.get_token()); }};
  for (int i = 0; i < 10; ++i) {
    w.db.transact(
        [&](auto& tx) { box.enqueue(tx, message{.id = std::to_string(i), .type = "t"}); });
    // without the wake this would take an hour
    while (w.store.stats().pending != 0) std::this_thread::yield();
  }
  stop.request_stop();
  runner.join();
  CHECK(w.ids().size() == 10);
}

TEST_CASE("nothing pending means nothing is written but the lease", "[relay][idle]") {
  world w;
  struct counting : manual_store {
    using manual_store::manual_store;
    int fetches = 0, settles = 0, renewals = 0;
    std::vector<outbox_record> fetch(std::uint32_t lane, position after, std::size_t limit) {
      ++fetches;
      return manual_store::fetch(lane, after, limit);
    }
    settle_status settle(const lease& l, std::span<const settlement> s, position p) {
      ++settles;
      return manual_store::settle(l, s, p);
    }
    bool renew_lease(const lease& l, duration ttl) {
      ++renewals;
      return manual_store::renew_lease(l, ttl);
    }
  };
  memory::database db;
  counting store{db, {}, w.time.wall()};
  test_relay<testing::recording_transport, counting> r{
      store, w.to, steady(), w.time.clock(), log_of_events{&w.events}, w.time.wall()};
  for (int i = 0; i < 6000; ++i) {
    r.run_once();
    w.time.advance(10ms);
  }
  CHECK(store.settles == 0);
  CHECK(store.fetches <= 601);
  CHECK(store.fetches >= 590);
  CHECK(store.renewals <= 6);
}

TEST_CASE("the observer hears the lag from the time of the message to its delivery",
          "[relay][events]") {
  world w;
  auto r = w.make_relay();
  w.enqueue("k", "1");
  w.time.advance(250ms);
  r.run_once();
  CHECK(w.saw("gained 1"));
  CHECK(w.saw("published 1 after 250ms"));
}

TEST_CASE("options out of range are refused by name", "[relay][options]") {
  world w;
  const auto message_of = [&](relay_options o) -> std::string {
    try {
      relay r{w.store, w.to, std::move(o)};
    } catch (const error& e) {
      return e.what();
    }
    return "accepted";
  };
  relay_options o;
  CHECK(message_of(o) == "accepted");
  o.lane = 1;
  CHECK(message_of(o).find("relay_options.lane is 1; allowed: 0 to 0") == 0);
  o.lane = 0;
  o.pump.window = 0;
  CHECK(message_of(o).starts_with("relay_options.pump.window is 0; allowed: 1 to 1000000"));
  o = {};
  o.pump.lease_margin = 16s;
  CHECK(message_of(o).starts_with(
      "relay_options.pump.lease_margin is 16000000000 ns; allowed: 0 to half of lease_ttl"));
  o = {};
  o.poll_slice = 0ms;
  CHECK(message_of(o).starts_with("relay_options.poll_slice is 0 ns"));
  o = {};
  o.pump.retry.multiplier_percent = 5;
  CHECK(message_of(o).starts_with("relay_options.pump.retry.multiplier_percent is 5"));
}

TEST_CASE("with every fault at once everything is published in order and the store is empty",
          "[relay][faults]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    world w;
    testing::faulty_store<manual_store> store{w.store,
                                              {.seed = seed, .fails = 100, .in_doubt = 100}};
    testing::faulty_transport<testing::recording_transport> to{w.to,
                                                               {.seed = seed,
                                                                .refuse = 100,
                                                                .throws = 50,
                                                                .retry = 50,
                                                                .unavailable = 50,
                                                                .lost = 50,
                                                                .ack_lost = 50,
                                                                .duplicate = 50,
                                                                .delay = 200,
                                                                .reorder = 500}};
    relay_options o = steady();
    o.pump.max_attempts = 1000;
    o.pump.window = 20;
    o.pump.batch = 7;
    test_relay<decltype(to), decltype(store)> r{
        store, to, o, w.time.clock(), log_of_events{&w.events}, w.time.wall(), xoshiro256{seed}};
    for (int i = 0; i < 100; ++i) {
      w.enqueue("k" + std::to_string(i % 5), std::to_string(i));
      r.run_once();
      w.time.advance(100ms);
    }
    for (int i = 0; i < 500 && w.store.stats().pending > 0; ++i) {
      if (i == 200) store.heal(), to.heal();
      r.run_once();
      w.time.advance(500ms);
    }
    INFO("seed " << seed);
    REQUIRE(w.store.stats().pending == 0);
    std::map<std::string, std::vector<int>> firsts;
    std::set<std::string> seen;
    for (const auto& s : w.to.sent())
      if (s.answer == outcome::delivered && seen.insert(s.what.id).second)
        firsts[s.what.subject].push_back(std::stoi(s.what.id));
    REQUIRE(seen.size() == 100);
    for (const auto& [key, ids] : firsts) REQUIRE(std::is_sorted(ids.begin(), ids.end()));
    REQUIRE(w.to.messages_stayed());
  }
}
