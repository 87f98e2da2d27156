// SPDX-License-Identifier: MIT
// No path of a call through a pipeline allocates. This executable counts every allocation.
#include <chrono>
#include <system_error>

#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion_test::allocations;

TEST_CASE("success and failure and retry and refusal through five policies allocate nothing",
          "[pipeline][allocation]") {
  gabion::testing::manual_time time;
  gabion::retry_policy retry{{.max_attempts = 3}};
  gabion::basic_circuit_breaker breaker{{.failures = 4, .open_for = 1h}, time.clock()};
  gabion::gcra limiter{{.interval = 1ms, .burst = 10}};
  gabion::bulkhead bulkhead{{.limit = 4}};
  gabion::timeout_policy timeout{{.limit = 1s}};
  auto guarded = gabion::pipeline(time.clock(), retry, breaker, limiter, bulkhead, timeout);
  struct {
    gabion::testing::manual_time* time;
    bool wait_until(gabion::instant moment) const {
      time->advance_to(moment);
      return true;
    }
    void wake() {}
  } waiter{&time};

  int refused = 0;
  const std::size_t before = allocations();
  for (int n = 0; n < 100; ++n) {
    time.advance(1s);
    breaker.reset();
    static_cast<void>(guarded.call(waiter, {}, [] { return std::error_code{}; }));
    for (int call = 0; call < 3; ++call)
      if (guarded.call(waiter, {}, [] { return std::make_error_code(std::errc::timed_out); }) ==
          make_error_code(gabion::errc::circuit_open))
        ++refused;
  }
  CHECK(allocations() == before);
  CHECK(refused == 200);
}

TEST_CASE("a real wait allocates nothing", "[pipeline][allocation]") {
  gabion::retry_policy retry{{.max_attempts = 3, .backoff = {.initial = 1us, .cap = 1us}}};
  auto guarded = gabion::pipeline(retry);
  const std::size_t before = allocations();
  CHECK(guarded.call([] { return std::make_error_code(std::errc::timed_out); }) ==
        std::errc::timed_out);
  CHECK(allocations() == before);
}
