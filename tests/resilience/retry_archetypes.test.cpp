// SPDX-License-Identifier: MIT
// The least that the concepts of retries, timeouts and hedges ask for, and nothing else.
#include <chrono>
#include <optional>
#include <system_error>

#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/delay_source.hpp>
#include <gabion/resilience/hedge_call.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/spawner.hpp>
#include <gabion/resilience/timeout_detached.hpp>

#include "core/archetypes.hpp"
#include "support/catch.hpp"

namespace {

struct budget_archetype {
  explicit budget_archetype(int) {}
  budget_archetype(const budget_archetype&) = delete;
  budget_archetype& operator=(const budget_archetype&) = delete;
  template <class Now>
  void note(gabion::budget_event, const Now&) {}
  template <class Now>
  bool try_spend(gabion::extra_attempt, const Now&) {
    return false;
  }
};
static_assert(gabion::attempt_budget<budget_archetype> &&
              gabion::explain_attempt_budget<gabion::unlimited_budget>());

struct spawner_archetype {
  explicit spawner_archetype(int) {}
  spawner_archetype(const spawner_archetype&) = delete;
  spawner_archetype& operator=(const spawner_archetype&) = delete;
  template <class Work>
  bool spawn(Work work) {
    work();
    return true;
  }
};
static_assert(gabion::spawner<spawner_archetype>);

class delay_archetype {
 public:
  explicit delay_archetype(int) {}
  delay_archetype(delay_archetype&&) = default;
  delay_archetype& operator=(delay_archetype&&) = delete;
  std::optional<gabion::duration> delay() { return std::nullopt; }
};
static_assert(gabion::delay_source<delay_archetype>);

struct waiter_archetype {
  explicit waiter_archetype(int) {}
  waiter_archetype(const waiter_archetype&) = delete;
  waiter_archetype& operator=(const waiter_archetype&) = delete;
  bool wait_until(gabion::instant) { return true; }
  void wake() {}
};
static_assert(gabion::waiter<waiter_archetype>);

struct no_spawn {};
struct spawns_function_pointers {
  bool spawn(void (*)()) { return true; }
};
struct spends_nothing {
  template <class Now>
  void note(gabion::budget_event, const Now&) {}
};
struct knows_a_number {
  int delay() { return 3; }
};
static_assert(!gabion::spawner<no_spawn> && !gabion::spawner<spawns_function_pointers>);
static_assert(!gabion::attempt_budget<spends_nothing> && gabion::notes_attempts<spends_nothing>);
static_assert(!gabion::delay_source<knows_a_number> &&
              !gabion::delay_source<const delay_archetype>);

}  // namespace

TEST_CASE("retries and hedges ask no more of their parts than the archetypes have",
          "[retry][hedge][timeout][archetype]") {
  budget_archetype budget{0};
  spawner_archetype spawner{0};
  waiter_archetype waiter{0};
  const auto f = [] { return std::error_code{}; };

  gabion::basic_retry_policy policy{gabion::retry_options{}, budget};
  static_assert(gabion::policy<decltype(policy)> && decltype(policy)::has_budget);

  gabion::basic_retry machine{gabion::retry_options{}, archetype::random_source::make()};
  const auto attempt = [&](const gabion::attempt_context&) { return f(); };
  CHECK(gabion::retry_call(machine, archetype::clock::make(), waiter, attempt,
                           gabion::classify_by_traits{}, gabion::deadline::never(), budget)
            .why == gabion::retry_stop::success);

  gabion::basic_hedge hedge{gabion::hedge_options{}, spawner, budget, delay_archetype{0},
                            archetype::clock::make()};
  CHECK_FALSE(hedge.call_in(waiter, gabion::call_context{}, f));

  gabion::basic_detached_timeout timeout{gabion::detached_timeout_options{}, spawner,
                                         archetype::clock::make()};
  CHECK_FALSE(timeout.call_in(waiter, gabion::call_context{}, f));
}
