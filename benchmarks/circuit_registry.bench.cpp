// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_registry.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;

constexpr std::size_t hosts = 1000;

const std::array<std::string, hosts>& names() {
  static const auto all = [] {
    std::array<std::string, hosts> n;
    for (std::size_t i = 0; i < hosts; ++i) n[i] = "host-" + std::to_string(i) + ".example.org";
    return n;
  }();
  return all;
}

/// Looks every key up in turn; each thread begins elsewhere.
template <class Find>
void look_up(State& state, Find find) {
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * (hosts / 2);
  for (auto _ : state) {
    find(names()[i]);
    if (++i == hosts) i = 0;
  }
}

void unordered_map(State& state) {
  static std::mutex lock;
  static auto map = [] {
    std::unordered_map<std::string_view, int> m;
    for (const std::string& name : names()) m[name] = 1;
    return m;
  }();
  look_up(state, [](const std::string& name) {
    const std::lock_guard guard{lock};
    benchmark::DoNotOptimize(map.find(name)->second);
  });
}

void hit(State& state) {
  static gabion::circuit_registry registry{{.capacity = 4096}, {{.failures = 5}}};
  const gabion::instant now = gabion::steady_clock::now();
  if (state.thread_index() == 0)
    for (const std::string& name : names()) static_cast<void>(registry.get(name));
  look_up(state, [now](const std::string& name) {
    const auto h = registry.entries().get(name, now);
    benchmark::DoNotOptimize(&*h);
  });
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("`unordered_map` behind a mutex", unordered_map);
  on_two_threads(baseline("`unordered_map` behind a mutex, two threads", unordered_map));
  row("a hit among 1000 keys", "`unordered_map` behind a mutex", hit);
  on_two_threads(row("a hit among 1000 keys, two threads",
                     "`unordered_map` behind a mutex, two threads", hit));
  return true;
}();

}  // namespace
