// SPDX-License-Identifier: MIT
// Promises that no policy can keep alone.
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/paced.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/advancing_sleeper.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::circuit_state;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::testing::manual_time;
using gabion_test::advancing_sleeper;

namespace {

const std::error_code broken = std::make_error_code(std::errc::connection_reset);

}  // namespace

TEST_CASE("two breakers around one call do not wedge each other half-open",
          "[conformance][circuit_breaker]") {
  manual_time time;
  gabion::basic_circuit_breaker outer{{.failures = 1, .open_for = 10s, .successes_to_close = 1},
                                      time.clock()};
  gabion::basic_circuit_breaker inner{{.failures = 1, .open_for = 60s, .successes_to_close = 1},
                                      time.clock()};
  auto guarded = gabion::pipeline(time.clock(), outer, inner);
  CHECK(guarded.call([] { return broken; }) == broken);
  REQUIRE(outer.state() == circuit_state::open);
  REQUIRE(inner.state() == circuit_state::open);
  time.advance(10s);
  // the probe of the outer one gets as far as the inner one, and comes back each time
  for (int i = 0; i < 100; ++i) {
    CHECK(guarded.call([] { return std::error_code{}; }) == errc::circuit_open);
    REQUIRE(outer.state() == circuit_state::half_open);
    REQUIRE(outer.snapshot().probes_out == 0);
  }
  CHECK(inner.snapshot().counts.rejected == 100);
  time.advance(50s);
  CHECK_FALSE(guarded.call([] { return std::error_code{}; }));
  CHECK(outer.state() == circuit_state::closed);
  CHECK(inner.state() == circuit_state::closed);
}

TEST_CASE("a call that throws gives back what every policy around it holds",
          "[conformance][bulkhead]") {
  manual_time time;
  gabion::bulkhead bulkhead{{.limit = 1}};
  gabion::basic_circuit_breaker breaker{{.failures = 3, .open_for = 10s, .successes_to_close = 1},
                                        time.clock()};
  auto guarded = gabion::pipeline(time.clock(), bulkhead, breaker);
  const auto throws = [] { throw std::runtime_error{"down"}; };
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(guarded.call(throws), std::runtime_error);
    CHECK(bulkhead.snapshot().in_use == 0);
  }
  REQUIRE(breaker.state() == circuit_state::open);
  time.advance(10s);
  CHECK_THROWS_AS(guarded.call(throws), std::runtime_error);  // the probe
  CHECK(breaker.snapshot().probes_out == 0);
  CHECK(breaker.state() == circuit_state::open);
  time.advance(10s);
  CHECK(guarded.call([] { return 7; }) == 7);
  CHECK(breaker.state() == circuit_state::closed);
}

TEST_CASE("a call whose permit would come at its deadline does not wait for it in vain",
          "[conformance][rate_limiter]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::gcra limiter{{.interval = 1s}};
  const gabion::paced policy{limiter, 10s};
  auto guarded = gabion::pipeline(time.clock(), policy);
  const auto within = [&](duration whole) {
    call_context context;
    context.until = deadline::at(time.now() + whole);
    return guarded.call(sleeper, context, [] { return std::error_code{}; });
  };
  REQUIRE(limiter.take(time.now()));
  CHECK(within(1s) == errc::rate_limited);
  CHECK(sleeper.waits.empty());
  CHECK_FALSE(within(1s + 1ns));
  CHECK(sleeper.waits == std::vector<duration>{1s});
}

TEST_CASE("each attempt of a retry is an outcome of the breaker inside it",
          "[conformance][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::basic_circuit_breaker breaker{{.failures = 5}, time.clock()};
  gabion::retry_policy retry{{.max_attempts = 3}};
  auto guarded = gabion::pipeline(time.clock(), retry, breaker);
  CHECK(guarded.call(sleeper, call_context{}, [] { return broken; }) == broken);
  CHECK(breaker.snapshot().counts.failure == 3);
  CHECK(guarded.call(sleeper, call_context{}, [] { return broken; }) == errc::circuit_open);
  CHECK(breaker.snapshot().counts.failure == 5);
}
