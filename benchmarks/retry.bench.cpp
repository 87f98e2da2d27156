// SPDX-License-Identifier: MIT
// Retry, timeout, fallback, hedge and their budgets.
#include <chrono>
#include <mutex>
#include <optional>
#include <system_error>
#include <unordered_map>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/hedge.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;

struct now_of_steady_clock {
  gabion::instant operator()() const noexcept { return gabion::steady_clock::now(); }
};

/// One passage through a policy, as the pipeline makes it.
template <class Policy>
void passage(benchmark::State& state, Policy& policy,
             gabion::verdict verdict = gabion::verdict::success) {
  const now_of_steady_clock now;
  for (auto _ : state) {
    gabion::call_context context;
    benchmark::DoNotOptimize(context);
    typename Policy::run run{policy};
    gabion::call_outcome outcome{verdict};
    benchmark::DoNotOptimize(outcome);
    benchmark::DoNotOptimize(run.enter(context, now));
    benchmark::DoNotOptimize(run.leave(outcome, context, now));
  }
}

void empty_passage(benchmark::State& state) {
  for (auto _ : state) {
    gabion::call_context context;
    benchmark::DoNotOptimize(context);
    gabion::call_outcome outcome{};
    benchmark::DoNotOptimize(outcome);
  }
}
void direct_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::error_code{});
}
/// A hit in a map of 1024 numbers, behind a mutex.
void map_put_and_get(benchmark::State& state) {
  std::unordered_map<int, int> map;
  std::mutex lock;
  int key = 0;
  for (auto _ : state) {
    {
      const std::lock_guard guard{lock};
      map[++key & 1023] = 7;
    }
    const std::lock_guard guard{lock};
    benchmark::DoNotOptimize(map.find(key & 1023)->second);
  }
}

void retry_success(benchmark::State& state) {
  gabion::retry_policy retry;
  passage(state, retry);
}
void retry_success_with_budget(benchmark::State& state) {
  gabion::retry_budget budget;
  gabion::basic_retry_policy retry{gabion::retry_options{}, budget};
  passage(state, retry);
}
void retry_success_with_windowed_budget(benchmark::State& state) {
  gabion::windowed_retry_budget budget;
  gabion::basic_retry_policy retry{gabion::retry_options{}, budget};
  passage(state, retry);
}
void retry_success_with_total_limit(benchmark::State& state) {
  gabion::retry_policy retry{{.total = 10s}};
  passage(state, retry);
}
void retry_failure_and_next_attempt(benchmark::State& state) {
  gabion::retry_policy retry;
  passage(state, retry, gabion::verdict::failure);
}
void timeout_enter_and_leave(benchmark::State& state) {
  gabion::timeout_policy timeout;
  passage(state, timeout);
}

void budget_failure_and_success(benchmark::State& state) {
  static gabion::retry_budget budget{{.percent = 100}};  // one for all threads
  const now_of_steady_clock now;
  for (auto _ : state) {
    budget.note(gabion::budget_event::failure, now);
    benchmark::DoNotOptimize(budget.try_spend(gabion::extra_attempt::retry, now));
    budget.note(gabion::budget_event::success, now);
  }
}
void budget_success_when_full(benchmark::State& state) {
  gabion::retry_budget budget;
  for (auto _ : state) budget.note(gabion::budget_event::success, now_of_steady_clock{});
}
void windowed_budget_call(benchmark::State& state) {
  gabion::windowed_retry_budget budget;
  for (auto _ : state) budget.note(gabion::budget_event::call, now_of_steady_clock{});
}
void windowed_budget_call_and_spend(benchmark::State& state) {
  gabion::windowed_retry_budget budget{{.percent = 100}};
  for (auto _ : state) {
    budget.note(gabion::budget_event::call, now_of_steady_clock{});
    benchmark::DoNotOptimize(budget.try_spend(gabion::extra_attempt::retry, now_of_steady_clock{}));
  }
}

void fallback_not_taken(benchmark::State& state) {
  auto placeholder = gabion::fallback([](const gabion::refusal&) { return std::error_code{}; });
  for (auto _ : state) benchmark::DoNotOptimize(placeholder.call([] { return std::error_code{}; }));
}
void fallback_taken(benchmark::State& state) {
  auto placeholder =
      gabion::fallback([](const gabion::call_outcome&) { return std::optional<int>{7}; });
  for (auto _ : state)
    benchmark::DoNotOptimize(placeholder.call([] { return std::optional<int>{}; }));
}
void last_good_put_and_get(benchmark::State& state) {
  gabion::last_good<int, int> cache;
  const gabion::instant now = gabion::steady_clock::now();
  int key = 0;
  for (auto _ : state) {
    cache.put(++key & 1023, key, now);
    benchmark::DoNotOptimize(cache.get(key & 1023, now));
  }
}
void hedge_machine_first_wins(benchmark::State& state) {
  gabion::unlimited_budget budget;
  const gabion::instant now = gabion::steady_clock::now();
  for (auto _ : state) {
    gabion::hedge_machine machine{{}, true, 100ms, gabion::deadline::never()};
    benchmark::DoNotOptimize(machine.next(now, budget));
    benchmark::DoNotOptimize(machine.next(now, budget));
    benchmark::DoNotOptimize(machine.ended(1, true, now));
    benchmark::DoNotOptimize(machine.next(now, budget));
  }
}
void pipeline_of_fallback_retry_timeout(benchmark::State& state) {
  gabion::retry_budget budget;
  gabion::basic_retry_policy retry{gabion::retry_options{}, budget};
  gabion::timeout_policy timeout;
  auto placeholder = gabion::fallback([](const gabion::refusal&) { return std::error_code{}; });
  auto guarded = gabion::pipeline(placeholder, retry, timeout);
  for (auto _ : state) benchmark::DoNotOptimize(guarded.call([] { return std::error_code{}; }));
}

/// A retry of a call that succeeds: `begin` and one `next`.
void retry_machine(benchmark::State& state) {
  gabion::retry_machine retry;
  gabion::instant now{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(now);
    auto step = retry.begin(now);
    benchmark::DoNotOptimize(step);
    step = retry.next({}, now);
    benchmark::DoNotOptimize(step);
  }
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("empty passage", empty_passage);
  baseline("CAS", cas);
  baseline("steady clock reading", reading<gabion::steady_clock>);
  baseline("direct call", direct_call);
  baseline("`unordered_map`: put and get", map_put_and_get);
  on_two_threads(baseline("CAS, two threads", cas));

  row("retry: success", "empty passage", retry_success);
  row("retry: success, with a `retry_budget`", "empty passage", retry_success_with_budget);
  row("retry: success, with a `windowed_retry_budget`", "empty passage + CAS",
      retry_success_with_windowed_budget);
  row("retry: success, with a limit on time", "empty passage + steady clock reading",
      retry_success_with_total_limit);
  row("retry: failure and its next delay", "empty passage + steady clock reading",
      retry_failure_and_next_attempt);
  row("`retry_machine`: begin and success", "CAS", retry_machine);
  row("`retry_budget`: failure, retry and success", "3 CAS", budget_failure_and_success);
  on_two_threads(row("`retry_budget`: failure, retry and success, two threads",
                     "3 CAS, two threads", budget_failure_and_success));
  row("`retry_budget`: success when full", "CAS", budget_success_when_full);
  row("`windowed_retry_budget`: call", "CAS", windowed_budget_call);
  row("`windowed_retry_budget`: call and retry", "steady clock reading + 2 CAS",
      windowed_budget_call_and_spend);
  row("timeout", "empty passage + steady clock reading", timeout_enter_and_leave);
  row("fallback, not taken", "direct call", fallback_not_taken);
  row("fallback, taken", "direct call", fallback_taken);
  row("`last_good`: put and get", "`unordered_map`: put and get", last_good_put_and_get);
  row("`hedge_machine`: the first attempt wins", "CAS", hedge_machine_first_wins);
  row("pipeline of fallback, retry with budget, and timeout", "steady clock reading + CAS",
      pipeline_of_fallback_retry_timeout);
  return true;
}();

}  // namespace
