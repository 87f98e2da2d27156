// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/health_checker.hpp>
#include <gabion/resilience/health_driver.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::health_checker_options;
using gabion::health_effect;
using gabion::health_verdict;

namespace {

using checker = gabion::health_checker;

constexpr health_checker_options plain{.every = 10s,
                                       .jitter_percent = 0,
                                       .timeout = 2s,
                                       .healthy = 2,
                                       .unhealthy = 3,
                                       .open_for = 30s};

struct target {
  std::vector<char> orders{};
  gabion::duration open_for{};
  gabion::circuit_cause cause{};
  void trip(gabion::duration d, gabion::circuit_cause c) {
    orders.push_back('t');
    open_for = d;
    cause = c;
  }
  void reset(gabion::circuit_cause c) {
    orders.push_back('r');
    cause = c;
  }
};

/// One probe with that answer, at the moment when it is due.
health_effect probe(checker& c, gabion::testing::manual_time& time, bool good) {
  gabion::health_step step = c.step(time.now());
  if (!step.probe) {
    time.advance_to(step.until);
    step = c.step(time.now());
  }
  REQUIRE(step.probe);
  return c.report(step.number, good, time.now());
}

/// Moves the time to the moment that is waited for, a given number of times.
struct turns {
  gabion::testing::manual_time* time;
  int left;
  bool wait_until(gabion::instant moment) {
    time->advance_to(moment);
    return left-- > 0;
  }
};

}  // namespace

TEST_CASE("probes begin at their interval however long their answers take", "[health_checker]") {
  gabion::testing::manual_time time;
  checker c{plain};
  const gabion::instant start = time.now();
  gabion::health_step s = c.step(start);
  CHECK(s.probe);
  CHECK(s.number == 1);
  CHECK(s.until == start + 2s);
  time.advance(1s);
  CHECK(c.step(time.now()).until == start + 2s);
  CHECK_FALSE(c.step(time.now()).probe);
  static_cast<void>(c.report(1, true, time.now()));
  CHECK(c.step(time.now()).until == start + 10s);
  time.advance(9s);
  s = c.step(time.now());
  CHECK(s.probe);
  CHECK(s.number == 2);
}

TEST_CASE("answers in a row make it healthy or ill and no fewer", "[health_checker]") {
  gabion::testing::manual_time time;
  checker c{plain};
  CHECK(probe(c, time, true) == health_effect::none);
  CHECK(c.verdict() == health_verdict::unknown);
  CHECK(probe(c, time, true) == health_effect::close);
  CHECK(c.verdict() == health_verdict::healthy);
  CHECK(probe(c, time, true) == health_effect::none);  // it was healthy before
  CHECK(probe(c, time, false) == health_effect::none);
  CHECK(probe(c, time, false) == health_effect::none);
  CHECK(probe(c, time, true) == health_effect::none);  // breaks the row
  CHECK(probe(c, time, false) == health_effect::none);
  CHECK(probe(c, time, false) == health_effect::none);
  CHECK(c.verdict() == health_verdict::healthy);
  CHECK(probe(c, time, false) == health_effect::open);
  CHECK(c.verdict() == health_verdict::unhealthy);
  CHECK(probe(c, time, false) == health_effect::open);  // begins the open time anew
  CHECK(probe(c, time, true) == health_effect::none);
  CHECK(probe(c, time, true) == health_effect::close);
}

TEST_CASE("what it does to the circuit can be switched off", "[health_checker]") {
  gabion::testing::manual_time time;
  auto o = plain;
  o.open = o.close = false;
  o.healthy = o.unhealthy = 1;
  checker c{o};
  CHECK(probe(c, time, false) == health_effect::none);
  CHECK(c.verdict() == health_verdict::unhealthy);
  CHECK(probe(c, time, true) == health_effect::none);
  CHECK(c.verdict() == health_verdict::healthy);
}

TEST_CASE("a probe that never answers has failed at its timeout and not before",
          "[health_checker]") {
  gabion::testing::manual_time time;
  auto o = plain;
  o.unhealthy = 1;
  checker c{o};
  REQUIRE(c.step(time.now()).probe);
  time.advance(2s - 1ns);
  CHECK(c.step(time.now()).effect == health_effect::none);
  CHECK(c.timeouts() == 0);
  time.advance(1ns);
  const gabion::health_step s = c.step(time.now());
  CHECK(s.effect == health_effect::open);
  CHECK_FALSE(s.probe);
  CHECK(c.timeouts() == 1);
  CHECK(c.verdict() == health_verdict::unhealthy);
}

TEST_CASE("an answer after the timeout is dropped and counted", "[health_checker]") {
  gabion::testing::manual_time time;
  auto o = plain;
  o.healthy = 1;
  checker c{o};
  REQUIRE(c.step(time.now()).probe);
  time.advance(2s);
  // at the deadline: late, though nobody had looked
  CHECK(c.report(1, true, time.now()) == health_effect::none);
  CHECK(c.late() == 1);
  CHECK(c.timeouts() == 1);
  CHECK(c.verdict() == health_verdict::unknown);
  CHECK(c.report(1, true, time.now()) == health_effect::none);  // a second answer
  CHECK(c.late() == 2);
  time.advance(8s);
  REQUIRE(c.step(time.now()).probe);
  // the first probe's, during the second
  CHECK(c.report(1, true, time.now()) == health_effect::none);
  CHECK(c.late() == 3);
  CHECK(c.report(2, true, time.now()) == health_effect::close);
}

TEST_CASE("a timeout and the next probe come in one step if both are due", "[health_checker]") {
  gabion::testing::manual_time time;
  auto o = plain;
  o.timeout = 10s;
  o.unhealthy = 1;
  checker c{o};
  REQUIRE(c.step(time.now()).probe);
  time.advance(10s);
  const gabion::health_step s = c.step(time.now());
  CHECK(s.probe);
  CHECK(s.number == 2);
  CHECK(s.effect == health_effect::open);
}

TEST_CASE("jitter spreads the first probe and the waits within its bounds", "[health_checker]") {
  auto o = plain;
  o.jitter_percent = 25;
  const gabion::instant start{1h};
  checker any{o, gabion::xoshiro256{3}};
  gabion::instant now = start;
  gabion::health_step s = any.step(now);
  CHECK(s.until <= start + 2500ms);
  bool early = false;
  bool late = false;
  for (int i = 0; i < 500; ++i) {
    if (!s.probe) now = s.until;
    const gabion::instant before = now;
    s = s.probe ? s : any.step(now);
    REQUIRE(s.probe);
    static_cast<void>(any.report(s.number, true, now));
    s = any.step(now);
    const gabion::duration wait = s.until - before;
    CHECK(wait >= 7500ms);
    CHECK(wait <= 12500ms);
    early = early || wait < 8500ms;
    late = late || wait > 11500ms;
  }
  CHECK(early);
  CHECK(late);
}

TEST_CASE("times that never end do not overflow", "[health_checker]") {
  auto o = plain;
  o.every = (gabion::duration::max)();
  o.timeout = (gabion::duration::max)();
  o.jitter_percent = 100;
  checker c{o, gabion::xoshiro256{5}};
  CHECK(c.step(gabion::instant{}).until >= gabion::instant{});
  const gabion::health_step s = c.step((gabion::instant::max)());
  CHECK(s.until == (gabion::instant::max)());
}

TEST_CASE("doubt asks for a whole row of good answers anew", "[health_checker]") {
  gabion::testing::manual_time time;
  checker c{plain};
  static_cast<void>(probe(c, time, true));
  static_cast<void>(probe(c, time, true));
  c.doubt();
  CHECK(c.verdict() == health_verdict::unknown);
  CHECK(probe(c, time, true) == health_effect::none);
  CHECK(probe(c, time, true) == health_effect::close);
}

TEST_CASE("the driver probes and waits by turns and tells the target", "[health_checker]") {
  gabion::testing::manual_time time;
  target told;
  checker c{plain};
  turns wait{&time, 12};
  std::vector<bool> answers{true, true, false, false, false, true};
  std::size_t next = 0;
  gabion::run_health_checks(c, told, time.clock(), wait, [&](gabion::deadline until) {
    CHECK(until.remaining(time.now()) == 2s);
    return answers[next++ % answers.size()];
  });
  CHECK(c.probes() == 7);
  CHECK(told.orders == std::vector<char>{'r', 't', 'r'});
  CHECK(told.cause == gabion::circuit_cause::health_check);
  CHECK(told.open_for == 30s);
}

TEST_CASE("a probe that throws has failed and one that takes too long too", "[health_checker]") {
  gabion::testing::manual_time time;
  target told;
  auto o = plain;
  o.unhealthy = 2;
  checker c{o};
  turns wait{&time, 3};
  int n = 0;
  gabion::run_health_checks(c, told, time.clock(), wait, [&](gabion::deadline) -> bool {
    if (++n == 1) throw std::runtime_error{"no route"};
    time.advance(3s);
    return true;
  });
  CHECK(c.verdict() == health_verdict::unhealthy);
  CHECK(c.late() == 1);
  CHECK(told.orders == std::vector<char>{'t'});
}

TEST_CASE("the driver stops at once even if probes are always due", "[health_checker]") {
  gabion::testing::manual_time time;
  target told;
  auto o = plain;
  o.every = 1ns;
  checker c{o};
  turns wait{&time, 0};
  gabion::run_health_checks(c, told, time.clock(), wait, [&](gabion::deadline) {
    time.advance(1s);
    return true;
  });
  CHECK(c.probes() == 1);
}

TEST_CASE("a circuit that its calls have opened is closed by good probes", "[health_checker]") {
  gabion::testing::manual_time time;
  gabion::basic_circuit_breaker breaker{
      gabion::circuit_breaker_options{.failures = 1, .open_for = 1h}, time.clock()};
  checker c{plain};
  turns wait{&time, 3};
  const auto good = [](gabion::deadline) { return true; };
  gabion::run_health_checks(c, breaker, time.clock(), wait, good);
  CHECK(c.verdict() == health_verdict::healthy);
  breaker.try_acquire()->failure();
  wait.left = 1;
  gabion::run_health_checks(c, breaker, time.clock(), wait, good);
  CHECK(breaker.state() == gabion::circuit_state::open);  // one good answer since is not enough
  wait.left = 3;
  gabion::run_health_checks(c, breaker, time.clock(), wait, good);
  CHECK(breaker.state() == gabion::circuit_state::closed);
}

TEST_CASE("options of a health checker are checked on both sides", "[health_checker][bounds]") {
  const auto with = [](auto change) {
    health_checker_options o = plain;
    change(o);
    return gabion::valid(o);
  };
  STATIC_REQUIRE(gabion::valid(health_checker_options{}));
  CHECK(with([](auto& o) { o.every = 1ns; }));
  CHECK_FALSE(with([](auto& o) { o.every = 0ns; }));
  CHECK(with([](auto& o) { o.jitter_percent = 100; }));
  CHECK_FALSE(with([](auto& o) { o.jitter_percent = 101; }));
  CHECK(with([](auto& o) { o.timeout = 1ns; }));
  CHECK_FALSE(with([](auto& o) { o.timeout = 0ns; }));
  CHECK(with([](auto& o) { o.healthy = o.unhealthy = 1; }));
  CHECK(with([](auto& o) { o.healthy = o.unhealthy = 1000; }));
  CHECK_FALSE(with([](auto& o) { o.healthy = 0; }));
  CHECK_FALSE(with([](auto& o) { o.healthy = 1001; }));
  CHECK_FALSE(with([](auto& o) { o.unhealthy = 0; }));
  CHECK_FALSE(with([](auto& o) { o.unhealthy = 1001; }));
  CHECK(with([](auto& o) { o.open_for = 1ns; }));
  CHECK_FALSE(with([](auto& o) { o.open_for = 0ns; }));
  auto bad = plain;
  bad.timeout = -5ns;
  CHECK_THROWS_WITH(
      checker{bad},
      Catch::Contains("health_checker_options.timeout is -5 ns; allowed: more than 0 ns"));
}
