// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_tree.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;

void breaker(State& state) {
  gabion::circuit_breaker b{{.failures = 5}};
  for (auto _ : state) b.try_acquire()->success();
}

template <int Groups>
void closed(State& state) {
  gabion::circuit_tree tree;
  auto g = tree.add_group({});
  for (int level = 1; level < Groups; ++level) g = tree.add_group(g, {});
  const auto id = tree.add_circuit(g, {.failures = 5});
  for (auto _ : state) tree.try_acquire(id)->success();
}

void rejection(State& state) {
  gabion::circuit_tree tree;
  const auto g = tree.add_group({.minimum_children = 1, .hold_for = 1h});
  const auto id = tree.add_circuit(g, {.failures = 1, .open_for = 1h});
  tree.try_acquire(id)->failure();
  const gabion::instant now = gabion::steady_clock::now();
  for (auto _ : state)
    benchmark::DoNotOptimize(tree.try_acquire(id, now).rejection().why.retry_after);
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("relaxed add", relaxed_add);
  baseline("breaker alone: admit and record", breaker);
  row("through one group: admit and record", "breaker alone: admit and record", closed<1>);
  row("through two groups: admit and record", "breaker alone: admit and record", closed<2>);
  row("through three groups: admit and record", "breaker alone: admit and record", closed<3>);
  row("rejection by an open group, time given", "relaxed add", rejection);
  return true;
}();

}  // namespace
