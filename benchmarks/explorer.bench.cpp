// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <cstdint>

#include <ucontext.h>

#include <gabion/testing/explorer_env.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;
using gabion::testing::explorer;
using gabion::testing::explorer_env;

/// A switch to another stack and back, with the system calls of `swapcontext`.
class ping_pong {
 public:
  static void run(State& state) {
    getcontext(&there);
    there.uc_stack.ss_sp = stack.data();
    there.uc_stack.ss_size = stack.size();
    there.uc_link = nullptr;
    makecontext(
        &there,
        [] {
          for (;;) swapcontext(&there, &here);
        },
        0);
    for (auto _ : state) swapcontext(&here, &there);
    state.SetItemsProcessed(2 * state.iterations());
  }

 private:
  static inline ucontext_t here{};
  static inline ucontext_t there{};
  static inline std::array<char, 64 * 1024> stack{};
};

/// Explores 1000 schedules at a time; the time is that of one step.
template <class Scenario>
void explore(State& state, const Scenario& scenario) {
  std::int64_t steps = 0;
  for (auto _ : state) {
    const auto found = explorer{{.max_executions = 1000}}.run(scenario);
    if (!found) state.SkipWithError("the scenario fails");
    steps += static_cast<std::int64_t>(found.steps);
  }
  state.SetItemsProcessed(steps);
}

void two_threads_that_add(State& state) {
  explore(state, [](explorer& e) {
    explorer_env::atomic<int> word{0};
    const auto add = [&] {
      for (int i = 0; i < 12; ++i) word.fetch_add(1, std::memory_order_relaxed);
    };
    e.threads({add, add});
  });
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("`swapcontext`", ping_pong::run);
  row("one step of two threads that add to one word", "`swapcontext`", two_threads_that_add);
  return true;
}();

}  // namespace
