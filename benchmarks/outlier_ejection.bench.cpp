// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/resilience/outlier_ejection.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;

constexpr gabion::instant now{1h};

/// A set with one host, for all threads.
struct one_host {
  gabion::outlier_ejection set{{.capacity = 8}};
  gabion::outlier_host host = *set.add();
};

void record(State& state) {
  static one_host one;
  for (auto _ : state)
    benchmark::DoNotOptimize(one.set.record(one.host, gabion::verdict::success, now));
}

void available(State& state) {
  static one_host one;
  for (auto _ : state) benchmark::DoNotOptimize(one.set.available(one.host, now));
}

void tick(State& state) {
  gabion::outlier_ejection set{{.capacity = 1024}};
  for (int i = 0; i < 1024; ++i) static_cast<void>(set.add());
  gabion::instant later = now;
  for (auto _ : state) {
    later += 10s;
    benchmark::DoNotOptimize(set.tick(later));
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("memcpy of 40 KiB", copy<40 * 1024>);
  on_two_threads(baseline("CAS, two threads", cas));
  row("`record` of a success", "CAS", record);
  row("`available`", "CAS", available);
  row("`tick` over 1024 hosts", "memcpy of 40 KiB", tick);
  on_two_threads(row("`record` of a success, two threads", "CAS, two threads", record));
  on_two_threads(row("`available`, two threads", "CAS, two threads", available));
  return true;
}();

}  // namespace
