// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/load_source.hpp>
#include <gabion/resilience/resource_circuit.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::resource_circuit_options;

namespace {

/// A resource whose pressure the test sets.
struct gauge {
  std::optional<std::uint32_t>* value;
  int* samples;
  [[nodiscard]] std::optional<std::uint32_t> pressure(gabion::instant /*now*/) const noexcept {
    ++*samples;
    return *value;
  }
};

/// Notes what it was told.
struct target {
  struct order {
    char what;
    gabion::duration open_for;
    gabion::circuit_cause cause;
  };
  std::vector<order> orders{};
  void trip(gabion::duration d, gabion::circuit_cause c) { orders.push_back({'t', d, c}); }
  void reset(gabion::circuit_cause c) { orders.push_back({'r', {}, c}); }
};

struct bench {
  gabion::testing::manual_time time{};
  std::optional<std::uint32_t> value{0};
  int samples = 0;
  target told{};
  gabion::resource_circuit<gauge, target> circuit;

  explicit bench(const resource_circuit_options& o) : circuit{o, gauge{&value, &samples}, told} {}
  /// One sample at that pressure, a second after the one before.
  void sample(std::optional<std::uint32_t> p) {
    value = p;
    circuit.step(time.now());
    time.advance(1s);
  }
};

constexpr resource_circuit_options plain{
    .every = 1s, .high = 9000, .low = 7000, .sustained = 2s, .recovered = 3s, .open_for = 10s};

struct least_source {
  explicit least_source(int) {}
  least_source(least_source&&) = default;
  [[nodiscard]] std::optional<std::uint32_t> pressure(gabion::instant) noexcept { return 1U; }
};
struct throwing_source {
  [[nodiscard]] std::optional<std::uint32_t> pressure(gabion::instant) { return 1U; }
};
struct plain_number {
  [[nodiscard]] std::uint32_t pressure(gabion::instant) noexcept { return 1U; }
};
struct only_trips {
  void trip(gabion::duration, gabion::circuit_cause) {}
};

}  // namespace

TEST_CASE("a sample is taken when it is due and not before", "[resource_circuit]") {
  bench x{plain};
  CHECK(x.circuit.step(x.time.now()) == x.time.now() + 1s);
  CHECK(x.samples == 1);
  x.time.advance(999ms);
  CHECK(x.circuit.step(x.time.now()) == x.time.now() + 1ms);
  CHECK(x.samples == 1);
  x.time.advance(1ms);
  x.circuit.step(x.time.now());
  CHECK(x.samples == 2);
}

TEST_CASE("high pressure trips once it has lasted long enough and equality counts",
          "[resource_circuit]") {
  bench x{plain};
  x.sample(9000);
  x.sample(9000);
  CHECK(x.told.orders.empty());
  x.sample(9000);  // two seconds after the first
  REQUIRE(x.told.orders.size() == 1);
  CHECK(x.told.orders[0].what == 't');
  CHECK(x.told.orders[0].open_for == 10s);
  CHECK(x.told.orders[0].cause == gabion::circuit_cause::resource);
  CHECK(x.circuit.tripped());
  CHECK(x.circuit.trips() == 1);
  CHECK(x.circuit.pressure() == 9000);
}

TEST_CASE("one sample below the threshold begins the row anew", "[resource_circuit]") {
  bench x{plain};
  x.sample(9500);
  x.sample(9500);
  x.sample(8999);
  x.sample(9500);
  x.sample(9500);
  CHECK(x.told.orders.empty());
  x.sample(9500);
  CHECK(x.told.orders.size() == 1);
}

TEST_CASE("between low and high it stays as it is and is prolonged before it ends",
          "[resource_circuit]") {
  bench x{plain};
  for (int i = 0; i < 3; ++i) x.sample(9000);
  // up to 8 s after the trip: the next sample still is in time
  for (int i = 0; i < 8; ++i) x.sample(7000);
  CHECK(x.told.orders.size() == 1);
  x.sample(7000);
  REQUIRE(x.told.orders.size() == 2);
  CHECK(x.told.orders[1].what == 't');
  CHECK(x.circuit.trips() == 1);
}

TEST_CASE("low pressure for long enough lets the circuit recover", "[resource_circuit]") {
  bench x{plain};
  for (int i = 0; i < 3; ++i) x.sample(9000);
  for (int i = 0; i < 3; ++i) x.sample(6999);
  CHECK(x.circuit.tripped());
  x.sample(6999);  // three seconds after the first low one
  CHECK_FALSE(x.circuit.tripped());
  for (int i = 0; i < 20; ++i) x.sample(8999);
  CHECK(x.told.orders.size() == 1);  // left to its open time
  for (int i = 0; i < 3; ++i) x.sample(9000);
  CHECK(x.circuit.trips() == 2);
}

TEST_CASE("it closes on recovery if told to", "[resource_circuit]") {
  auto o = plain;
  o.close = true;
  bench x{o};
  for (int i = 0; i < 3; ++i) x.sample(9000);
  for (int i = 0; i < 4; ++i) x.sample(0);
  REQUIRE(x.told.orders.size() == 2);
  CHECK(x.told.orders[1].what == 'r');
  CHECK(x.told.orders[1].cause == gabion::circuit_cause::resource);
}

TEST_CASE("a sample that cannot be read breaks the row and prolongs nothing",
          "[resource_circuit]") {
  bench x{plain};
  x.sample(9000);
  x.sample(9000);
  x.sample(std::nullopt);
  x.sample(9000);
  x.sample(9000);
  CHECK(x.told.orders.empty());
  x.sample(9000);
  CHECK(x.told.orders.size() == 1);
  for (int i = 0; i < 30; ++i) x.sample(std::nullopt);
  CHECK(x.told.orders.size() == 1);
  CHECK(x.circuit.unread() == 31);
  CHECK(x.circuit.pressure() == 9000);  // the last that was known
}

TEST_CASE("without a sustained time the first high sample trips", "[resource_circuit]") {
  auto o = plain;
  o.sustained = 0s;
  bench x{o};
  x.sample(8999);
  CHECK(x.told.orders.empty());
  x.sample(9000);
  CHECK(x.told.orders.size() == 1);
}

TEST_CASE("a clock that goes back neither trips nor recovers", "[resource_circuit]") {
  bench x{plain};
  x.sample(9000);
  x.time.advance(-1h);
  x.sample(9000);
  x.time.advance(1h - 2s);
  x.circuit.step(x.time.now());
  CHECK(x.told.orders.empty());
}

TEST_CASE("it opens a circuit breaker and the breaker recovers by its own rules",
          "[resource_circuit]") {
  gabion::testing::manual_time time;
  std::optional<std::uint32_t> value{9500};
  int samples = 0;
  gabion::basic_circuit_breaker breaker{gabion::circuit_breaker_options{.successes_to_close = 1},
                                        time.clock()};
  auto o = plain;
  o.sustained = 0s;
  gabion::resource_circuit circuit{o, gauge{&value, &samples}, breaker};
  circuit.step(time.now());
  CHECK(breaker.state() == gabion::circuit_state::open);
  for (int i = 0; i < 30; ++i) {  // open without a gap as long as the pressure stays
    time.advance(1s);
    circuit.step(time.now());
    CHECK(breaker.state() == gabion::circuit_state::open);
  }
  value = 0;
  for (int i = 0; i < 15; ++i) {
    time.advance(1s);
    circuit.step(time.now());
  }
  CHECK(breaker.state() == gabion::circuit_state::half_open);
  breaker.try_acquire()->success();
  CHECK(breaker.state() == gabion::circuit_state::closed);
}

TEST_CASE("a resource circuit is a load source", "[resource_circuit]") {
  bench x{plain};
  const auto load = x.circuit.source();
  STATIC_REQUIRE(gabion::load_source<decltype(x.circuit)::handle>);
  CHECK(load.load() == 0);
  x.sample(4321);
  CHECK(load.load() == 4321);
}

TEST_CASE("options of a resource circuit are checked on both sides", "[resource_circuit][bounds]") {
  const auto with = [](auto change) {
    resource_circuit_options o = plain;
    change(o);
    return gabion::valid(o);
  };
  STATIC_REQUIRE(gabion::valid(resource_circuit_options{}));
  CHECK(with([](auto& o) { o.every = 1ns; }));
  CHECK_FALSE(with([](auto& o) { o.every = 0ns; }));
  CHECK(with([](auto& o) { o.high = 10'000; }));
  CHECK_FALSE(with([](auto& o) { o.high = 10'001; }));
  CHECK_FALSE(with([](auto& o) { o.high = o.low = 0; }));
  CHECK(with([](auto& o) { o.high = o.low = 1; }));
  CHECK(with([](auto& o) { o.low = o.high; }));
  CHECK_FALSE(with([](auto& o) { o.low = o.high + 1; }));
  CHECK_FALSE(with([](auto& o) { o.low = 0; }));
  CHECK(with([](auto& o) { o.sustained = 0ns; }));
  CHECK_FALSE(with([](auto& o) { o.sustained = -1ns; }));
  CHECK(with([](auto& o) { o.recovered = 0ns; }));
  CHECK_FALSE(with([](auto& o) { o.recovered = -1ns; }));
  CHECK(with([](auto& o) { o.open_for = o.every + 1ns; }));
  CHECK_FALSE(with([](auto& o) { o.open_for = o.every; }));
  auto bad = plain;
  bad.low = 9001;
  CHECK_THROWS_WITH(bench{bad},
                    Catch::Contains("resource_circuit_options.low is 9001; allowed: 1 to high"));
}

TEST_CASE("sources join to the highest or the first that is known", "[resource_circuit]") {
  std::optional<std::uint32_t> a{10};
  std::optional<std::uint32_t> b{20};
  int asked = 0;
  gabion::highest_pressure highest{gauge{&a, &asked}, gauge{&b, &asked}};
  gabion::first_pressure first{gauge{&a, &asked}, gauge{&b, &asked}};
  CHECK(highest.pressure({}) == 20U);
  CHECK(first.pressure({}) == 10U);
  a = std::nullopt;
  CHECK(highest.pressure({}) == 20U);
  CHECK(first.pressure({}) == 20U);
  b = std::nullopt;
  CHECK_FALSE(highest.pressure({}).has_value());
  CHECK_FALSE(first.pressure({}).has_value());
  CHECK(asked == 12);
}

TEST_CASE("the least that a pressure source and a target can be", "[resource_circuit][concepts]") {
  STATIC_REQUIRE(gabion::pressure_source<least_source>);
  STATIC_REQUIRE_FALSE(gabion::pressure_source<throwing_source>);
  STATIC_REQUIRE_FALSE(gabion::pressure_source<plain_number>);
  STATIC_REQUIRE(gabion::trip_target<target>);
  STATIC_REQUIRE_FALSE(gabion::trip_target<only_trips>);
  target t;
  gabion::resource_circuit<least_source, target> circuit{plain, least_source{1}, t};
  circuit.step({});
  CHECK(circuit.pressure() == 1);
}
