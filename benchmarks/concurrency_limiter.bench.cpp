// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;
using gabion::aimd_limit;
using gabion::coarse_clock;
using gabion::gradient2_limit;
using gabion::steady_clock;
using gabion::vegas_limit;

constexpr gabion::concurrency_limiter_options windowed{};
constexpr gabion::concurrency_limiter_options each_call{.window = {.span = 0s, .samples = 1}};

/// A permit acquired and released with a sample, at times that are given.
template <class Limit, const gabion::concurrency_limiter_options& Options = windowed>
void sample(State& state) {
  static gabion::basic_concurrency_limiter<Limit> l{Limit{{}}, Options};
  gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = l.try_acquire(now);
    now += 200us;
    if (entry) entry->success(now);
  }
}

template <class Clock>
void with_clock(State& state) {
  static gabion::basic_concurrency_limiter<vegas_limit> l{vegas_limit{}};
  for (auto _ : state) {
    auto entry = l.try_acquire(Clock::now());
    if (entry) entry->success(Clock::now());
  }
}

void rejection(State& state) {
  static gabion::basic_concurrency_limiter<gabion::fixed_limit> l{gabion::fixed_limit{1}};
  static const auto held = l.try_acquire({});
  for (auto _ : state) benchmark::DoNotOptimize(l.try_acquire({}).why());
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("steady clock reading", reading<steady_clock>);
  baseline("coarse clock reading", reading<coarse_clock>);
  on_two_threads(baseline("CAS, two threads", cas));

  row("permit and sample, AIMD", "2 CAS", sample<aimd_limit>);
  row("permit and sample, Vegas", "2 CAS", sample<vegas_limit>);
  row("permit and sample, Gradient2", "2 CAS", sample<gradient2_limit>);
  row("each call a sample, AIMD", "2 CAS", sample<aimd_limit, each_call>);
  row("each call a sample, Vegas", "2 CAS", sample<vegas_limit, each_call>);
  row("each call a sample, Gradient2", "2 CAS", sample<gradient2_limit, each_call>);
  row("with two readings of the steady clock", "2 steady clock reading + 2 CAS",
      with_clock<steady_clock>);
  row("with two readings of the coarse clock", "2 coarse clock reading + 2 CAS",
      with_clock<coarse_clock>);
  row("rejection", "CAS", rejection);
  on_two_threads(
      row("permit and sample, AIMD, two threads", "2 CAS, two threads", sample<aimd_limit>));
  on_two_threads(
      row("permit and sample, Vegas, two threads", "2 CAS, two threads", sample<vegas_limit>));
  on_two_threads(row("permit and sample, Gradient2, two threads", "2 CAS, two threads",
                     sample<gradient2_limit>));
  return true;
}();

}  // namespace
