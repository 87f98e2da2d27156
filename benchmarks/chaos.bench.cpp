// SPDX-License-Identifier: MIT
#include <gabion/resilience/chaos.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;

/// Enters and leaves the policy as a pipeline does.
template <class Chaos>
void passage(State& state, Chaos& chaos) {
  gabion::call_context context;
  gabion::call_outcome outcome;
  const auto now = [] { return gabion::instant{}; };
  for (auto _ : state) {
    typename Chaos::run run{chaos};
    benchmark::DoNotOptimize(run.enter(context, now).what);
    benchmark::DoNotOptimize(run.leave(outcome, context, now).what);
  }
}

void no_policy(State& state) {
  for (auto _ : state) {
    auto entered = gabion::entry_step::kind::pass;
    benchmark::DoNotOptimize(entered);
    auto left = gabion::exit_step::kind::up;
    benchmark::DoNotOptimize(left);
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("no policy", no_policy);
  row("`chaos_if<false>`", "no policy", [](State& state) {
    static gabion::no_chaos compiled_out;
    passage(state, compiled_out);
  });
  row("switched off", "CAS", [](State& state) {
    static gabion::chaos off{{.enabled = false, .error_rate = 1'000}};
    passage(state, off);
  });
  row("one kind with a rate", "CAS", [](State& state) {
    static gabion::chaos rare{{.error_rate = 1'000}};
    passage(state, rare);
  });
  return true;
}();

}  // namespace
