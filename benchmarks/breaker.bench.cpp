// SPDX-License-Identifier: MIT
// What a protected call costs, beside the cheapest thing that could do the same job. Compare ratios
// within one run.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include <benchmark/benchmark.h>

#include <gabion/circuit_breaker.hpp>

namespace {

using namespace std::chrono_literals;

constexpr gabion::circuit_breaker_options in_a_row{.failures = 5, .open_for = 1h};
constexpr gabion::circuit_breaker_options last_hundred{
    .failures = 0, .window = {.calls = 100}, .open_for = 1h};
constexpr gabion::circuit_breaker_options last_ten_seconds{
    .failures = 0, .time_window = {.span = 10s}, .open_for = 1h};
constexpr gabion::circuit_breaker_options slow_last_hundred{
    .failures = 0, .window = {.calls = 100, .slow_percent = 50}, .slow_after = 1s, .open_for = 1h};
constexpr gabion::circuit_breaker_options slow_last_ten_seconds{
    .failures = 0,
    .time_window = {.span = 10s, .slow_percent = 50},
    .slow_after = 1s,
    .open_for = 1h};
constexpr gabion::circuit_breaker_options overdue{.failures = 0,
                                                  .time_window = {.span = 10s, .slow_percent = 50},
                                                  .slow_after = 1s,
                                                  .count_overdue = true,
                                                  .open_for = 1h};
constexpr gabion::circuit_breaker_options both{
    .failures = 5, .window = {.calls = 100}, .open_for = 1h};

/// A time that somebody else keeps up to date: reading it is one load.
struct cached_clock {
  [[nodiscard]] static gabion::instant now() noexcept {
    return gabion::instant{gabion::duration{time.load(std::memory_order_relaxed)}};
  }
  static inline std::atomic<gabion::duration::rep> time{1'000'000'000};
};

// Floors.

void floor_load_and_branch(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state)
    if (word.load(std::memory_order_acquire) != 0) state.SkipWithError("never");
}

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

void floor_mutex(benchmark::State& state) {
  static std::mutex lock;
  static std::uint64_t n = 0;
  for (auto _ : state) {
    const std::lock_guard guard{lock};
    benchmark::DoNotOptimize(++n);
  }
}

template <class Clock>
void floor_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
}

// The breaker.

void settle(gabion::circuit_breaker& b, bool failed) {
  auto entry = b.try_acquire();
  if (failed)
    entry->failure();
  else
    entry->success();
}

void closed(benchmark::State& state, gabion::circuit_breaker& b) {
  for (auto _ : state) settle(b, false);
}

/// Rules under the lock, by a clock of choice.
template <class Clock, const gabion::circuit_breaker_options& Options>
void closed_by_time(benchmark::State& state) {
  static gabion::basic_circuit_breaker<Clock> b{Options};
  for (auto _ : state) b.try_acquire()->success();
}

void probe_and_give_back(benchmark::State& state) {
  static gabion::basic_circuit_breaker<cached_clock> b{{.failures = 1}};
  b.trip(0s);
  for (auto _ : state) b.try_acquire()->ignore();
}

void closed_one_in_ten_fails(benchmark::State& state, gabion::circuit_breaker& b) {
  unsigned i = 0;
  for (auto _ : state) settle(b, ++i % 10 == 0);
}

void closed_call(benchmark::State& state, gabion::circuit_breaker& b) {
  int answer = 0;
  for (auto _ : state) benchmark::DoNotOptimize(b.call([&] { return ++answer; }));
}

template <class Breaker>
void open_it(Breaker& b) {
  while (auto entry = b.try_acquire()) entry->failure();
}

template <class Clock>
void rejected(benchmark::State& state) {
  static gabion::basic_circuit_breaker<Clock> b{in_a_row};
  open_it(b);
  for (auto _ : state) benchmark::DoNotOptimize(b.try_acquire().rejection());
}

void rejected_at_a_given_time(benchmark::State& state) {
  static gabion::circuit_breaker b{in_a_row};
  open_it(b);
  const gabion::instant now = gabion::steady_clock::now();
  for (auto _ : state) benchmark::DoNotOptimize(b.try_acquire(now).rejection());
}

void rejected_by_exception(benchmark::State& state) {
  static gabion::circuit_breaker b{in_a_row};
  open_it(b);
  for (auto _ : state) {
    try {
      b.call([] {});
    } catch (const gabion::circuit_open_error& e) {
      benchmark::DoNotOptimize(e.retry_after());
    }
  }
}

gabion::circuit_breaker& row() {
  static gabion::circuit_breaker b{in_a_row};
  return b;
}
gabion::circuit_breaker& window() {
  static gabion::circuit_breaker b{last_hundred};
  return b;
}
gabion::circuit_breaker& row_and_window() {
  static gabion::circuit_breaker b{both};
  return b;
}

BENCHMARK(floor_load_and_branch)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_cas)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_add)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_mutex)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(floor_now<gabion::steady_clock>);
BENCHMARK(floor_now<gabion::coarse_clock>);

BENCHMARK_CAPTURE(closed, row, row())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(closed, window, window())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(closed, row_and_window, row_and_window())->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_CAPTURE(closed_one_in_ten_fails, row, row());
BENCHMARK_CAPTURE(closed_one_in_ten_fails, window, window());
BENCHMARK_CAPTURE(closed_call, window, window());

BENCHMARK(closed_by_time<cached_clock, last_ten_seconds>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(closed_by_time<cached_clock, slow_last_hundred>);
BENCHMARK(closed_by_time<cached_clock, slow_last_ten_seconds>);
BENCHMARK(closed_by_time<cached_clock, overdue>);
BENCHMARK(closed_by_time<gabion::coarse_clock, last_ten_seconds>);
BENCHMARK(closed_by_time<gabion::coarse_clock, slow_last_ten_seconds>)
    ->ThreadRange(1, 2)
    ->UseRealTime();
BENCHMARK(closed_by_time<gabion::steady_clock, last_ten_seconds>);
BENCHMARK(closed_by_time<gabion::steady_clock, slow_last_ten_seconds>)
    ->ThreadRange(1, 2)
    ->UseRealTime();
BENCHMARK(probe_and_give_back);

BENCHMARK(rejected_at_a_given_time)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(rejected<cached_clock>);
BENCHMARK(rejected<gabion::coarse_clock>);
BENCHMARK(rejected<gabion::steady_clock>);
BENCHMARK(rejected_by_exception);

}  // namespace
