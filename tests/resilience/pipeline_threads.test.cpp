// SPDX-License-Identifier: MIT
// One pipeline object, several threads: what goes in comes out, and every permit comes back.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <system_error>

#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace std::chrono_literals;
using gabion_test::on_threads;

TEST_CASE("one pipeline of five policies serves several threads", "[pipeline][threads]") {
  gabion::retry_policy retry{{.max_attempts = 3, .backoff = {.initial = 0ms, .cap = 0ms}}};
  gabion::circuit_breaker breaker{{.failures = 60'000}};
  gabion::gcra limiter{{.interval = 1ns, .burst = 1'000'000'000}};
  gabion::bulkhead bulkhead{{.limit = 4}};
  gabion::timeout_policy timeout{{.limit = 1min}};
  auto guarded = gabion::pipeline(retry, breaker, limiter, bulkhead, timeout);

  constexpr int threads = 4;
  constexpr int calls = 3000;
  std::atomic<int> in_flight{0};
  std::atomic<bool> too_many{false};
  std::atomic<int> attempts{0};
  std::atomic<int> succeeded{0};
  on_threads(threads, [&](int self) {
    for (int n = 0; n < calls; ++n) {
      int tried = 0;
      const std::error_code result = guarded.call([&] {
        if (in_flight.fetch_add(1) >= 4) too_many = true;
        attempts.fetch_add(1);
        ++tried;
        in_flight.fetch_sub(1);
        return (n + self) % 3 == 0 && tried < 2 ? std::make_error_code(std::errc::timed_out)
                                                : std::error_code{};
      });
      if (!result) succeeded.fetch_add(1);
    }
  });
  CHECK_FALSE(too_many.load());
  CHECK(succeeded.load() == threads * calls);
  CHECK(attempts.load() == threads * calls + threads * calls / 3);
  CHECK(breaker.snapshot().counts.settled() == static_cast<std::uint64_t>(attempts.load()));
  CHECK(bulkhead.snapshot().in_use == 0);
}

TEST_CASE("threads that queue for a permit are woken when one comes free", "[pipeline][threads]") {
  gabion::queueing_bulkhead bulkhead{{.limit = 1, .max_waiting = 8, .max_wait = 1h}};
  auto guarded = gabion::pipeline(bulkhead);
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  int counted = 0;  // guarded by the bulkhead of one permit
  on_threads(4, [&](int /*self*/) {
    for (int n = 0; n < 1000; ++n)
      guarded.call([&] {
        if (inside.fetch_add(1) != 0) overlapped = true;
        ++counted;
        inside.fetch_sub(1);
      });
  });
  CHECK_FALSE(overlapped.load());
  CHECK(counted == 4000);
}
