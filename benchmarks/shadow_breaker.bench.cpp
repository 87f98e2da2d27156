// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/resilience/shadow_breaker.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;

void breaker(State& state) {
  gabion::circuit_breaker b{{.failures = 5}};
  for (auto _ : state) b.try_acquire()->success();
}

void shadowed(State& state) {
  gabion::shadow_breaker b{{.failures = 5}, {.failures = 3}};
  for (auto _ : state) b.try_acquire()->success();
}

void rejection(State& state) {
  gabion::shadow_breaker b{{.failures = 5, .open_for = 1h}, {.failures = 9}};
  for (int i = 0; i < 5; ++i) b.try_acquire()->failure();
  for (auto _ : state) benchmark::DoNotOptimize(static_cast<bool>(b.try_acquire()));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("breaker alone: admit and record", breaker);
  baseline("steady clock reading", reading<gabion::steady_clock>);
  row("breaker and candidate: admit and record", "breaker alone: admit and record", shadowed);
  row("rejection by the live breaker", "2 steady clock reading", rejection);
  return true;
}();

}  // namespace
