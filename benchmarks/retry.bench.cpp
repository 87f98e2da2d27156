// SPDX-License-Identifier: MIT
// What retry, timeout, fallback and their budgets cost a call that succeeds, beside floors. Compare
// ratios within one run.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>

#include <benchmark/benchmark.h>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/hedge.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>

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

void floor_context(benchmark::State& state) {
  for (auto _ : state) {
    gabion::call_context context;
    benchmark::DoNotOptimize(context);
    gabion::call_outcome outcome{};
    benchmark::DoNotOptimize(outcome);
  }
}
void floor_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gabion::steady_clock::now());
}
void floor_cas(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {}
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

BENCHMARK(floor_context);
BENCHMARK(floor_now);
BENCHMARK(floor_cas);
BENCHMARK(retry_success);
BENCHMARK(retry_success_with_budget);
BENCHMARK(retry_success_with_windowed_budget);
BENCHMARK(retry_success_with_total_limit);
BENCHMARK(retry_failure_and_next_attempt);
BENCHMARK(timeout_enter_and_leave);
BENCHMARK(budget_failure_and_success);
BENCHMARK(budget_failure_and_success)->Threads(2);
BENCHMARK(budget_success_when_full);
BENCHMARK(windowed_budget_call);
BENCHMARK(windowed_budget_call_and_spend);
BENCHMARK(fallback_not_taken);
BENCHMARK(fallback_taken);
BENCHMARK(last_good_put_and_get);
BENCHMARK(hedge_machine_first_wins);
BENCHMARK(pipeline_of_fallback_retry_timeout);

}  // namespace
