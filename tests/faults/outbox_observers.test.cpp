// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"

// What an observer throws stays with it: the engine goes on as if the observer had returned.

using namespace gabion_test::outbox_faults;

namespace {

enum class observer_kind { throwing, good };

/// Throws at the first event of that type, unless it is a good observer.
template <class Event>
struct throws_once {
  int* events;
  observer_kind kind = observer_kind::throwing;
  void operator()(const Event&) const {
    if ((*events)++ == 0 && kind == observer_kind::throwing)
      throw std::runtime_error{"the log disk is full"};
  }
};

/// Message "1" gets that outcome; "2" has the same key, "3" another one. True if the event came, no
/// exception left the relay, and "3" and a later message were published.
template <class Event, outcome FirstOutcome>
bool relay_survives(observer_kind kind = observer_kind::throwing) {
  outbox_fixture f;
  int tries = 0;
  deciding_transport to{[&](const message& m) {
    return m.id == "1" && tries++ == 0 ? FirstOutcome : outcome::delivered;
  }};
  int events = 0;
  auto relay = make_relay(f.store, to, f.time, throws_once<Event>{&events, kind});
  f.put("1", "k");
  f.put("2", "k");
  f.put("3", "other");
  int leaks = run_for(relay, f.time, 60s, 1s);
  f.put("4", "another");
  leaks += run_for(relay, f.time, 60s, 1s);
  const auto sent = [&](const char* id) {
    return std::find(to.sent.begin(), to.sent.end(), id) != to.sent.end();
  };
  return events > 0 && leaks == 0 && sent("3") && sent("4");
}

/// Message "1" gets that outcome from its handler. True if the event came, no exception left the
/// consumer, and "3" and a later message were handled.
template <class Event, outcome FirstOutcome>
bool consumer_survives(observer_kind kind = observer_kind::throwing) {
  inbox_fixture f;
  int tries = 0;
  std::vector<std::string> done;
  int events = 0;
  auto consumer = make_consumer(
      f.in, f.inbox, f.db,
      [&](memory::database::transaction&, const message& m) {
        const outcome as = m.id == "1" && tries++ == 0 ? FirstOutcome : outcome::delivered;
        if (as == outcome::delivered) done.push_back(m.id);
        return as;
      },
      f.time, throws_once<Event>{&events, kind});
  f.send("1", "k");
  f.send("2", "k");
  f.send("2", "k");
  f.send("3", "other");
  int leaks = run_for(consumer, f.time, 60s, 1s);
  f.send("4", "another");
  leaks += run_for(consumer, f.time, 60s, 1s);
  const auto handled = [&](const char* id) {
    return std::count(done.begin(), done.end(), id) == 1;
  };
  return events > 0 && leaks == 0 && handled("3") && handled("4");
}

}  // namespace

TEST_CASE("with a good observer relay and consumer do what M1 asks for", "[outbox]") {
  constexpr auto good = observer_kind::good;
  CHECK(relay_survives<message_dead, outcome::rejected>(good));
  CHECK(relay_survives<message_published, outcome::delivered>(good));
  CHECK(relay_survives<message_retried, outcome::retry>(good));
  CHECK(relay_survives<message_parked, outcome::rejected>(good));
  CHECK(relay_survives<message_in_doubt, outcome::in_doubt>(good));
  CHECK(relay_survives<lease_gained, outcome::delivered>(good));
  CHECK(consumer_survives<message_handled, outcome::delivered>(good));
  CHECK(consumer_survives<message_repeated, outcome::delivered>(good));
  CHECK(consumer_survives<message_dead, outcome::rejected>(good));
  CHECK(consumer_survives<message_retried, outcome::retry>(good));
  CHECK(consumer_survives<message_parked, outcome::rejected>(good));
}

TEST_CASE("M1: an observer that throws at a dead message does not stop the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<message_dead, outcome::rejected>());
}

TEST_CASE("M1a: an observer that throws at a published message does not stop the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<message_published, outcome::delivered>());
}

TEST_CASE("M1b: an observer that throws at a retried message does not stop the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<message_retried, outcome::retry>());
}

TEST_CASE("M1c: an observer that throws at a parked message does not stop the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<message_parked, outcome::rejected>());
}

TEST_CASE("M1d: an observer that throws at a message in doubt does not stop the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<message_in_doubt, outcome::in_doubt>());
}

TEST_CASE("M1e: what an observer throws at a gained lease does not leave the relay",
          "[fault][!shouldfail]") {
  CHECK(relay_survives<lease_gained, outcome::delivered>());
}

TEST_CASE("M1f: what an observer throws at a failed transport does not leave the relay",
          "[fault][!shouldfail]") {
  outbox_fixture f;
  int tries = 0;
  deciding_transport to{[&](const message&) {
    if (tries++ == 0) throw std::runtime_error{"no connection"};
    return outcome::delivered;
  }};
  int events = 0;
  auto relay = make_relay(f.store, to, f.time, throws_once<transport_failed>{&events});
  f.put("1", "k");
  CHECK(run_for(relay, f.time, 60s, 1s) == 0);
  CHECK(events > 0);
  CHECK(to.sent == std::vector<std::string>{"1"});
}

TEST_CASE("M1g: an observer that throws at a handled message does not stop the consumer",
          "[fault][!shouldfail]") {
  CHECK(consumer_survives<message_handled, outcome::delivered>());
}

TEST_CASE("M1h: an observer that throws at a repeated message does not stop the consumer",
          "[fault][!shouldfail]") {
  CHECK(consumer_survives<message_repeated, outcome::delivered>());
}

TEST_CASE("M1i: an observer that throws at a dead message does not stop the consumer",
          "[fault][!shouldfail]") {
  CHECK(consumer_survives<message_dead, outcome::rejected>());
}

TEST_CASE("M1j: an observer that throws at a retried message does not stop the consumer",
          "[fault][!shouldfail]") {
  CHECK(consumer_survives<message_retried, outcome::retry>());
}

TEST_CASE("M1k: an observer that throws at a parked message does not stop the consumer",
          "[fault][!shouldfail]") {
  CHECK(consumer_survives<message_parked, outcome::rejected>());
}

namespace {

/// A subscription that fails once, at the call that is named.
struct failing_subscription {
  memory::broker::subscription& in;
  bool fail_receive = false;
  mutable bool fail_assignment = false;

  std::vector<received> receive(std::size_t limit, duration wait) {
    if (std::exchange(fail_receive, false)) throw std::runtime_error{"no connection"};
    return in.receive(limit, wait);
  }
  settle_status commit(std::uint32_t partition, position up_to) {
    return in.commit(partition, up_to);
  }
  std::uint64_t assignment() const {
    if (std::exchange(fail_assignment, false)) throw std::runtime_error{"no connection"};
    return in.assignment();
  }
};

}  // namespace

TEST_CASE("M1l: what an observer throws at a failed subscription does not leave the consumer",
          "[fault][!shouldfail]") {
  inbox_fixture f;
  failing_subscription in{f.in};
  int events = 0;
  auto consumer = make_consumer(
      in, f.inbox, f.db, [](memory::database::transaction&, const message&) {}, f.time,
      throws_once<transport_failed>{&events});
  f.send("1", "k");
  in.fail_receive = true;
  CHECK(run_for(consumer, f.time, 10s) == 0);
  CHECK(events > 0);
  CHECK(consumer.handled() == 1);
}

TEST_CASE("M1m: a subscription that cannot tell its assignment is reported and used again",
          "[fault][!shouldfail]") {
  inbox_fixture f;
  failing_subscription in{f.in};
  int events = 0;
  auto consumer = make_consumer(
      in, f.inbox, f.db, [](memory::database::transaction&, const message&) {}, f.time,
      [&](const transport_failed&) { ++events; });
  f.send("1", "k");
  in.fail_assignment = true;
  CHECK(run_for(consumer, f.time, 10s) == 0);
  CHECK(events == 1);
  CHECK(consumer.handled() == 1);
}
