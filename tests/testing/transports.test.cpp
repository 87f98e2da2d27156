// SPDX-License-Identifier: MIT
#include <gabion/testing/faulty_store.hpp>
#include <gabion/testing/faulty_transport.hpp>
#include <gabion/testing/recording_transport.hpp>
#include <gabion/testing/transport_suite.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"

using namespace gabion;

namespace {

template <bool Keeps>
std::vector<message> delivered(const testing::basic_recording_transport<Keeps>& t) {
  std::vector<message> all;
  for (const auto& s : t.sent())
    if (s.answer == outcome::delivered) all.push_back(s.what);
  return all;
}

struct recording_world {
  explicit recording_world(testing::manual_time&) { to.capacity(700); }
  testing::recording_transport& transport() { return to; }
  std::vector<message> arrived() { return delivered(to); }
  testing::recording_transport to{};
};

struct unordered_world {
  explicit unordered_world(testing::manual_time&) {}
  testing::unordered_recording_transport& transport() { return to; }
  std::vector<message> arrived() { return delivered(to); }
  testing::unordered_recording_transport to{};
};

struct wrapped_world {
  explicit wrapped_world(testing::manual_time&) {}
  testing::faulty_transport<testing::recording_transport>& transport() { return wrapped; }
  std::vector<message> arrived() { return delivered(to); }
  testing::recording_transport to{};
  testing::faulty_transport<testing::recording_transport> wrapped{
      to, {.refuse = 300, .delay = 300, .reorder = 500}};
};

struct broker_world {
  explicit broker_world(testing::manual_time&) {}
  memory::broker::transport& transport() { return out; }
  std::vector<message> arrived() {
    std::vector<message> all;
    memory::broker::subscription in =
        broker.subscribe("suite-" + std::to_string(++readers), {"suite"});
    for (auto got = in.receive(1000, duration::zero()); !got.empty();
         got = in.receive(1000, duration::zero()))
      for (received& r : got) all.push_back(std::move(r.what));
    return all;
  }
  memory::broker broker{{.partitions = 4}};
  memory::broker::transport out = broker.make_transport();
  int readers = 0;
};

/// A transport that breaks one promise, so that the suite has to say so.
struct swapping : testing::recording_transport {
  std::size_t submit(std::span<const outgoing> batch) {
    std::vector<outgoing> turned(batch.rbegin(), batch.rend());
    return testing::recording_transport::submit(turned);
  }
};
struct repeating : testing::recording_transport {
  void poll(std::vector<delivery>& out, duration wait) {
    const std::size_t before = out.size();
    testing::recording_transport::poll(out, wait);
    for (std::size_t i = before, n = out.size(); i < n; ++i) out.push_back(out[i]);
  }
};
template <class Transport>
struct broken_world {
  explicit broken_world(testing::manual_time&) {}
  Transport& transport() { return to; }
  std::vector<message> arrived() { return delivered(to); }
  Transport to{};
};

template <class World>
std::set<std::string> complaints() {
  std::set<std::string> about;
  testing::run_suite(
      testing::transport_suite<World>(), [](testing::manual_time& t) { return World{t}; },
      [&](std::string_view name, const testing::findings& found) {
        if (!found.failures().empty()) about.emplace(name);
      });
  return about;
}

message keyed(const std::string& key, int n) {
  return {.id = key + std::to_string(n), .type = "t", .subject = key};
}

}  // namespace

TEST_CASE("the recording transport passes the suite", "[testing][transport][conformance]") {
  gabion_test::check_suite<recording_world>(testing::transport_suite<recording_world>());
}

TEST_CASE("the recording transport without key order passes the suite",
          "[testing][transport][conformance]") {
  gabion_test::check_suite<unordered_world>(testing::transport_suite<unordered_world>());
}

TEST_CASE("a transport wrapped with delays and another order of keys passes the suite",
          "[testing][transport][conformance]") {
  gabion_test::check_suite<wrapped_world>(testing::transport_suite<wrapped_world>());
}

TEST_CASE("the broker in memory passes the transport suite", "[memory][transport][conformance]") {
  gabion_test::check_suite<broker_world>(testing::transport_suite<broker_world>());
}

TEST_CASE("the transport suite finds a transport that breaks a promise", "[testing][transport]") {
  CHECK(complaints<recording_world>().empty());
  CHECK(complaints<broken_world<swapping>>().contains("order is kept within a key"));
  CHECK(complaints<broken_world<repeating>>().contains("each message gets exactly one delivery"));
}

TEST_CASE("a faulty transport keeps one delivery each and order within a key whatever its faults",
          "[testing][transport]") {
  testing::recording_transport to;
  testing::faulty_transport<testing::recording_transport> t{to,
                                                            {.seed = 7,
                                                             .refuse = 200,
                                                             .throws = 50,
                                                             .retry = 100,
                                                             .unavailable = 50,
                                                             .lost = 100,
                                                             .ack_lost = 100,
                                                             .duplicate = 100,
                                                             .delay = 300,
                                                             .reorder = 500}};
  std::vector<message> messages;
  for (int i = 0; i < 400; ++i)
    messages.push_back(keyed(std::string(1, static_cast<char>('a' + i % 5)), i));
  std::map<outcome, int> seen;
  for (std::size_t sent = 0; sent < messages.size();) {
    std::vector<outgoing> batch;
    for (std::size_t i = sent; i < messages.size() && batch.size() < 20; ++i)
      batch.push_back({position{i + 1}, &messages[i], 1});
    std::size_t taken = 0;
    try {
      taken = t.submit(batch);
    } catch (const error& e) {
      CHECK(e.code() == errc::unavailable);
    }
    std::vector<delivery> got;
    for (int i = 0; i < 10; ++i) t.poll(got, duration::zero());
    REQUIRE(got.size() == taken);
    std::map<std::string, position> failed;
    std::sort(got.begin(), got.end(),
              [](const delivery& a, const delivery& b) { return a.at < b.at; });
    for (const delivery& d : got) {
      ++seen[d.result];
      const std::string key = messages[to_number(d.at) - 1].subject;
      if (d.result == outcome::delivered) CHECK(!failed.contains(key));
      if (d.result != outcome::delivered) failed.emplace(key, d.at);
    }
    sent += taken;
  }
  CHECK(seen.size() == 4);  // every kind of answer came, but rejected
  CHECK(t.struck() > 100);
  std::map<std::string, int> last;
  for (const message& m : delivered(to)) {
    const int n = std::stoi(m.id.substr(1));
    CHECK(n >= last[m.subject]);
    last[m.subject] = n;
  }
}

TEST_CASE("the same seed gives the same faults and heal ends them", "[testing][transport]") {
  const auto run = [](std::uint64_t seed) {
    testing::recording_transport to;
    testing::faulty_transport<testing::recording_transport> t{to, {.seed = seed, .retry = 500}};
    const message m = keyed("", 1);
    std::string answers;
    for (std::uint64_t i = 1; i <= 64; ++i) {
      const outgoing o{position{i}, &m, 1};
      if (i == 33) t.heal();
      t.submit({&o, 1});
      std::vector<delivery> got;
      t.poll(got, duration::zero());
      answers += got.at(0).result == outcome::delivered ? 'd' : 'r';
    }
    return answers;
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
  CHECK(run(1).substr(32) == std::string(32, 'd'));
}

TEST_CASE("a faulty store fails before or after the work as planned", "[testing][store]") {
  memory::database db;
  memory::outbox_store inner{db};
  SECTION("before: nothing is done") {
    testing::faulty_store<memory::outbox_store> store{inner, {.fails = 1000}};
    CHECK_THROWS_AS(store.acquire_lease("l", "me", std::chrono::seconds{10}), error);
    CHECK(inner.acquire_lease("l", "other", std::chrono::seconds{10}).has_value());
    store.heal();
    CHECK_FALSE(store.acquire_lease("l", "me", std::chrono::seconds{10}).has_value());
    CHECK(store.struck() == 1);
  }
  SECTION("after: it is done but nobody knows") {
    testing::faulty_store<memory::outbox_store> store{inner, {.in_doubt = 1000}};
    CHECK_THROWS_AS(store.acquire_lease("l", "me", std::chrono::seconds{10}), error);
    CHECK_FALSE(inner.acquire_lease("l", "other", std::chrono::seconds{10}).has_value());
  }
}
