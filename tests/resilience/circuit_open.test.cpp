// SPDX-License-Identifier: MIT
#include <string>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {
constexpr circuit_breaker_options one_failure{.failures = 1, .open_for = std::chrono::seconds{60}};
}

TEST_CASE("a rejection says what is left of the open time", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  const auto at_once = x.b.try_acquire();
  REQUIRE_FALSE(at_once);
  CHECK(at_once.rejection().reason == circuit_refusal::open);
  CHECK(at_once.rejection().retry_after == 60s);
  x.time.advance(60s - 1ns);
  const auto at_last = x.b.try_acquire();
  REQUIRE_FALSE(at_last);
  CHECK(at_last.rejection().retry_after == 1ns);
  CHECK(x.b.snapshot().retry_after == 1ns);
}

TEST_CASE("the open time ends at its last moment and not a nanosecond earlier", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(60s - 1ns);
  CHECK(x.state() == circuit_state::open);
  CHECK_FALSE(x.b.try_acquire());
  x.time.advance(1ns);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.try_acquire());
}

TEST_CASE("the state reads half-open when the open time is over though nobody has called", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(24h);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().state == circuit_state::half_open);
  CHECK(x.b.snapshot().retry_after == 0s);
  CHECK(x.heard.size() == 1);  // the transition is the first caller's
}

TEST_CASE("results that arrive while open change neither state nor deadline and are counted as late", "[circuit_breaker][open]") {
  bench x{one_failure};
  auto good = x.b.try_acquire();
  auto bad = x.b.try_acquire();
  auto ignored = x.b.try_acquire();
  x.fail();
  x.time.advance(10s);
  good->success();
  bad->failure();
  ignored->ignore();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 50s);
  CHECK(x.heard.size() == 1);
  CHECK(x.counts().late == 3);
}

TEST_CASE("while open and half-open the snapshot keeps the window that opened it", "[circuit_breaker][open]") {
  bench x{half_of_ten};
  x.succeed(5);
  x.fail(5);
  CHECK(x.b.snapshot().window_calls == 10);
  CHECK(x.b.snapshot().window_failed == 5);
  x.time.advance(60s);
  auto probe = x.b.try_acquire();
  CHECK(x.b.snapshot().window_failed == 5);
  probe->success();
  x.succeed();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 0);
}

TEST_CASE("an open time for ever does not overflow", "[circuit_breaker][open]") {
  bench x{{.failures = 1, .open_for = (gabion::duration::max)()}};
  x.fail();
  x.time.advance(std::chrono::hours{24 * 365 * 200});
  const auto rejected = x.b.try_acquire();
  REQUIRE_FALSE(rejected);
  CHECK(rejected.rejection().retry_after == (gabion::duration::max)());
}

TEST_CASE("a clock that goes back makes the wait longer and nothing else", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(-5s);
  CHECK(x.b.try_acquire().rejection().retry_after == 65s);
  x.time.advance(65s);
  CHECK(x.b.try_acquire());
  for (std::size_t i = 1; i < x.heard.size(); ++i) CHECK(x.heard[i - 1].at <= x.heard[i].at);
}

TEST_CASE("wall time has no part in it", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.step_wall(24h);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a caller who knows the time need not have it read", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  const auto opened = x.time.now();
  CHECK(x.b.try_acquire(opened + 20s).rejection().retry_after == 40s);
  CHECK(x.b.try_acquire(opened + 60s));
}

TEST_CASE("reset closes an open circuit at once", "[circuit_breaker][reset]") {
  bench x{half_of_ten};
  x.fail(10);
  x.b.reset();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 0);
  REQUIRE(x.heard.size() == 2);
  CHECK(x.heard[1].cause == circuit_cause::reset);
}
