// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;
using gabion::bulkhead;
using gabion::queueing_bulkhead;

template <class Bulkhead>
void acquire_and_release(State& state) {
  static Bulkhead b{{.limit = 1000}};
  for (auto _ : state) benchmark::DoNotOptimize(static_cast<bool>(b.try_acquire()));
}

template <class Bulkhead>
void rejection(State& state) {
  static Bulkhead b{{.limit = 0}};
  for (auto _ : state) benchmark::DoNotOptimize(static_cast<bool>(b.try_acquire()));
}

/// What a pipeline does for a call that need not wait.
template <class Bulkhead>
void passage(State& state) {
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

struct no_waker {
  void wake() noexcept {}
};

/// A permit handed from one call to one that waits for it, on one thread: the queue alone, without
/// putting threads to sleep.
void handed_over(State& state) {
  queueing_bulkhead b{{.limit = 1, .max_waiting = 10}};
  no_waker waker;
  gabion::call_context context;
  context.wake.emplace(waker);
  const auto now = [] { return gabion::instant{1h}; };
  for (auto _ : state) {
    auto held = b.try_acquire();
    queueing_bulkhead::run run{b};
    benchmark::DoNotOptimize(run.enter(context, now));
    held.release();
    benchmark::DoNotOptimize(run.enter(context, now));
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("mutex", mutex);
  on_two_threads(baseline("CAS, two threads", cas));
  row("`bulkhead`: acquire and release", "2 CAS", acquire_and_release<bulkhead>);
  row("`queueing_bulkhead`: acquire and release, no queue", "2 CAS",
      acquire_and_release<queueing_bulkhead>);
  row("`bulkhead`: rejection", "CAS", rejection<bulkhead>);
  row("`bulkhead` in a pipeline", "2 CAS", passage<bulkhead>);
  row("`queueing_bulkhead` in a pipeline, no queue", "2 CAS", passage<queueing_bulkhead>);
  row("`queueing_bulkhead`: queued, handed over and woken", "mutex", handed_over);
  on_two_threads(row("`bulkhead`: acquire and release, two threads", "2 CAS, two threads",
                     acquire_and_release<bulkhead>));
  on_two_threads(row("`queueing_bulkhead`: acquire and release, two threads", "2 CAS, two threads",
                     acquire_and_release<queueing_bulkhead>));
  return true;
}();

}  // namespace
