// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <cstdint>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/clock.hpp>
#if __has_include(<gabion/core/tsc_clock.hpp>)
#include <gabion/core/tsc_clock.hpp>
#endif

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;
using gabion::coarse_clock;
using gabion::steady_clock;

constexpr gabion::circuit_breaker_options in_a_row{.failures = 5, .open_for = 1h};
constexpr gabion::circuit_breaker_options last_100{
    .failures = 0, .window = {.calls = 100}, .open_for = 1h};
constexpr gabion::circuit_breaker_options both{
    .failures = 5, .window = {.calls = 100}, .open_for = 1h};
constexpr gabion::circuit_breaker_options timed{
    .failures = 0, .time_window = {.span = 10s}, .open_for = 1h};
constexpr gabion::circuit_breaker_options slow_last_100{
    .failures = 0, .window = {.calls = 100, .slow_percent = 50}, .slow_after = 1s, .open_for = 1h};
constexpr gabion::circuit_breaker_options timed_and_slow{
    .failures = 0,
    .time_window = {.span = 10s, .slow_percent = 50},
    .slow_after = 1s,
    .open_for = 1h};
constexpr gabion::circuit_breaker_options in_flight_is_slow{
    .failures = 0,
    .time_window = {.span = 10s, .slow_percent = 50},
    .slow_after = 1s,
    .count_overdue = true,
    .open_for = 1h};

/// A time that another thread keeps up to date: a reading is one load.
struct cached_clock {
  [[nodiscard]] static gabion::instant now() noexcept {
    return gabion::instant{gabion::duration{time.load(std::memory_order_relaxed)}};
  }
  static inline std::atomic<gabion::duration::rep> time{1'000'000'000};
};

/// Admits and records a success. One breaker for all threads.
template <const gabion::circuit_breaker_options& Options, class Clock = steady_clock>
void closed(State& state) {
  static gabion::basic_circuit_breaker<Clock> b{Options};
  for (auto _ : state) b.try_acquire()->success();
}

template <const gabion::circuit_breaker_options& Options>
void one_in_ten_fails(State& state) {
  static gabion::circuit_breaker b{Options};
  unsigned i = 0;
  for (auto _ : state) {
    auto entry = b.try_acquire();
    if (++i % 10 == 0)
      entry->failure();
    else
      entry->success();
  }
}

void through_call(State& state) {
  static gabion::circuit_breaker b{last_100};
  int answer = 0;
  for (auto _ : state) benchmark::DoNotOptimize(b.call([&] { return ++answer; }));
}

void probe(State& state) {
  static gabion::basic_circuit_breaker<cached_clock> b{{.failures = 1}};
  b.trip(0s);
  for (auto _ : state) b.try_acquire()->ignore();
}

template <class Clock>
void rejection(State& state) {
  static gabion::basic_circuit_breaker<Clock> b{in_a_row};
  b.trip(1h);
  for (auto _ : state) benchmark::DoNotOptimize(b.try_acquire().rejection());
}

void rejection_at_a_given_time(State& state) {
  static gabion::circuit_breaker b{in_a_row};
  b.trip(1h);
  const gabion::instant now = steady_clock::now();
  for (auto _ : state) benchmark::DoNotOptimize(b.try_acquire(now).rejection());
}

void rejection_by_exception(State& state) {
  static gabion::circuit_breaker b{in_a_row};
  b.trip(1h);
  for (auto _ : state) {
    try {
      b.call([] {});
    } catch (const gabion::circuit_open_error& e) {
      benchmark::DoNotOptimize(e.retry_after());
    }
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("relaxed add", relaxed_add);
  baseline("mutex", mutex);
  baseline("steady clock reading", reading<steady_clock>);
  baseline("coarse clock reading", reading<coarse_clock>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  baseline("tsc clock reading", reading<gabion::tsc_clock>);
#endif
  baseline("throw and catch", throw_and_catch);
  on_two_threads(baseline("CAS, two threads", cas));
  on_two_threads(baseline("relaxed add, two threads", relaxed_add));
  on_two_threads(baseline("mutex, two threads", mutex));

  row("closed, consecutive failures: admit and record", "relaxed add", closed<in_a_row>);
  row("closed, last 100 calls: admit and record", "CAS", closed<last_100>);
  row("closed, both rules: admit and record", "CAS", closed<both>);
  row("closed, last 100 calls, through `call(f)`", "CAS", through_call);
  row("closed, consecutive failures, one in ten fails", "relaxed add", one_in_ten_fails<in_a_row>);
  row("closed, last 100 calls, one in ten fails", "CAS", one_in_ten_fails<last_100>);
  row("slow calls among the last 100, cached time", "mutex", closed<slow_last_100, cached_clock>);
  row("time window, cached time", "mutex", closed<timed, cached_clock>);
  row("time window, coarse clock", "coarse clock reading + CAS", closed<timed, coarse_clock>);
  row("time window, steady clock", "steady clock reading + CAS", closed<timed>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  row("time window, tsc clock", "tsc clock reading + CAS", closed<timed, gabion::tsc_clock>);
#endif
  row("time window and slow calls, cached time", "mutex", closed<timed_and_slow, cached_clock>);
  row("time window and slow calls, coarse clock", "coarse clock reading + CAS",
      closed<timed_and_slow, coarse_clock>);
  row("time window and slow calls, steady clock", "steady clock reading + CAS",
      closed<timed_and_slow>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  row("time window and slow calls, tsc clock", "tsc clock reading + CAS",
      closed<timed_and_slow, gabion::tsc_clock>);
#endif
  row("time window, slow calls and `count_overdue`, cached time", "mutex",
      closed<in_flight_is_slow, cached_clock>);
  row("half-open: a probe acquired and released", "2 CAS", probe);
  row("open: rejection, time given", "relaxed add", rejection_at_a_given_time);
  row("open: rejection, cached time", "relaxed add", rejection<cached_clock>);
  row("open: rejection, coarse clock", "coarse clock reading + relaxed add",
      rejection<coarse_clock>);
  row("open: rejection, steady clock", "steady clock reading + relaxed add",
      rejection<steady_clock>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  row("open: rejection, tsc clock", "tsc clock reading + relaxed add",
      rejection<gabion::tsc_clock>);
#endif
  row("open: rejection by exception", "throw and catch", rejection_by_exception);

  on_two_threads(row("closed, consecutive failures, two threads", "relaxed add, two threads",
                     closed<in_a_row>));
  on_two_threads(row("closed, last 100 calls, two threads", "CAS, two threads", closed<last_100>));
  on_two_threads(row("time window and slow calls, coarse clock, two threads", "mutex, two threads",
                     closed<timed_and_slow, coarse_clock>));
  on_two_threads(row("open: rejection, time given, two threads", "relaxed add, two threads",
                     rejection_at_a_given_time));
  return true;
}();

}  // namespace
