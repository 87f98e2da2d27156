// SPDX-License-Identifier: MIT
// Breakers of several instances that learn from each other: when they open together, for how long,
// and why they close again.
#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gabion/adapters/memory/circuit_opinion_store.hpp>
#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/shared_circuit.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_cause;
using gabion::circuit_mode;
using gabion::circuit_opinion;
using gabion::circuit_state;
using gabion::duration;
using gabion::errc;
using gabion::instant;

namespace {

using gabion::testing::manual_clock;
using gabion::testing::manual_time;
using breaker = gabion::basic_circuit_breaker<manual_clock>;
using memory_store = gabion::memory::basic_circuit_opinion_store<manual_clock>;

/// A memory store that can be down, and counts what it is asked.
class shaky_store {
 public:
  explicit shaky_store(manual_clock time) : store_{time} {}
  std::error_code publish(std::string_view circuit, const circuit_opinion& mine, duration ttl) {
    ++publications;
    fail();
    if (publish_error) return *publish_error;
    return down ? make_error_code(errc::unavailable) : store_.publish(circuit, mine, ttl);
  }
  gabion::circuit_opinions read(std::string_view circuit) {
    ++readings;
    fail();
    if (down) return {.error = make_error_code(errc::unavailable)};
    return store_.read(circuit);
  }

  bool down = false;
  bool throws = false;
  std::optional<std::error_code> publish_error{};
  int publications = 0;
  int readings = 0;

 private:
  void fail() const {
    if (throws) throw std::runtime_error{"the store broke"};
  }
  memory_store store_;
};

/// One instance of a service: its breaker, and what shares it.
struct instance_of {
  instance_of(manual_time& time, shaky_store& store, std::string id,
              gabion::shared_circuit_options options)
      : name{std::move(id)},
        b{{.failures = 2, .open_for = 30s, .successes_to_close = 1, .name = "stock"}, time.clock()},
        shared{b, store, with_name(options, name), gabion::xoshiro256{7}} {}

  static gabion::shared_circuit_options with_name(gabion::shared_circuit_options o,
                                                  std::string_view id) {
    o.instance = id;
    return o;
  }
  void fail(int times = 2) {
    for (int i = 0; i < times; ++i)
      if (auto a = b.try_acquire()) a->failure();
  }
  [[nodiscard]] bool open() const { return b.state() == circuit_state::open; }

  std::string name;
  breaker b;
  gabion::basic_shared_circuit<breaker, shaky_store, gabion::xoshiro256> shared;
};

/// A service of several instances on one time and one store.
struct service {
  explicit service(int n, gabion::shared_circuit_options options = {}) {
    for (int i = 0; i < n; ++i)
      instances.emplace_back(time, store, "pod-" + std::to_string(i), options);
  }
  instance_of& operator[](std::size_t i) { return instances[i]; }

  /// Lets time pass, each instance stepping whenever it has asked to.
  void run(duration for_time) {
    const instant end = time.now() + for_time;
    if (due.size() != instances.size()) due.assign(instances.size(), time.now());
    for (;;) {
      const auto next = std::min_element(due.begin(), due.end());
      if (*next > end) break;
      time.advance_to(*next);
      *next = instances[static_cast<std::size_t>(next - due.begin())].shared.step(time.now());
      REQUIRE(*next > time.now());
    }
    time.advance_to(end);
  }

  [[nodiscard]] int open() const {
    return static_cast<int>(
        std::count_if(instances.begin(), instances.end(), [](const auto& i) { return i.open(); }));
  }

  manual_time time{};
  shaky_store store{time.clock()};
  std::deque<instance_of> instances{};
  std::vector<instant> due{};
};

/// The least that can be shared.
struct least_circuit {
  [[nodiscard]] gabion::circuit_explanation explain() const {
    gabion::circuit_explanation e;
    e.state = state;
    e.cause = circuit_cause::consecutive_failures;
    e.retry_after = left;
    return e;
  }
  [[nodiscard]] const char* name() const { return "least"; }
  void trip(duration open_for, circuit_cause why) {
    state = circuit_state::open;
    left = open_for;
    cause = why;
  }
  circuit_state state = circuit_state::closed;
  duration left{};
  circuit_cause cause{};
};

void refuses(gabion::shared_circuit_options options, std::string_view member) {
  CHECK_FALSE(valid(options));
  try {
    validate(options);
    FAIL_CHECK("taken, though out of range: " << member);
  } catch (const gabion::error& e) {
    CHECK(e.code() == errc::invalid_argument);
    CHECK(std::string{e.what()}.find(std::string{"shared_circuit_options."}.append(member)) == 0);
  }
}

}  // namespace

TEST_CASE("one instance that finds a circuit failing opens nobody else's", "[shared_circuit]") {
  service s{4};
  s[0].fail();
  s.run(5s);
  CHECK(s.open() == 1);
  CHECK(s[1].shared.status().quorum.failing == 1);
  CHECK(s[1].shared.status().quorum.well == 3);
  CHECK(s[1].shared.status().heard == 3);
}

TEST_CASE("a quorum opens the circuits of all for what is left of it", "[shared_circuit]") {
  service s{4};
  s.run(1s);
  s[0].fail();
  s.time.advance(500ms);
  s[1].fail();
  const instant last = s.time.now() + 29'500ms;
  s.run(2s);
  CHECK(s.open() == 4);
  CHECK(s[2].b.explain().cause == circuit_cause::quorum);
  CHECK(s[2].shared.status().trips == 1);
  CHECK(s[0].shared.status().trips == 0);
  CHECK(s.time.now() + s[2].b.snapshot().retry_after <= last);
  CHECK(s.time.now() + s[2].b.snapshot().retry_after > last - 1us);
}

TEST_CASE("a quorum is no evidence of itself and ends with its causes", "[shared_circuit]") {
  service s{6, {.quorum = {.instances = 2, .percent = 30}}};
  s.run(1s);
  s[0].fail();
  s[1].fail();
  s.run(2s);
  REQUIRE(s.open() == 6);
  CHECK(s[5].shared.status().quorum.failing == 2);
  s.run(26s);
  CHECK(s.open() == 6);
  CHECK(s[5].shared.status().quorum.failing == 2);
  s.run(3s);
  CHECK(s.open() == 0);
  for (auto& each : s.instances) each.b.try_acquire()->success();
  s.run(10min);
  CHECK(s.open() == 0);
  for (auto& each : s.instances) {
    CHECK(each.b.state() == circuit_state::closed);
    CHECK(each.shared.status().trips <= 1);
  }
}

TEST_CASE("probes that fail are evidence of one's own and hold the quorum up", "[shared_circuit]") {
  service s{4};
  s[0].fail();
  s[1].fail();
  s.run(31s);
  CHECK(s.open() == 0);
  for (std::size_t i = 2; i < 4; ++i) s[i].fail(1);
  CHECK(s.open() == 2);
  CHECK(s[2].b.explain().cause == circuit_cause::probe_failed);
  s.run(2s);
  CHECK(s[0].shared.status().quorum.failing == 2);
  CHECK(s.open() == 4);
}

TEST_CASE("the others open a circuit for no longer at a time than allowed", "[shared_circuit]") {
  service s{3, {.max_open = 4s}};
  s.run(1s);
  s[0].fail();
  s[1].fail();
  s.run(2s);
  CHECK(s[2].open());
  CHECK(s[2].b.snapshot().retry_after <= 4s);
  s.run(20s);
  CHECK(s[2].open());
  CHECK(s[2].shared.status().trips >= 4);
}

TEST_CASE("a circuit opened by hand or by pressure here is no evidence for others",
          "[shared_circuit]") {
  const auto cause =
      GENERATE(circuit_cause::manual, circuit_cause::resource, circuit_cause::health_check,
               circuit_cause::parent, circuit_cause::quorum, circuit_cause::restored);
  service s{3};
  s[0].b.trip(1min, cause);
  s[1].b.trip(1min, cause);
  s.run(5s);
  CHECK(s.open() == 2);
  CHECK(s[2].shared.status().quorum.failing == 0);
  CHECK(s[2].shared.status().quorum.well == 1);
}

TEST_CASE("a breaker that its rules do not govern has no opinion and is not opened",
          "[shared_circuit]") {
  const auto mode =
      GENERATE(circuit_mode::isolated, circuit_mode::disabled, circuit_mode::metrics_only);
  service s{3};
  s[2].b.set_mode(mode);
  s.run(1s);
  CHECK(s[0].shared.status().quorum.well == 2);
  s[0].fail();
  s[1].fail();
  s.run(3s);
  CHECK(s[2].shared.status().quorum.open());
  CHECK(s[2].shared.status().trips == 0);
  CHECK(s[2].b.mode() == mode);
}

TEST_CASE("an opinion is published when it changes and renewed before it expires",
          "[shared_circuit]") {
  service s{1, {.read_every = 1s, .ttl = 15s, .renew_every = 5s}};
  s.run(0s);
  CHECK(s.store.publications == 1);
  s.run(4999ms);
  CHECK(s.store.publications == 1);
  s.run(60s);
  CHECK(s.store.publications >= 12);
  CHECK(s.store.publications <= 14);
  const int before = s.store.publications;
  s[0].fail();
  (void)s[0].shared.step(s.time.now());
  CHECK(s.store.publications == before + 1);
  (void)s[0].shared.step(s.time.now());
  CHECK(s.store.publications == before + 1);
  const auto heard = s.store.read("stock").heard;
  REQUIRE(heard.size() == 1);
  CHECK(heard[0] == circuit_opinion{"pod-0", circuit_state::open, false, 30s, 2, 2});
}

TEST_CASE("others are heard as often as asked and never much sooner", "[shared_circuit]") {
  service s{1, {.read_every = 1s}};
  s.run(800s);
  CHECK(s.store.readings >= 800);
  CHECK(s.store.readings <= 800 * 8 / 7 + 1);
}

TEST_CASE("instances that started together do not stay together", "[shared_circuit]") {
  manual_time time;
  shaky_store store{time.clock()};
  breaker b{{.name = "stock"}, time.clock()};
  gabion::basic_shared_circuit one{b, store, {.instance = "one"}, gabion::xoshiro256{1}};
  gabion::basic_shared_circuit two{b, store, {.instance = "two"}, gabion::xoshiro256{2}};
  CHECK(one.step(time.now()) != two.step(time.now()));
}

TEST_CASE("when the store is down the breaker works alone and the store is left in peace",
          "[shared_circuit]") {
  service s{2, {.backoff = {.initial = 1s, .cap = 8s, .jitter = gabion::backoff_jitter::none}}};
  s.run(2s);
  REQUIRE(s[0].shared.status().quorum.well == 2);
  s.store.down = true;
  s.run(2s);
  CHECK(s[0].shared.status().quorum.well == 0);
  CHECK_FALSE(s[0].shared.status().store_up);
  CHECK(s[0].shared.status().error == errc::unavailable);
  CHECK(s[0].shared.status().heard == 0);
  CHECK_FALSE(s[0].shared.status().quorum.open());
  s[0].fail();
  CHECK(s[0].open());
  const int asked = s.store.readings + s.store.publications;
  s.run(80s);
  CHECK(s.store.readings + s.store.publications - asked <= 2 * 14);
  CHECK(s[0].shared.status().failures >= 10);
  s.store.down = false;
  s.run(9s);
  CHECK(s[0].shared.status().store_up);
  CHECK_FALSE(s[0].shared.status().error);
  CHECK(s[0].shared.status().heard == 1);
}

TEST_CASE("a store that failed is not asked before its time, however often one steps",
          "[shared_circuit]") {
  service s{1, {.backoff = {.initial = 1s, .cap = 8s, .jitter = gabion::backoff_jitter::none}}};
  s.store.down = true;
  const instant start = s.time.now();
  CHECK(s[0].shared.step(start) == start + 1s);
  s.time.advance(1s - 1ns);
  CHECK(s[0].shared.step(s.time.now()) == start + 1s);
  CHECK(s.store.readings == 1);
  s.time.advance(1ns);
  CHECK(s[0].shared.step(s.time.now()) == start + 3s);
  CHECK(s.store.readings == 2);
}

TEST_CASE("once a store has answered its next failure is the first again", "[shared_circuit]") {
  service s{1, {.backoff = {.initial = 1s, .cap = 1h, .jitter = gabion::backoff_jitter::none}}};
  s.store.down = true;
  s.run(5min);
  s.store.down = false;
  s.run(10min);
  REQUIRE(s[0].shared.status().store_up);
  s.store.down = true;
  s.time.advance(10s);
  CHECK(s[0].shared.step(s.time.now()) == s.time.now() + 1s);
}

TEST_CASE("a store that throws is a store that is down", "[shared_circuit]") {
  service s{1};
  s.store.throws = true;
  s.run(1s);
  CHECK_FALSE(s[0].shared.status().store_up);
  CHECK(s[0].shared.status().error == errc::rejected);
  s.store.throws = false;
  s.run(5s);
  CHECK(s[0].shared.status().store_up);
}

TEST_CASE(
    "a store that takes no opinions but gives them is down in between, and up when it takes them",
    "[shared_circuit]") {
  service s{1, {.backoff = {.initial = 1s, .cap = 64s, .jitter = gabion::backoff_jitter::none}}};
  s.store.publish_error = make_error_code(errc::in_doubt);
  s.run(63s);
  CHECK(s.store.publications <= 7);
  CHECK(s[0].shared.status().readings >= 2);
  CHECK_FALSE(s[0].shared.status().store_up);
  s.store.publish_error.reset();
  s.run(65s);
  CHECK(s[0].shared.status().store_up);
}

TEST_CASE("one instance too many goes unheard but hears the others", "[shared_circuit]") {
  service s{3};
  s.store.publish_error = make_error_code(errc::full);
  s.run(1s);
  CHECK(s[0].shared.status().store_up);
  CHECK(s[0].shared.status().error == errc::full);
  CHECK(s[0].shared.status().failures == 1);
  s.run(4s);
  CHECK(s[0].shared.status().failures <= 2);
  CHECK(s[0].shared.status().readings >= 5);
  s.store.publish_error.reset();
  s.run(10s);
  CHECK_FALSE(s[0].shared.status().error);
  CHECK(s[0].shared.status().heard == 2);
}

TEST_CASE("an instance that is gone is forgotten with its ttl", "[shared_circuit]") {
  service s{3, {.ttl = 15s}};
  s[0].b.trip(1h, circuit_cause::consecutive_failures);
  s[1].b.trip(1h, circuit_cause::consecutive_failures);
  (void)s[0].shared.step(s.time.now());
  (void)s[1].shared.step(s.time.now());
  const auto quorum = [&] {
    (void)s[2].shared.step(s.time.now());
    return s[2].shared.status().quorum.failing;
  };
  s.time.advance(15s - 1ns);
  CHECK(quorum() == 2);
  s.time.advance(1s);
  CHECK(quorum() == 0);
}

TEST_CASE("a clock that goes back holds nothing up for longer than a whole wait",
          "[shared_circuit]") {
  service s{1};
  s.run(10s);
  s.time.advance(-30min);
  (void)s[0].shared.step(s.time.now());
  const int before = s.store.readings;
  s.time.advance(1s);
  (void)s[0].shared.step(s.time.now());
  CHECK(s.store.readings == before + 1);
}

TEST_CASE("whatever explains itself can be shared", "[shared_circuit][concepts]") {
  static_assert(gabion::explain_shareable_circuit<least_circuit>());
  static_assert(gabion::explain_shareable_circuit<breaker>());
  static_assert(!gabion::shareable_circuit<int>);
  manual_time time;
  shaky_store store{time.clock()};
  least_circuit c;
  gabion::basic_shared_circuit shared{c, store, {.instance = "me"}};
  REQUIRE_FALSE(store.publish(
      "least", {.instance = "a", .state = circuit_state::open, .remaining = 9s}, 1min));
  REQUIRE_FALSE(store.publish(
      "least", {.instance = "b", .state = circuit_state::open, .remaining = 7s}, 1min));
  (void)shared.step(time.now());
  CHECK(c.cause == circuit_cause::quorum);
  CHECK(c.left == 7s);
}

TEST_CASE("shared circuit options out of their ranges are refused by name",
          "[shared_circuit][options]") {
  refuses({}, "instance is ''");
  refuses({.instance = "a b"}, "instance is 'a b'; allowed: 1 to 64");
  refuses({.instance = "a", .quorum = {.instances = 0}},
          "quorum.instances is 0; allowed: 1 to 256");
  refuses({.instance = "a", .quorum = {.instances = 257}}, "quorum.instances is 257");
  refuses({.instance = "a", .quorum = {.percent = 0}}, "quorum.percent is 0; allowed: 1 to 100");
  refuses({.instance = "a", .quorum = {.percent = 101}}, "quorum.percent is 101");
  refuses({.instance = "a", .read_every = 0s}, "read_every is 0 ns; allowed: more than 0 ns");
  refuses({.instance = "a", .ttl = 0s}, "ttl is 0");
  refuses({.instance = "a", .ttl = 24h + 1ns}, "ttl is 86400000000001");
  refuses({.instance = "a", .ttl = 5s, .renew_every = 5s}, "renew_every is 5000000000");
  refuses({.instance = "a", .renew_every = 0s}, "renew_every is 0");
  refuses({.instance = "a", .max_open = 0s}, "max_open is 0");
  refuses({.instance = "a", .backoff = {.initial = -1ns}}, "backoff.initial is -1");
  refuses({.instance = "a", .backoff = {.initial = 2s, .cap = 1s}}, "backoff.cap is 1000000000");
  refuses({.instance = "a", .backoff = {.multiplier_percent = 99}},
          "backoff.multiplier_percent is 99");
  refuses({.instance = "a", .backoff = {.multiplier_percent = 1001}},
          "backoff.multiplier_percent is 1001");
  static_assert(valid(gabion::shared_circuit_options{
      .instance = "a",
      .quorum = {.instances = 1, .percent = 1},
      .read_every = 1ns,
      .ttl = 2ns,
      .renew_every = 1ns,
      .max_open = 1ns,
      .backoff = {.initial = 0s, .cap = 0s, .multiplier_percent = 100}}));
  static_assert(valid(gabion::shared_circuit_options{
      .instance = "a", .quorum = {.instances = 256, .percent = 100}, .ttl = 24h}));
  manual_time time;
  shaky_store store{time.clock()};
  breaker nameless{{}, time.clock()};
  CHECK_THROWS_AS((gabion::basic_shared_circuit{nameless, store, {.instance = "a"}}),
                  gabion::error);
}
