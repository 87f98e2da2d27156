// SPDX-License-Identifier: MIT
#include <set>
#include <stop_token>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"

using namespace gabion_test::outbox_faults;
using strings = std::vector<std::string>;

namespace {

/// Throws for a batch with the message "poison", as a client library does for one that is too
/// large.
struct throwing_transport {
  static constexpr bool keeps_key_order = false;
  std::vector<delivery> known{};
  std::size_t sent = 0;

  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch)
      if (o.what->id == "poison") throw error{errc::too_large, "over 1 MB"};
    for (const outgoing& o : batch) known.push_back({.at = o.at});
    sent += batch.size();
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    out.insert(out.end(), known.begin(), known.end());
    known.clear();
  }
};

/// Answers twice for each message, and once for a message that was never submitted.
struct talkative_transport {
  static constexpr bool keeps_key_order = false;
  std::vector<delivery> known{};

  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch) {
      known.push_back({.at = o.at});
      known.push_back({.at = o.at});
      known.push_back({.at = position{999}});
    }
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    out.insert(out.end(), known.begin(), known.end());
    known.clear();
  }
};

}  // namespace

TEST_CASE("M4: a destination that cannot be reached does not slow another one",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  deciding_transport to{[](const message& m) {
                          return m.topic == "down" ? outcome::unavailable : outcome::delivered;
                        },
                        true};
  auto relay = make_relay(f.store, to, f.time);
  f.put("d", "d", "down");
  relay.run_once();
  int prompt = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    f.time.advance(100ms);
    f.put(std::to_string(i), "k" + std::to_string(i), "up");
    relay.wake();
    relay.run_once();
    if (to.sent.size() == i + 1) ++prompt;
  }
  CHECK(prompt == 100);
}

TEST_CASE("M5: a message at which submit throws becomes a dead letter, and the others are sent",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  throwing_transport to;
  auto relay = make_relay(f.store, to, f.time);
  f.put("poison", "a");
  for (int i = 0; i < 100; ++i) f.put(std::to_string(i), "k" + std::to_string(i));
  run_for(relay, f.time, 60s);
  CHECK(to.sent == 100);
  const auto dead = f.store.dead_letters(beginning, 10);
  REQUIRE(dead.size() == 1);
  CHECK(dead.front().what.id == "poison");
}

TEST_CASE("M6: run_once works after a run that was stopped", "[fault][!shouldfail]") {
  outbox_fixture f;
  deciding_transport to{[](const message&) { return outcome::delivered; }};
  auto relay = make_relay(f.store, to, f.time);
  std::stop_source stop;
  stop.request_stop();
  relay.run(stop.get_token());
  f.put("1", "k");
  CHECK(run_for(relay, f.time, 10s) == 0);
  CHECK(to.sent == strings{"1"});
}

namespace {

/// How many rows are read from the first attempt of a failing key with `backlog` messages until
/// the message of another key behind it is published, and in three seconds of retries after that.
std::size_t rows_read_beside_backlog(int backlog) {
  testing::manual_time time;
  memory::database db;
  counting_store<manual_outbox> store{db, memory::outbox_store_options{}, time.wall()};
  outbox<counting_store<manual_outbox>> box{store};
  deciding_transport to{
      [](const message& m) { return m.subject == "hot" ? outcome::retry : outcome::delivered; }};
  auto relay = make_relay(store, to, time, no_observer{}, {.pump = {.max_attempts = 1000}});
  db.transact([&](auto& tx) {
    for (int i = 0; i < backlog; ++i) box.enqueue(tx, {.type = "t", .subject = "hot"});
    box.enqueue(tx, {.id = "other", .type = "t", .subject = "other"});
  });
  run_for(relay, time, 3s);
  REQUIRE(to.sent == strings{"other"});
  return store.rows_read;
}

}  // namespace

TEST_CASE("M8: the backlog of a failing key costs other keys nothing", "[fault][!shouldfail]") {
  CHECK(rows_read_beside_backlog(6000) < 2 * rows_read_beside_backlog(1500));
}

TEST_CASE("M9: a repeated answer and one for nothing are not counted", "[fault][!shouldfail]") {
  outbox_fixture f;
  talkative_transport to;
  int events = 0;
  auto relay = make_relay(f.store, to, f.time, [&](const message_published&) { ++events; });
  f.put("1", "k");
  CHECK(relay.run_once() == 1);
  CHECK(relay.published() == 1);
  CHECK(events == 1);
}

TEST_CASE("M10: a rejection on one topic does not park messages of another one",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  deciding_transport to{
      [](const message& m) { return m.topic == "audit" ? outcome::rejected : outcome::delivered; }};
  auto relay = make_relay(f.store, to, f.time);
  f.put("1", "order-7", "audit");
  f.put("2", "order-7", "orders");
  run_for(relay, f.time, 10s);
  CHECK(to.sent == strings{"2"});
  CHECK(f.store.stats().parked == 0);
}

TEST_CASE("M10a: a failure on one topic does not delay the same key on another one",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  deciding_transport to{
      [](const message& m) { return m.topic == "audit" ? outcome::retry : outcome::delivered; }};
  auto relay = make_relay(f.store, to, f.time);
  f.put("1", "order-7", "audit");
  f.put("2", "order-7", "orders");
  relay.run_once();
  CHECK(to.sent == strings{"2"});
}

namespace {

/// Forgets the first answer: a lost callback.
struct forgetful_transport {
  static constexpr bool keeps_key_order = false;
  bool forgot = false;
  std::vector<delivery> known{};
  strings sent{};

  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch) {
      if (!std::exchange(forgot, true)) continue;
      known.push_back({.at = o.at});
      sent.push_back(o.what->id);
    }
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    out.insert(out.end(), known.begin(), known.end());
    known.clear();
  }
};

}  // namespace

TEST_CASE("M16: an answer that never comes is in doubt after a while, and the key goes on",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  forgetful_transport to;
  int in_doubt = 0;
  auto relay = make_relay(f.store, to, f.time, [&](const message_in_doubt&) { ++in_doubt; });
  for (const char* id : {"1", "2", "3"}) f.put(id, "k");
  run_for(relay, f.time, 1h, 1s);
  CHECK(in_doubt == 1);
  CHECK(to.sent == strings{"1", "2", "3"});
}

TEST_CASE("M16a: an answer that never comes does not keep a relay on standby",
          "[fault][!shouldfail]") {
  // The lease is lost while an answer is outstanding: the relay may not ask for it again before
  // that answer, so with an answer that never comes it is on standby for ever.
  outbox_fixture f;
  forgetful_transport to;
  auto relay = make_relay(f.store, to, f.time);
  f.put("1", "k");
  relay.run_once();
  REQUIRE(f.store.acquire_lease("outbox/0", "thief", 1s).has_value() == false);
  f.time.step_wall(1min);  // the lease runs out for everybody else
  REQUIRE(f.store.acquire_lease("outbox/0", "thief", 1s).has_value());
  run_for(relay, f.time, 1h, 1s);
  CHECK(relay.has_lease());
  CHECK(to.sent == strings{"1"});
}

TEST_CASE("M21: the first fetch is bounded by window_bytes too", "[fault][!shouldfail]") {
  testing::manual_time time;
  memory::database db;
  counting_store<manual_outbox> store{db, memory::outbox_store_options{}, time.wall()};
  outbox<counting_store<manual_outbox>> box{store};
  deciding_transport to{[](const message&) { return outcome::delivered; }};
  const std::size_t window = 1U << 20U;
  auto relay = make_relay(store, to, time, no_observer{}, {.pump = {.window_bytes = window}});
  db.transact([&](auto& tx) {
    for (int i = 0; i < 32; ++i)
      box.enqueue(tx, {.type = "t", .data = std::string(window / 2, 'x')});
  });
  while (store.rows_read == 0) (void)relay.take_turn();
  CHECK(store.bytes_read <= 2 * window);
}

TEST_CASE("M16b: the time for an answer is an option", "[fault][!shouldfail]") {
  CHECK([](auto options) { return requires { options.answer_timeout; }; }(pump_options{}));
}

TEST_CASE("M22: retention is an option of relay and consumer", "[fault][!shouldfail]") {
  CHECK([](auto options) { return requires { options.retention; }; }(relay_options{}));
  CHECK([](auto options) { return requires { options.retention; }; }(consumer_options{}));
}

TEST_CASE("M22a: a group can be removed from a broker", "[fault][!shouldfail]") {
  memory::broker broker;
  CHECK([](auto& b) { return requires { b.remove_group("g"); }; }(broker));
}
