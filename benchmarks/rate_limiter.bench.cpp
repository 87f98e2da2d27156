// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;

// Time is given and moves on, from run to run too, so that each permit is there.

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
void rejected(benchmark::State& state, Limiter& limiter) {
  const gabion::instant now{1h};
  while (limiter.take(now, 1)) {}
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(now, 1));
}

template <class Clock>
void taken_with_clock(benchmark::State& state) {
  static gabion::gcra limiter{{.interval = 1ns, .burst = 1'000'000}};
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(Clock::now(), 1));
}

void gcra(benchmark::State& state) {
  static gabion::gcra limiter{{.interval = 100ns, .burst = 1000}};
  taken(state, limiter);
}
void bucket(benchmark::State& state) {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {10, 1us}}};
  taken(state, limiter);
}
void three_in_700_ns(benchmark::State& state) {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {3, 700ns}}};
  taken(state, limiter);
}
void fractional(benchmark::State& state) {
  static gabion::token_bucket limiter{{.burst = 1000, .refill = {9'999'983, 1s}}};
  taken(state, limiter);
}
void sliding_window(benchmark::State& state) {
  static gabion::sliding_window_limiter limiter{{.limit = 4'000'000, .window = 1s}};
  taken(state, limiter);
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

/// Each key is new and evicts an old one.
void keyed_and_evicted(benchmark::State& state) {
  static gabion::keyed_rate_limiter<std::uint64_t> limiter{{.interval = 1h}, {.keys = 4000}};
  std::uint64_t key = 0;
  for (auto _ : state) benchmark::DoNotOptimize(limiter.take(++key, gabion::instant{1h}));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  using benchmark::State;
  baseline("CAS", cas);
  baseline("mutex", mutex);
  baseline("steady clock reading", reading<gabion::steady_clock>);
  baseline("coarse clock reading", reading<gabion::coarse_clock>);
  on_two_threads(baseline("CAS, two threads", cas));
  on_two_threads(baseline("mutex, two threads", mutex));

  row("`gcra`: permit", "CAS", gcra);
  row("`gcra`: rejection", "CAS", [](State& state) {
    static gabion::gcra limiter{{.interval = 1h}};
    rejected(state, limiter);
  });
  row("`gcra`: permit, steady clock", "steady clock reading + CAS",
      taken_with_clock<gabion::steady_clock>);
  row("`gcra`: permit, coarse clock", "coarse clock reading + CAS",
      taken_with_clock<gabion::coarse_clock>);
  row("`token_bucket`: permit", "CAS", bucket);
  row("`token_bucket`: permit, 3 in 700 ns", "CAS", three_in_700_ns);
  row("`token_bucket`: permit, 9999983 per second, under its lock", "mutex", fractional);
  row("`token_bucket`: rejection", "CAS", [](State& state) {
    static gabion::token_bucket limiter{{.refill = {1, 1h}}};
    rejected(state, limiter);
  });
  row("`sliding_window_limiter`: permit", "mutex", sliding_window);
  row("`sliding_window_limiter`: rejection and search for the wait", "mutex", [](State& state) {
    static gabion::sliding_window_limiter limiter{{.limit = 10}};
    rejected(state, limiter);
  });
  row("`keyed_rate_limiter<std::uint64_t>`: one of 1000 known keys", "mutex", keyed<std::uint64_t>);
  row("`keyed_rate_limiter<std::string>`: one of 1000 known keys", "mutex", keyed<std::string>);
  row("`keyed_rate_limiter<std::uint64_t>`: a new key evicts an old one", "mutex",
      keyed_and_evicted);
  on_two_threads(row("`gcra`: permit, two threads", "CAS, two threads", gcra));
  on_two_threads(row("`token_bucket`: permit, two threads", "CAS, two threads", bucket));
  on_two_threads(
      row("`sliding_window_limiter`: permit, two threads", "mutex, two threads", sliding_window));
  on_two_threads(row("`keyed_rate_limiter<std::string>`: known keys, two threads",
                     "mutex, two threads", keyed<std::string>));
  return true;
}();

}  // namespace
