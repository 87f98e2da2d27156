// SPDX-License-Identifier: MIT
#include <gabion/outbox/consumer.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace gabion;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

using manual_inbox = memory::basic_inbox_store<testing::manual_wall_clock>;
using transaction = memory::database::transaction;

/// The effects of a handler: written inside its transaction, gone after a rollback.
class effects : public memory::participant {
 public:
  void add(transaction& tx, const std::string& what) {
    tx.join(*this);
    all_.push_back(what);
  }
  void commit() noexcept override { committed_ = all_.size(); }
  void rollback() noexcept override { all_.resize(committed_); }
  [[nodiscard]] const strings& all() const { return all_; }

 private:
  strings all_{};
  std::size_t committed_ = 0;
};

struct log_of_events {
  strings* into = nullptr;
  void operator()(const message_handled& e) const { into->push_back("handled " + e.what.id); }
  void operator()(const message_repeated& e) const { into->push_back("repeated " + e.what.id); }
  void operator()(const message_retried& e) const {
    into->push_back("retried " + e.what.id + " " + std::to_string(e.attempts));
  }
  void operator()(const message_dead& e) const {
    into->push_back("dead " + e.what.id + " " + std::to_string(e.attempts) + " " +
                    std::string{e.reason});
  }
  void operator()(const message_parked& e) const { into->push_back("parked " + e.what.id); }
  void operator()(const pump_paused& e) const {
    into->push_back("paused " + std::string{e.reason});
  }
  void operator()(const store_failed& e) const {
    into->push_back("store failed " + std::string{e.operation});
  }
  void operator()(const transport_failed& e) const {
    into->push_back("transport failed " + std::string{e.operation});
  }
};

consumer_options steady(poison_policy policy = poison_policy::park, std::size_t batch = 1) {
  const backoff_options second{
      .initial = 1s, .cap = 1s, .growth = backoff_growth::constant, .jitter = backoff_jitter::none};
  consumer_options o{.name = "email", .batch = batch};
  o.pump.retry = o.pump.outage = o.pump.store = second;
  o.pump.max_attempts = 3;
  o.pump.on_poison = policy;
  return o;
}

/// A broker, a consumer's database and its handler, which fails as it is told.
struct world {
  testing::manual_time time{};
  memory::broker broker{{.partitions = 2}};
  memory::broker::transport out = broker.make_transport();
  std::optional<memory::broker::subscription> in{broker.subscribe("email", {"orders"})};
  memory::database db{};
  manual_inbox inbox{db, time.wall()};
  effects done{};
  strings events{};
  std::map<std::string, int> calls{};
  std::map<std::string, errc> fails{};
  std::map<std::string, std::string> throws{};

  void handle(transaction& tx, const message& m) {
    ++calls[m.id];
    done.add(tx, m.id);
    if (const auto f = fails.find(m.id); f != fails.end()) throw error{f->second, "told to"};
    if (const auto t = throws.find(m.id); t != throws.end()) throw std::runtime_error{t->second};
  }

  template <class From, class Inbox>
  auto make_from(From& from, Inbox& into, consumer_options o) {
    auto handler = [this](transaction& tx, const message& m) { handle(tx, m); };
    return basic_consumer<From, Inbox, memory::database, decltype(handler), testing::manual_clock,
                          log_of_events, native_env, testing::manual_wall_clock>{
        from, into, db, handler, std::move(o), time.clock(), log_of_events{&events}, time.wall()};
  }

  auto make(consumer_options o = steady()) { return make_from(*in, inbox, std::move(o)); }
  void send(const std::string& key, const strings& ids) {
    std::uint64_t at = 0;
    for (const std::string& id : ids) {
      const message m{.id = id, .source = "/s", .type = "t", .subject = key, .topic = "orders"};
      const outgoing o{position{++at}, &m, 1};
      CHECK(out.submit({&o, 1}) == 1);
    }
  }
  template <class Consumer>
  void pass(Consumer& c, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      c.run_once();
      time.advance(1s);
    }
    c.run_once();
  }
  [[nodiscard]] bool saw(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }
  [[nodiscard]] strings effects_of(const std::string& prefix) const {
    strings s;
    for (const std::string& e : done.all())
      if (e.starts_with(prefix)) s.push_back(e);
    return s;
  }
};

/// A subscription over a list, whose commits can fail and be fenced.
struct scripted {
  std::vector<received> list{};
  std::size_t next = 0;
  std::map<std::uint32_t, position> committed{};
  settle_status answer = settle_status::applied;
  int failing_commits = 0;
  std::uint64_t generation = 1;

  std::vector<received> receive(std::size_t limit, duration) {
    std::vector<received> got;
    while (next < list.size() && got.size() < limit) got.push_back(list[next++]);
    return got;
  }
  settle_status commit(std::uint32_t partition, position up_to) {
    if (failing_commits > 0) {
      --failing_commits;
      throw error{errc::unavailable, "the broker is away"};
    }
    if (answer == settle_status::applied) committed[partition] = up_to;
    return answer;
  }
  [[nodiscard]] std::uint64_t assignment() const { return generation; }
  void add(std::uint32_t partition, std::uint64_t at, const std::string& id,
           const std::string& key = "") {
    list.push_back(
        {partition, position{at}, message{.id = id, .source = "/s", .type = "t", .subject = key}});
  }
};

/// A broker's memory in front of which something can happen just before a read.
struct watched_memory {
  memory::broker_memory kept{};
  std::function<void()> before_read{};

  std::size_t append(std::span<const placement> batch) { return kept.append(batch); }
  std::vector<received> read(std::string_view topic, std::uint32_t part, position after,
                             std::size_t limit) {
    if (before_read) std::exchange(before_read, nullptr)();
    return kept.read(topic, part, after, limit);
  }
  position committed(std::string_view group, std::string_view topic, std::uint32_t part) {
    return kept.committed(group, topic, part);
  }
  void commit(std::string_view group, std::string_view topic, std::uint32_t part, position up_to) {
    kept.commit(group, topic, part, up_to);
  }
};

}  // namespace

TEST_CASE("each message takes effect once and is logged", "[consumer]") {
  world w;
  auto c = w.make();
  w.send("a", {"1", "2", "3"});
  CHECK(c.run_once() == 3);
  CHECK(w.done.all() == strings{"1", "2", "3"});
  REQUIRE(w.inbox.entry("email", "/s", "2").has_value());
  CHECK(w.inbox.entry("email", "/s", "2")->status == inbox_status::processed);
  CHECK(c.run_once() == 0);
}

TEST_CASE("a message that comes twice takes effect once", "[consumer]") {
  world w;
  auto c = w.make();
  w.send("a", {"1", "1", "2", "1"});
  c.run_once();
  CHECK(w.done.all() == strings{"1", "2"});
  CHECK(c.repeated() == 2);
  CHECK(w.saw("repeated 1"));
}

TEST_CASE("two consumers each handle the same message", "[consumer]") {
  world w;
  auto other_in = w.broker.subscribe("stock", {"orders"});
  auto email = w.make();
  consumer_options o = steady();
  o.name = "stock";
  auto stock = w.make_from(other_in, w.inbox, o);
  w.send("a", {"1"});
  email.run_once();
  stock.run_once();
  CHECK(w.calls["1"] == 2);
}

TEST_CASE("a crash after the commit and before the offset repeats nothing", "[consumer][crash]") {
  world w;
  scripted from;
  from.add(0, 1, "1");
  from.failing_commits = 1'000'000;
  {
    auto c = w.make_from(from, w.inbox, steady());
    c.run_once();
    CHECK(w.done.all() == strings{"1"});
    CHECK(from.committed.empty());
  }
  from.failing_commits = 0;
  from.next = 0;
  auto c = w.make_from(from, w.inbox, steady());
  c.run_once();
  CHECK(w.done.all() == strings{"1"});
  CHECK(from.committed[0] == position{1});
}

TEST_CASE("a handler that fails leaves no trace and is tried again while other keys go on",
          "[consumer][retry]") {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{10}}) {
    world w;
    auto c = w.make(steady(poison_policy::park, batch));
    w.throws["a1"] = "no";
    w.send("a", {"a1", "a2"});
    w.send("b", {"b1"});
    c.run_once();
    INFO("batch " << batch);
    CHECK(w.done.all() == strings{"b1"});
    CHECK_FALSE(w.inbox.entry("email", "/s", "a1").has_value());
    CHECK_FALSE((w.calls.contains("a2") && batch == 1));
    w.throws.clear();
    w.time.advance(1s);
    c.run_once();
    CHECK(w.done.all() == strings{"b1", "a1", "a2"});
    CHECK(w.saw("retried a1 1"));
  }
}

TEST_CASE("the offset never passes a message that is not settled", "[consumer]") {
  world w;
  scripted from;
  from.add(0, 10, "1", "a");
  from.add(0, 20, "2", "b");
  from.add(0, 30, "3", "c");
  from.add(7, 5, "other", "d");
  w.throws["2"] = "no";
  auto c = w.make_from(from, w.inbox, steady());
  c.run_once();
  CHECK(from.committed[0] >= position{10});
  CHECK(from.committed[0] < position{20});
  CHECK(from.committed[7] == position{5});
  w.throws.clear();
  w.time.advance(1s);
  c.run_once();
  CHECK(from.committed[0] == position{30});
}

TEST_CASE("what fails for good becomes a letter before the offset passes it and parks its key",
          "[consumer][dead]") {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{10}}) {
    INFO("batch " << batch);
    world w;
    auto c = w.make(steady(poison_policy::park, batch));
    w.throws["a2"] = "always";
    w.send("a", {"a1", "a2", "a3", "a4"});
    w.send("b", {"b1", "b2"});
    w.pass(c, 3);
    CHECK(w.effects_of("a") == strings{"a1"});
    CHECK(w.effects_of("b") == strings{"b1", "b2"});
    CHECK(w.saw("dead a2 3 always"));
    CHECK(w.saw("parked a3"));
    const std::vector<inbox_letter> letters = w.inbox.letters("email", beginning, 10);
    REQUIRE(letters.size() == 3);
    CHECK(letters[0].what.id == "a2");
    CHECK(letters[0].attempts == 3);
    CHECK(letters[1].status == inbox_status::parked);

    SECTION("a redrive restores the order and new messages wait behind it" +
            std::to_string(batch)) {
      w.throws.clear();
      CHECK(w.inbox.redrive("email", letters[0].at));
      w.send("a", {"a5"});
      c.wake();
      w.pass(c, 3);
      CHECK(w.effects_of("a") == strings{"a1", "a2", "a3", "a4", "a5"});
      CHECK(w.inbox.letters("email", beginning, 10).empty());
      CHECK_FALSE(w.inbox.redrive("email", letters[0].at));
    }
    SECTION("a redriven letter that fails again is dead again and still blocks" +
            std::to_string(batch)) {
      w.fails["a2"] = errc::rejected;
      CHECK(w.inbox.redrive("email", letters[0].at));
      c.wake();
      w.send("a", {"a5"});
      w.pass(c, 5);
      CHECK(w.effects_of("a") == strings{"a1"});
      const std::vector<inbox_letter> again = w.inbox.letters("email", beginning, 10);
      REQUIRE(again.size() == 4);
      CHECK(again[0].status == inbox_status::dead);
      CHECK(again[1].status == inbox_status::parked);
      w.fails.clear();
      w.throws.clear();
      CHECK(w.inbox.redrive("email", again[0].at));
      w.pass(c, 3);
      CHECK(w.effects_of("a") == strings{"a1", "a2", "a3", "a4", "a5"});
    }
  }
}

TEST_CASE("an error of the code rejected is given up at once", "[consumer][dead]") {
  world w;
  auto c = w.make();
  w.fails["1"] = errc::rejected;
  w.send("a", {"1"});
  c.run_once();
  CHECK(w.calls["1"] == 1);
  CHECK(w.saw("dead 1 1 told to: rejected"));
}

TEST_CASE("an open circuit in a handler counts no attempt", "[consumer][outage]") {
  world w;
  auto c = w.make();
  w.fails["1"] = errc::circuit_open;
  w.send("a", {"1", "2"});
  w.pass(c, 30);
  CHECK(w.calls["1"] > 3);
  CHECK(w.inbox.letters("email", beginning, 10).empty());
  w.fails.clear();
  w.pass(c, 2);
  CHECK(w.done.all() == strings{"1", "2"});
}

TEST_CASE("the policy skip keeps the letter and lets the key go on", "[consumer][dead]") {
  world w;
  auto c = w.make(steady(poison_policy::skip));
  w.fails["1"] = errc::rejected;
  w.send("a", {"1", "2"});
  c.run_once();
  CHECK(w.done.all() == strings{"2"});
  CHECK(w.inbox.letters("email", beginning, 10).size() == 1);
}

TEST_CASE("the policy pause stops the partition until it is resumed", "[consumer][dead]") {
  world w;
  auto c = w.make(steady(poison_policy::pause));
  w.fails["1"] = errc::rejected;
  w.send("a", {"1", "2"});
  w.pass(c, 5);
  CHECK(w.done.all().empty());
  CHECK(w.calls["1"] == 1);
  CHECK(std::count(w.events.begin(), w.events.end(), "paused told to: rejected") == 1);
  w.fails.clear();
  c.resume();
  c.run_once();
  CHECK(w.done.all() == strings{"1", "2"});
}

TEST_CASE("a handler may say by its result what became of the message", "[consumer]") {
  world w;
  SECTION("an outcome") {
    outcome as = outcome::retry;
    auto handler = [&](transaction& tx, const message& m) {
      w.done.add(tx, m.id);
      return as;
    };
    basic_consumer c{*w.in, w.inbox, w.db, handler, steady(), w.time.clock()};
    w.send("a", {"1"});
    c.run_once();
    CHECK(w.done.all().empty());
    as = outcome::delivered;
    w.time.advance(1s);
    c.run_once();
    CHECK(w.done.all() == strings{"1"});
  }
  SECTION("an error code") {
    auto handler = [&](transaction& tx, const message& m) {
      w.done.add(tx, m.id);
      return std::error_code{errc::rejected};
    };
    basic_consumer c{*w.in, w.inbox, w.db, handler, steady(), w.time.clock()};
    w.send("a", {"1"});
    c.run_once();
    CHECK(w.done.all().empty());
    CHECK(w.inbox.letters("email", beginning, 10).size() == 1);
  }
}

TEST_CASE("several messages share a transaction and one that fails undoes no other",
          "[consumer][batch]") {
  world w;
  auto c = w.make(steady(poison_policy::park, 5));
  w.throws["c"] = "no";
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) w.send(id, {id});
  c.run_once();
  strings all = w.done.all();
  std::sort(all.begin(), all.end());
  CHECK(all == strings{"a", "b", "d", "e", "f"});
}

TEST_CASE("a fenced commit forgets the partition", "[consumer][assignment]") {
  world w;
  scripted from;
  from.add(0, 1, "1");
  from.answer = settle_status::fenced;
  auto c = w.make_from(from, w.inbox, steady());
  c.run_once();
  CHECK(w.done.all() == strings{"1"});
  from.answer = settle_status::applied;
  from.add(0, 1, "1");
  from.add(0, 2, "2");
  c.run_once();
  CHECK(w.done.all() == strings{"1", "2"});
  CHECK(c.repeated() == 1);
}

TEST_CASE("after a change of assignment what is held is forgotten", "[consumer][assignment]") {
  world w;
  scripted from;
  from.add(0, 1, "1", "a");
  w.throws["1"] = "no";
  auto c = w.make_from(from, w.inbox, steady());
  c.run_once();
  ++from.generation;
  w.throws.clear();
  w.time.advance(10s);
  c.run_once();
  CHECK(w.done.all().empty());  // the partition is not ours any more
  from.add(0, 1, "1", "a");
  c.run_once();
  CHECK(w.done.all() == strings{"1"});
}

TEST_CASE("a member that joins while another receives makes it lose nothing",
          "[consumer][assignment]") {
  world w;
  using broker_type = basic_broker<watched_memory>;
  broker_type broker{{.partitions = 1}};
  auto out = broker.make_transport();
  const auto send = [&](const std::string& key, const std::string& id) {
    const message m{.id = id, .source = "/s", .type = "t", .subject = key, .topic = "orders"};
    const outgoing o{position{1}, &m, 1};
    CHECK(out.submit({&o, 1}) == 1);
  };
  auto in = broker.subscribe("email", {"orders"});
  auto c = w.make_from(in, w.inbox, steady());
  w.throws["1"] = "not yet";
  send("a", "1");
  c.run_once();  // 1 waits for its next attempt, and is not settled
  std::optional<broker_type::subscription> other;
  broker.storage().before_read = [&] { other.emplace(broker.subscribe("email", {"orders"})); };
  send("b", "2");
  c.run_once();
  REQUIRE(other);
  w.throws.clear();
  w.pass(c, 5);
  auto done = w.done.all();
  std::sort(done.begin(), done.end());
  CHECK(done == strings{"1", "2"});
}

TEST_CASE("two members share the partitions and every message takes effect once",
          "[consumer][assignment]") {
  world w;
  auto first = w.make();
  for (int i = 0; i < 20; ++i) w.send("k" + std::to_string(i), {std::to_string(i)});
  first.run_once();
  auto second_in = w.broker.subscribe("email", {"orders"});
  auto second = w.make_from(second_in, w.inbox, steady());
  for (int i = 20; i < 40; ++i) w.send("k" + std::to_string(i), {std::to_string(i)});
  for (int i = 0; i < 5; ++i) {
    first.run_once();
    second.run_once();
    w.time.advance(1s);
  }
  CHECK(w.done.all().size() == 40);
  CHECK(first.handled() + second.handled() == 40);
  CHECK(second.handled() > 0);
}

TEST_CASE("a database that is away burns no attempts and is not called in a hot loop",
          "[consumer][outage]") {
  world w;
  struct failing : manual_inbox {
    using manual_inbox::manual_inbox;
    int calls = 0;
    bool away = true;
    bool begin_message(transaction& tx, std::string_view c, const message& m) {
      ++calls;
      if (away) throw error{errc::busy, "locked"};
      return manual_inbox::begin_message(tx, c, m);
    }
  } inbox{w.db, w.time.wall()};
  auto c = w.make_from(*w.in, inbox, steady(poison_policy::park, 4));
  for (int i = 0; i < 10; ++i) w.send("k" + std::to_string(i), {std::to_string(i)});
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 10; ++j) c.run_once();
    w.time.advance(1s);
  }
  CHECK(inbox.calls <= 10 * 2 * 2);  // per second and partition: once together, once alone
  inbox.away = false;
  w.pass(c, 2);
  CHECK(w.done.all().size() == 10);
}

TEST_CASE("a message without an id is told by its place", "[consumer]") {
  world w;
  scripted from;
  from.add(3, 9, "");
  from.list.back().what.topic = "orders";
  {
    auto c = w.make_from(from, w.inbox, steady());
    c.run_once();
  }
  CHECK(w.done.all() == strings{"@orders/3/9"});
  scripted other;  // with another topic in front, which has this number now
  other.add(3, 9, "");
  other.list.back().what.topic = "bills";
  auto c = w.make_from(other, w.inbox, steady());
  c.run_once();
  CHECK(w.done.all() == strings{"@orders/3/9", "@bills/3/9"});
}

TEST_CASE("memory is bounded by the window while nothing can be handled", "[consumer][outage]") {
  world w;
  scripted from;
  for (std::uint64_t i = 1; i <= 1000; ++i)
    from.add(static_cast<std::uint32_t>(i % 3), i, std::to_string(i), "k");
  consumer_options o = steady();
  o.pump.window = 30;
  for (std::uint64_t i = 1; i <= 1000; ++i) w.fails[std::to_string(i)] = errc::unavailable;
  auto c = w.make_from(from, w.inbox, o);
  w.pass(c, 20);
  CHECK(from.next == 30);
  w.fails.clear();
  w.pass(c, 40);
  CHECK(w.done.all().size() == 1000);
}

TEST_CASE("stop settles what is handled and receives nothing new", "[consumer][stop]") {
  world w;
  scripted from;
  from.add(0, 1, "1");
  auto c = w.make_from(from, w.inbox, steady());
  while (w.done.all().empty()) c.take_turn();
  CHECK(from.committed.empty());
  from.add(0, 2, "2");
  c.begin_stop();
  c.run_once();
  CHECK(c.take_turn().stopped);
  CHECK(from.committed[0] == position{1});
  CHECK(from.next == 1);
}

TEST_CASE("run handles what arrives and ends when asked to", "[consumer][stop]") {
  world w;
  auto handler = [&](transaction& tx, const message& m) { w.done.add(tx, m.id); };
  consumer c{*w.in, w.inbox, w.db, handler, {.name = "email"}};
  std::stop_source stop;
  std::thread runner{[&] { c.run(stop.get_token()); }};
  w.send("a", {"1", "2"});
  while (!w.inbox.entry("email", "/s", "2")) std::this_thread::yield();
  stop.request_stop();
  runner.join();
  CHECK(w.done.all() == strings{"1", "2"});
}

TEST_CASE("a consumer needs a name and options in range", "[consumer][options]") {
  world w;
  const auto message_of = [&](consumer_options o) -> std::string {
    try {
      auto c = w.make(std::move(o));
    } catch (const error& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(message_of({}).starts_with("consumer_options.name has 0 bytes; allowed: 1 to 255"));
  CHECK(message_of({.name = std::string(256, 'x')})
            .starts_with("consumer_options.name has 256 bytes"));
  CHECK(message_of({.name = std::string(255, 'x')}) == "accepted");
  CHECK(message_of({.name = "x", .batch = 0})
            .starts_with("consumer_options.batch is 0; allowed: 1 to 10000"));
  CHECK(message_of({.name = "x", .batch = 10'001}).starts_with("consumer_options.batch is 10001"));
}
