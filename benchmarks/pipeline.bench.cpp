// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#if __has_include(<gabion/core/tsc_clock.hpp>)
#include <gabion/core/tsc_clock.hpp>
#endif

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;

/// A policy that does nothing: what is left is the pipeline.
struct no_policy {
  static constexpr gabion::policy_kind kind = gabion::policy_kind::other;
  struct run {
    explicit run(no_policy& /*policy*/) noexcept {}
    template <class Now>
    [[nodiscard]] static gabion::entry_step enter(gabion::call_context& /*context*/,
                                                  const Now& /*now*/) noexcept {
      return gabion::entry_step::pass();
    }
    template <class Now>
    [[nodiscard]] static gabion::exit_step leave(gabion::call_outcome& /*outcome*/,
                                                 gabion::call_context& /*context*/,
                                                 const Now& /*now*/) noexcept {
      return gabion::exit_step::up();
    }
  };
};

/// A call that the compiler can neither see through nor leave out.
int answer = 0;
int ask() {
  benchmark::DoNotOptimize(answer);
  return ++answer;
}

void direct_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ask());
}

template <class Pipeline>
void run(benchmark::State& state, Pipeline& guarded) {
  for (auto _ : state) benchmark::DoNotOptimize(guarded.call(ask));
}

void no_op_1(benchmark::State& state) {
  auto guarded = gabion::pipeline(no_policy{});
  run(state, guarded);
}
void no_op_2(benchmark::State& state) {
  auto guarded = gabion::pipeline(no_policy{}, no_policy{});
  run(state, guarded);
}
void no_op_5(benchmark::State& state) {
  auto guarded = gabion::pipeline(no_policy{}, no_policy{}, no_policy{}, no_policy{}, no_policy{});
  run(state, guarded);
}
void only_breaker(benchmark::State& state) {
  gabion::circuit_breaker breaker{{.failures = 5}};
  auto guarded = gabion::pipeline(breaker);
  run(state, guarded);
}
void only_retry(benchmark::State& state) {
  gabion::retry_policy retry;
  auto guarded = gabion::pipeline(retry);
  run(state, guarded);
}
/// The five that a call to another service usually has, in the order that docs/pipeline.md
/// recommends.
template <class Clock>
void five(benchmark::State& state) {
  gabion::retry_policy retry;
  gabion::basic_circuit_breaker breaker{{.failures = 5, .window = {.calls = 100}}, Clock{}};
  gabion::gcra limiter{{.interval = 1ns, .burst = 1'000'000}};
  gabion::bulkhead bulkhead{{.limit = 16}};
  gabion::timeout_policy timeout{{.limit = 1s}};
  auto guarded = gabion::pipeline(Clock{}, retry, breaker, limiter, bulkhead, timeout);
  run(state, guarded);
}

/// The same five, each alone.
void only_limiter(benchmark::State& state) {
  gabion::gcra limiter{{.interval = 1ns, .burst = 1'000'000}};
  auto guarded = gabion::pipeline(limiter);
  run(state, guarded);
}
void only_bulkhead(benchmark::State& state) {
  gabion::bulkhead bulkhead{{.limit = 16}};
  auto guarded = gabion::pipeline(bulkhead);
  run(state, guarded);
}
void only_timeout(benchmark::State& state) {
  gabion::timeout_policy timeout{{.limit = 1s}};
  auto guarded = gabion::pipeline(timeout);
  run(state, guarded);
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("direct call", direct_call);
  baseline("CAS", cas);
  baseline("steady clock reading", reading<gabion::steady_clock>);
  baseline("coarse clock reading", reading<gabion::coarse_clock>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  baseline("tsc clock reading", reading<gabion::tsc_clock>);
#endif
  row("one policy that does nothing", "CAS", no_op_1);
  row("two policies that do nothing", "CAS", no_op_2);
  row("five policies that do nothing", "CAS", no_op_5);
  row("retry", "CAS", only_retry);
  row("circuit breaker", "CAS", only_breaker);
  row("rate limiter, steady clock", "steady clock reading + CAS", only_limiter);
  row("bulkhead", "2 CAS", only_bulkhead);
  row("timeout, steady clock", "steady clock reading", only_timeout);
  row("retry, breaker, rate limiter, bulkhead, timeout; steady clock",
      "steady clock reading + 8 CAS", five<gabion::steady_clock>);
  row("retry, breaker, rate limiter, bulkhead, timeout; coarse clock",
      "coarse clock reading + 8 CAS", five<gabion::coarse_clock>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  row("retry, breaker, rate limiter, bulkhead, timeout; tsc clock", "tsc clock reading + 8 CAS",
      five<gabion::tsc_clock>);
#endif
  return true;
}();

}  // namespace
