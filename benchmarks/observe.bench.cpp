// SPDX-License-Identifier: MIT
#include <cstdint>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/observe/counter.hpp>
#include <gabion/observe/latency_histogram.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;

gabion::duration sample(gabion::xoshiro256& random) {
  return gabion::duration{static_cast<gabion::duration::rep>(random() >> 40U)};
}

void random_sample(State& state) {
  gabion::xoshiro256 random{static_cast<std::uint64_t>(state.thread_index())};
  for (auto _ : state) benchmark::DoNotOptimize(sample(random));
}

void counter_add(State& state) {
  static gabion::counter counter;
  for (auto _ : state) counter.add();
}

void histogram_record(State& state) {
  static gabion::latency_histogram histogram;
  gabion::xoshiro256 random{static_cast<std::uint64_t>(state.thread_index())};
  for (auto _ : state) histogram.record(sample(random));
}

void histogram_quantile(State& state) {
  gabion::latency_snapshot seen;
  gabion::xoshiro256 random{1};
  for (int i = 0; i < 10'000; ++i) seen.record(sample(random));
  for (auto _ : state) benchmark::DoNotOptimize(seen.quantile(0.99));
}

/// Adds up 1,216 counts, the buckets of one histogram.
void sum_of_buckets(State& state) {
  const std::vector<std::uint64_t> all(1'216, 3);
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : all) sum += n;
    benchmark::DoNotOptimize(sum);
    benchmark::ClobberMemory();
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("relaxed add", relaxed_add);
  baseline("random sample", random_sample);
  baseline("sum of 1216 counts", sum_of_buckets);
  on_two_threads(baseline("relaxed add, two threads", relaxed_add));
  on_two_threads(baseline("random sample, two threads", random_sample));
  row("`counter::add`", "relaxed add", counter_add);
  row("`latency_histogram::record` of a random sample", "random sample + relaxed add",
      histogram_record);
  row("`latency_snapshot::quantile`", "sum of 1216 counts", histogram_quantile);
  on_two_threads(row("`counter::add`, two threads", "relaxed add, two threads", counter_add));
  on_two_threads(row("`latency_histogram::record`, two threads",
                     "random sample, two threads + relaxed add, two threads", histogram_record));
  return true;
}();

}  // namespace
