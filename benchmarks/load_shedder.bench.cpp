// SPDX-License-Identifier: MIT
#include <gabion/resilience/load_shedder.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;

void decision(State& state) {
  static gabion::load_gauge gauge;
  static gabion::load_shedder<gabion::load_gauge::handle> s{gauge.source()};
  for (auto _ : state) benchmark::DoNotOptimize(s.refuses(gabion::call_priority::normal));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  on_two_threads(baseline("CAS, two threads", cas));
  row("a decision that admits", "CAS", decision);
  on_two_threads(row("a decision that admits, two threads", "CAS, two threads", decision));
  return true;
}();

}  // namespace
