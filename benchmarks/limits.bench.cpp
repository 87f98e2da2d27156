// SPDX-License-Identifier: MIT
// What a permit costs, beside the cheapest thing that could do the same job. Compare ratios within
// one run.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>

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

void floor_mutex(benchmark::State& state) {
  static std::mutex lock;
  static std::uint64_t count = 0;
  for (auto _ : state) {
    const std::lock_guard guard{lock};
    benchmark::DoNotOptimize(++count);
  }
}

void floor_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gabion::steady_clock::now());
}

// Bulkheads.

template <class Bulkhead>
void acquire_and_release(benchmark::State& state) {
  static Bulkhead b{{.limit = 1000}};
  for (auto _ : state) benchmark::DoNotOptimize(static_cast<bool>(b.try_acquire()));
}

template <class Bulkhead>
void acquire_refused(benchmark::State& state) {
  static Bulkhead b{{.limit = 0}};
  for (auto _ : state) benchmark::DoNotOptimize(static_cast<bool>(b.try_acquire()));
}

/// What a pipeline does for a call that need not wait.
template <class Bulkhead>
void passage(benchmark::State& state) {
  static Bulkhead b{{.limit = 1000}};
  gabion::call_context context;
  gabion::call_outcome outcome;
  const auto now = [] { return gabion::instant{}; };
  for (auto _ : state) {
    typename Bulkhead::run run{b};
    benchmark::DoNotOptimize(run.enter(context, now));
    benchmark::DoNotOptimize(run.leave(outcome, context, now));
  }
}

struct bell {
  void wake() noexcept {}
};

/// A permit handed from one call to one that waits for it, on one thread: the queue alone, without
/// putting threads to sleep.
void handed_over(benchmark::State& state) {
  gabion::queueing_bulkhead b{{.limit = 1, .max_waiting = 10}};
  bell ring;
  gabion::call_context context;
  context.wake.emplace(ring);
  const auto now = [] { return gabion::instant{1h}; };
  for (auto _ : state) {
    auto held = b.try_acquire();
    gabion::queueing_bulkhead::run run{b};
    benchmark::DoNotOptimize(run.enter(context, now));
    held.release();
    benchmark::DoNotOptimize(run.enter(context, now));
  }
}

// Rate limiters. Time is given and moves on, from run to run too, so that each permit is there.

// Later than where the last run ended, and about the same for all threads of a run.
gabion::instant fresh_start() {
  static const gabion::instant first = gabion::steady_clock::now();
  return gabion::instant{1h} + (gabion::steady_clock::now() - first) * 1000;
}

template <class Limiter>
void taken(benchmark::State& state, Limiter& limiter) {
  gabion::instant now = fresh_start();
  std::uint64_t missed = 0;
  for (auto _ : state) missed += limiter.take(now += 1us, 1) ? 0U : 1U;
  // Of two threads the one that falls behind in time is refused now and then.
  if (state.threads() == 1 && missed != 0) state.SkipWithError("measures refusals");
}

template <class Limiter>
void refused(benchmark::State& state, Limiter& limiter) {
  const gabion::instant now{1h};
  while (limiter.take(now, 1)) {}
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(now, 1));
}

template <class Limiter>
void taken_with_clock(benchmark::State& state, Limiter& limiter) {
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(gabion::steady_clock::now(), 1));
}

gabion::gcra& spaced() {
  static gabion::gcra limiter{{.interval = 100ns, .burst = 1000}};
  return limiter;
}
gabion::token_bucket& bucket() {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {10, 1us}}};
  return limiter;
}
gabion::token_bucket& three_in_700_ns() {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {3, 700ns}}};
  return limiter;
}
gabion::token_bucket& fractional() {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {9'999'983, 1s}}};
  return limiter;
}
gabion::sliding_window_limiter& window() {
  static gabion::sliding_window_limiter limiter{{.limit = 4'000'000, .window = 1s}};
  return limiter;
}

template <class Key>
Key key_of(std::uint64_t i);
template <>
std::uint64_t key_of(std::uint64_t i) {
  return i;
}
template <>
std::string key_of(std::uint64_t i) {
  return "tenant-" + std::to_string(i);
}

/// One of 1000 keys that are all known.
template <class Key>
void keyed(benchmark::State& state) {
  static gabion::keyed_rate_limiter<Key> limiter{{.interval = 1us, .burst = 1000},
                                                 {.keys = 4000, .idle_for = 24h}};
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < 1000; ++i) keys.push_back(key_of<Key>(i));
  gabion::instant now = fresh_start();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 500;
  for (auto _ : state) {
    benchmark::DoNotOptimize(limiter.take(keys[i], now += 1us));
    i = i + 1 == keys.size() ? 0 : i + 1;
  }
}

/// Each key is new and drives an old one out.
void keyed_and_evicted(benchmark::State& state) {
  static gabion::keyed_rate_limiter<std::uint64_t> limiter{{.interval = 1h}, {.keys = 4000}};
  std::uint64_t key = 0;
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(++key, gabion::instant{1h}));
}

BENCHMARK(floor_cas)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_mutex)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_now);

BENCHMARK(acquire_and_release<gabion::bulkhead>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(acquire_and_release<gabion::queueing_bulkhead>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(acquire_refused<gabion::bulkhead>);
BENCHMARK(passage<gabion::bulkhead>);
BENCHMARK(passage<gabion::queueing_bulkhead>);
BENCHMARK(handed_over);

BENCHMARK_CAPTURE(taken, gcra, spaced())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(taken, token_bucket, bucket())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(taken, token_bucket_three_in_700_ns, three_in_700_ns())
    ->ThreadRange(1, 2)
    ->UseRealTime();
BENCHMARK_CAPTURE(taken, token_bucket_fractional, fractional())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(taken, sliding_window, window())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(refused, gcra, *new gabion::gcra{{.interval = 1h}});
BENCHMARK_CAPTURE(refused, token_bucket, *new gabion::token_bucket{{.refill = {1, 1h}}});
BENCHMARK_CAPTURE(refused, sliding_window, *new gabion::sliding_window_limiter{{.limit = 10}});
BENCHMARK_CAPTURE(taken_with_clock, gcra, spaced());

BENCHMARK(keyed<std::uint64_t>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(keyed<std::string>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(keyed_and_evicted);

}  // namespace
