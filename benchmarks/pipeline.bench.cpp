// SPDX-License-Identifier: MIT
// What a pipeline costs around a call, beside the call alone and the clock. Compare ratios within
// one run.
#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>

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

void floor_direct_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ask());
}

template <class Clock>
void floor_clock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
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

BENCHMARK(floor_direct_call);
BENCHMARK(floor_clock<gabion::steady_clock>);
BENCHMARK(floor_clock<gabion::coarse_clock>);
BENCHMARK(no_op_1);
BENCHMARK(no_op_2);
BENCHMARK(no_op_5);
BENCHMARK(only_breaker);
BENCHMARK(only_retry);
BENCHMARK(only_limiter);
BENCHMARK(only_bulkhead);
BENCHMARK(only_timeout);
BENCHMARK(five<gabion::steady_clock>);
BENCHMARK(five<gabion::coarse_clock>);

}  // namespace

BENCHMARK_MAIN();
