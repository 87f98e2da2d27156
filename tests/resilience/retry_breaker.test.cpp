// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <system_error>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/advancing_sleeper.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::attempt_report;
using gabion::attempt_verdict;
using gabion::duration;
using gabion::retry_stop;
using gabion::testing::manual_clock;
using gabion::testing::manual_time;
using gabion_test::advancing_sleeper;

namespace {

/// A provider that fails until told otherwise, called through a breaker that opens after two
/// failures for ten seconds.
struct guarded_provider {
  explicit guarded_provider(manual_time& time)
      : breaker{{.failures = 2, .open_for = 10s, .successes_to_close = 1}, time.clock()} {}

  attempt_report operator()(const gabion::attempt_context&) {
    auto admitted = breaker.try_acquire();
    if (!admitted) return {attempt_verdict::rejected, admitted.rejection().retry_after};
    ++calls;
    if (calls <= failing) {
      admitted->failure();
      return {attempt_verdict::retryable};
    }
    admitted->success();
    return {attempt_verdict::success};
  }

  gabion::basic_circuit_breaker<manual_clock> breaker;
  int failing = 0;
  int calls = 0;
};

constexpr auto as_it_says = [](const attempt_report& r) { return r; };

[[nodiscard]] auto machine(gabion::rejection_handling rejections) {
  return gabion::basic_retry{
      gabion::retry_options{.max_attempts = 7,
                            .backoff = {.initial = 100ms, .jitter = gabion::backoff_jitter::none},
                            .rejections = rejections},
      gabion::xoshiro256{1}};
}

constexpr gabion::backoff_options no_jitter{.initial = 100ms,
                                            .jitter = gabion::backoff_jitter::none};
const std::error_code timed_out = std::make_error_code(std::errc::timed_out);

}  // namespace

TEST_CASE("retries end when the breaker opens under them", "[resilience][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  guarded_provider provider{time};
  provider.failing = 100;
  auto retry = machine(gabion::rejection_handling::stop);
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, provider, as_it_says);
  CHECK(result.why == retry_stop::rejected);
  CHECK(result.attempts == 3);
  CHECK(provider.calls == 2);
}

TEST_CASE("retries that wait for a breaker wait exactly what is left of its open time",
          "[resilience][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  guarded_provider provider{time};
  provider.failing = 2;
  auto retry = machine(gabion::rejection_handling::wait);
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, provider, as_it_says);
  CHECK(result.why == retry_stop::success);
  CHECK(provider.calls == 3);
  // two attempts fail and open it; the third is rejected after the back-off of 200 ms and told 9.8
  // s
  CHECK(sleeper.waits == std::vector<duration>{0ns, 100ms, 200ms, 9800ms});
  CHECK(provider.breaker.state() == gabion::circuit_state::closed);
}

TEST_CASE("a deadline before the breaker closes ends the retries without a wait",
          "[resilience][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  guarded_provider provider{time};
  provider.failing = 2;
  auto retry = machine(gabion::rejection_handling::wait);
  const auto until = gabion::deadline::in(time.clock(), 5s);
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, provider, as_it_says, until);
  CHECK(result.why == retry_stop::deadline);
  CHECK(provider.calls == 2);
  CHECK(sleeper.waits.size() == 3);
  CHECK_FALSE(until.expired(time.now()));
}

TEST_CASE("case 57: an open circuit is not retried by default", "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time, {}};
  gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 7s, .successes_to_close = 1},
                                        time.clock()};
  gabion::retry_policy retry{{.max_attempts = 5, .backoff = no_jitter}};
  auto guarded = gabion::pipeline(time.clock(), retry, breaker);
  int calls = 0;
  const auto send = [&] {
    ++calls;
    return timed_out;
  };
  CHECK(guarded.call(sleeper, gabion::call_context{}, send) == gabion::errc::circuit_open);
  CHECK(calls == 1);
  CHECK(guarded.call(sleeper, gabion::call_context{}, send) == gabion::errc::circuit_open);
  CHECK(calls == 1);
  CHECK(sleeper.waits == std::vector<duration>{100ms});
}

TEST_CASE("case 57: if asked a retry waits exactly what is left of the open time",
          "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time, {}};
  gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 7s, .successes_to_close = 1},
                                        time.clock()};
  gabion::retry_policy retry{
      {.max_attempts = 5, .backoff = no_jitter, .rejections = gabion::rejection_handling::wait}};
  auto guarded = gabion::pipeline(time.clock(), retry, breaker);
  int calls = 0;
  const auto send = [&] { return ++calls < 2 ? timed_out : std::error_code{}; };
  CHECK_FALSE(guarded.call(sleeper, gabion::call_context{}, send));
  CHECK(calls == 2);
  CHECK(sleeper.waits == std::vector<duration>{100ms, 6900ms});
}
