// SPDX-License-Identifier: MIT
// What stands around the breaker, each beside the bare breaker or the floor that it cannot get
// below.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <gabion/core/subscriptions.hpp>
#include <gabion/resilience/circuit_registry.hpp>
#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/shadow_breaker.hpp>

namespace {

using namespace std::chrono_literals;

void floor_mutex(benchmark::State& state) {
  std::mutex m;
  for (auto _ : state) {
    const std::lock_guard guard{m};
    benchmark::ClobberMemory();
  }
}
BENCHMARK(floor_mutex);

void breaker_alone(benchmark::State& state) {
  gabion::circuit_breaker b{{.failures = 5}};
  for (auto _ : state) b.try_acquire()->success();
}
BENCHMARK(breaker_alone);

void tree_closed(benchmark::State& state) {
  gabion::circuit_tree tree;
  auto g = tree.add_group({});
  for (std::int64_t level = 1; level < state.range(0); ++level) g = tree.add_group(g, {});
  const auto id = tree.add_circuit(g, {.failures = 5});
  for (auto _ : state) tree.try_acquire(id)->success();
}
BENCHMARK(tree_closed)->Arg(1)->Arg(2)->Arg(3);

void tree_rejected(benchmark::State& state) {
  gabion::circuit_tree tree;
  const auto g = tree.add_group({.minimum_children = 1, .hold_for = 1h});
  const auto id = tree.add_circuit(g, {.failures = 1, .open_for = 1h});
  tree.try_acquire(id)->failure();
  const gabion::instant now = gabion::steady_clock::now();
  for (auto _ : state)
    benchmark::DoNotOptimize(tree.try_acquire(id, now).rejection().why.retry_after);
}
BENCHMARK(tree_rejected);

constexpr std::size_t hosts_known = 1000;
struct known_hosts {
  gabion::circuit_registry registry{{.capacity = 4096}, {{.failures = 5}}};
  std::array<std::string, hosts_known> keys{};
  known_hosts() {
    for (std::size_t i = 0; i < keys.size(); ++i)
      static_cast<void>(registry.get(keys[i] = "host-" + std::to_string(i) + ".example.org"));
  }
};

void registry_hit(benchmark::State& state) {
  static known_hosts hosts;
  const gabion::instant now = gabion::steady_clock::now();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 500;
  for (auto _ : state) {
    const auto h = hosts.registry.entries().get(hosts.keys[i], now);
    benchmark::DoNotOptimize(&*h);
    if (++i == hosts_known) i = 0;
  }
}
BENCHMARK(registry_hit)->ThreadRange(1, 2);

void shadow_closed(benchmark::State& state) {
  gabion::shadow_breaker b{{.failures = 5}, {.failures = 3}};
  for (auto _ : state) b.try_acquire()->success();
}
BENCHMARK(shadow_closed);

void subscriptions_told(benchmark::State& state) {
  gabion::subscriptions<int> hub;
  int heard = 0;
  std::vector<gabion::subscriptions<int>::subscription> all;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    all.push_back(hub.subscribe([&](int n) { heard += n; }));
  for (auto _ : state) {
    hub(1);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(heard);
}
BENCHMARK(subscriptions_told)->Arg(0)->Arg(1)->Arg(4);

}  // namespace
