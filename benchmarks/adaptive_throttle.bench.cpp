// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/resilience/adaptive_throttle.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;

void healthy(State& state) {
  static gabion::adaptive_throttle t;
  const gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = t.try_acquire(now);
    if (entry) entry->success(now);
  }
}

/// Nine in ten calls are rejected.
void overloaded(State& state) {
  static gabion::adaptive_throttle t;
  const gabion::instant now{1h};
  for (auto _ : state) {
    auto entry = t.try_acquire(now);
    if (entry) entry->failure(now);
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  on_two_threads(baseline("CAS, two threads", cas));
  row("admit and record, time given, 8 buckets", "CAS", healthy);
  row("the same while nine in ten calls are rejected", "CAS", overloaded);
  on_two_threads(row("admit and record, two threads", "CAS, two threads", healthy));
  on_two_threads(row("nine in ten rejected, two threads", "CAS, two threads", overloaded));
  return true;
}();

}  // namespace
