// SPDX-License-Identifier: MIT
// How a benchmark program says what its table contains. `tools/bench.py` runs the program and
// writes the table. Names are single literals, so that it can compare them with the published rows
// without building anything.
#pragma once

#include <utility>

#include <benchmark/benchmark.h>

namespace bench {

/// Registers an operation that rows are compared with. It is listed with its time and no ratio.
template <class Function>
benchmark::internal::Benchmark* baseline(const char* name, Function run) {
  return benchmark::RegisterBenchmark(name, std::move(run));
}

/// Registers a row. `against` names baselines of the same program, each with an optional factor:
/// "CAS", "2 CAS", "steady clock reading + 8 CAS". Another row can be a baseline as well.
template <class Function>
benchmark::internal::Benchmark* row(const char* name, const char* against, Function run) {
  return benchmark::RegisterBenchmark(name, [run, against](benchmark::State& state) {
    run(state);
    state.SetLabel(against);
  });
}

/// Runs a row or baseline on two threads at once; the time is that of one call on one thread.
inline void on_two_threads(benchmark::internal::Benchmark* b) { b->Threads(2)->UseRealTime(); }

}  // namespace bench
