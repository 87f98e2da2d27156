// SPDX-License-Identifier: MIT
#include <set>
#include <stop_token>
#include <string_view>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"

using namespace gabion_test::outbox_faults;
using transaction = memory::database::transaction;

TEST_CASE("M2: a key whose handler reports an open circuit does not stop its partition",
          "[fault][!shouldfail]") {
  inbox_fixture f;
  std::set<std::string> done;
  auto consumer = make_consumer(
      f.in, f.inbox, f.db,
      [&](transaction&, const message& m) {
        if (m.subject == "customer-7") throw error{errc::circuit_open, "their webhook is down"};
        done.insert(m.subject);
      },
      f.time);
  f.send("a", "customer-7");
  for (int i = 100; i < 200; ++i) f.send(std::to_string(i), "customer-" + std::to_string(i));
  run_for(consumer, f.time, 20s);
  CHECK(done.size() == 100);
}

namespace {

/// How many of 100 customers are served although another key has 1,100 messages that fail so.
std::size_t served_beside(outcome failure) {
  inbox_fixture f{8};
  std::set<std::string> done;
  auto consumer = make_consumer(
      f.in, f.inbox, f.db,
      [&](transaction&, const message& m) {
        if (m.subject == "customer-7") return failure;
        done.insert(m.subject);
        return outcome::delivered;
      },
      f.time);
  for (int i = 0; i < 1100; ++i) f.send("a" + std::to_string(i), "customer-7");
  run_for(consumer, f.time, 1s);
  for (int i = 100; i < 200; ++i) f.send(std::to_string(i), "customer-" + std::to_string(i));
  run_for(consumer, f.time, 5s);
  return done.size();
}

}  // namespace

TEST_CASE("M3: one failing key does not fill the window of the consumer", "[fault][!shouldfail]") {
  CHECK(served_beside(outcome::retry) == 100);
}

TEST_CASE("M3a: one key that cannot be reached does not fill the window of the consumer",
          "[fault][!shouldfail]") {
  CHECK(served_beside(outcome::unavailable) == 100);
}

TEST_CASE("M6a: run_once of a consumer works after a run that was stopped",
          "[fault][!shouldfail]") {
  inbox_fixture f;
  auto consumer = make_consumer(f.in, f.inbox, f.db, [](transaction&, const message&) {}, f.time);
  std::stop_source stop;
  stop.request_stop();
  consumer.run(stop.get_token());
  f.send("1", "k");
  CHECK(consumer.run_once() == 1);
}

TEST_CASE("M10b: a letter does not park the messages of another source", "[fault][!shouldfail]") {
  inbox_fixture f;
  auto consumer = make_consumer(
      f.in, f.inbox, f.db,
      [](transaction&, const message& m) {
        return m.source == "/orders" ? outcome::rejected : outcome::delivered;
      },
      f.time);
  for (const char* source : {"/orders", "/invoices"}) {
    const message m{.id = "1", .source = source, .type = "t", .subject = "7", .topic = "orders"};
    const outgoing o{.at = position{1}, .what = &m};
    (void)f.out.submit({&o, 1});
  }
  run_for(consumer, f.time, 5s);
  CHECK(consumer.handled() == 1);
  CHECK(f.inbox.letters("c", beginning, 10).size() == 1);
}

TEST_CASE("M18: a handler gets a limit of time", "[fault][!shouldfail]") {
  // Both the option and what is handed to the handler are to be named when they are made.
  CHECK([](auto options) { return requires { options.handler_timeout; }; }(consumer_options{}));
}

TEST_CASE("M23: the default options share a transaction between waiting messages",
          "[fault][!shouldfail]") {
  inbox_fixture f;
  counting_database db{f.db};
  auto consumer = make_consumer(f.in, f.inbox, db, [](transaction&, const message&) {}, f.time);
  for (int i = 0; i < 256; ++i) f.send(std::to_string(i), "k" + std::to_string(i));
  CHECK(consumer.run_once() == 256);
  CHECK(db.begun <= 32);
}
