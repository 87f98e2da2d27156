// SPDX-License-Identifier: MIT
// What the adaptive policies cost a call, beside the cheapest thing that could do the same job.
// Compare ratios within one run.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include <benchmark/benchmark.h>

#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/chaos.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/outlier_ejection.hpp>
#include <gabion/resilience/vegas_limit.hpp>

namespace {

using namespace std::chrono_literals;

// Floors.

void floor_cas(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) {
    std::uint64_t seen = word.load(std::memory_order_acquire);
    while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {}
  }
}

void floor_add(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) word.fetch_add(1, std::memory_order_relaxed);
}

template <class Clock>
void floor_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
}

// Concurrency limiter: a place taken and given back with a sample, at times that are given.

template <class Limit>
void limiter(benchmark::State& state) {
  static gabion::basic_concurrency_limiter<Limit> l{Limit{{}}};
  gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = l.try_acquire(now);
    now += 200us;
    if (entry) entry->success(now);
  }
}

/// The same, each call a sample that the algorithm sees.
template <class Limit>
void limiter_each_call(benchmark::State& state) {
  static gabion::basic_concurrency_limiter<Limit> l{Limit{{}},
                                                    {.window = {.span = 0s, .samples = 1}}};
  gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = l.try_acquire(now);
    now += 200us;
    if (entry) entry->success(now);
  }
}

template <class Clock>
void limiter_with_clock(benchmark::State& state) {
  static gabion::basic_concurrency_limiter<gabion::vegas_limit> l{gabion::vegas_limit{}};
  for (auto _ : state) {
    auto entry = l.try_acquire(Clock::now());
    if (entry) entry->success(Clock::now());
  }
}

void limiter_refusal(benchmark::State& state) {
  static gabion::basic_concurrency_limiter<gabion::fixed_limit> l{gabion::fixed_limit{1}};
  static const auto held = l.try_acquire({});
  for (auto _ : state) benchmark::DoNotOptimize(l.try_acquire({}).why());
}

// Adaptive throttle: admit and record, at a given time.

void throttle(benchmark::State& state) {
  static gabion::adaptive_throttle t;
  const gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = t.try_acquire(now);
    if (entry) entry->success(now);
  }
}

/// Nine in ten are rejected.
void throttle_in_trouble(benchmark::State& state) {
  static gabion::adaptive_throttle t;
  const gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = t.try_acquire(now);
    if (entry) entry->failure(now);
  }
}

// Load shedder.

void shedder_lets_in(benchmark::State& state) {
  static gabion::load_gauge gauge;
  static gabion::load_shedder<gabion::load_gauge::handle> s{gauge.source()};
  for (auto _ : state) benchmark::DoNotOptimize(s.refuses(gabion::call_priority::normal));
}

// Chaos: a run's way in, as a pipeline goes it.

template <class Chaos>
void chaos_run(benchmark::State& state, Chaos& chaos) {
  gabion::call_context context;
  gabion::call_outcome outcome;
  const auto now = [] { return gabion::instant{}; };
  for (auto _ : state) {
    typename Chaos::run run{chaos};
    benchmark::DoNotOptimize(run.enter(context, now).what);
    benchmark::DoNotOptimize(run.leave(outcome, context, now).what);
  }
}

void no_policy_at_all(benchmark::State& state) {
  for (auto _ : state) {
    auto what = gabion::entry_step::kind::pass;
    benchmark::DoNotOptimize(what);
    auto up = gabion::exit_step::kind::up;
    benchmark::DoNotOptimize(up);
  }
}

gabion::chaos& switched_off() {
  static gabion::chaos c{{.enabled = false, .error_rate = 1'000}};
  return c;
}
gabion::chaos& one_in_a_thousand() {
  static gabion::chaos c{{.error_rate = 1'000}};
  return c;
}
gabion::no_chaos& compiled_out() {
  static gabion::no_chaos c;
  return c;
}

// Outlier ejection.

void outlier_record(benchmark::State& state) {
  static gabion::outlier_ejection set{{.capacity = 8}};
  static const gabion::outlier_host host = *set.add();
  const gabion::instant now{1h};
  for (auto _ : state) benchmark::DoNotOptimize(set.record(host, gabion::verdict::success, now));
}

void outlier_available(benchmark::State& state) {
  static gabion::outlier_ejection set{{.capacity = 8}};
  static const gabion::outlier_host host = *set.add();
  const gabion::instant now{1h};
  for (auto _ : state) benchmark::DoNotOptimize(set.available(host, now));
}

void outlier_tick(benchmark::State& state) {
  gabion::outlier_ejection set{{.capacity = 1024}};
  for (int i = 0; i < 1024; ++i) static_cast<void>(set.add());
  gabion::instant now{1h};
  for (auto _ : state) {
    now += 10s;
    benchmark::DoNotOptimize(set.tick(now));
  }
}

BENCHMARK(floor_cas)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_add)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_now<gabion::steady_clock>);
BENCHMARK(floor_now<gabion::coarse_clock>);

BENCHMARK(limiter<gabion::aimd_limit>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(limiter<gabion::vegas_limit>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(limiter<gabion::gradient2_limit>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(limiter_each_call<gabion::aimd_limit>);
BENCHMARK(limiter_each_call<gabion::vegas_limit>);
BENCHMARK(limiter_each_call<gabion::gradient2_limit>);
BENCHMARK(limiter_with_clock<gabion::steady_clock>);
BENCHMARK(limiter_with_clock<gabion::coarse_clock>);
BENCHMARK(limiter_refusal)->ThreadRange(1, 2)->UseRealTime();

BENCHMARK(throttle)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(throttle_in_trouble)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(shedder_lets_in)->ThreadRange(1, 2)->UseRealTime();

BENCHMARK(no_policy_at_all);
BENCHMARK_CAPTURE(chaos_run, compiled_out, compiled_out());
BENCHMARK_CAPTURE(chaos_run, switched_off, switched_off());
BENCHMARK_CAPTURE(chaos_run, one_in_a_thousand, one_in_a_thousand());

BENCHMARK(outlier_record)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(outlier_available)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(outlier_tick);

}  // namespace
