// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>

#include "explore/scenario.hpp"

// What is counted out: rate limiters and the budgets of retries and hedges.
namespace explored::rates {

using gcra = gabion::basic_gcra<explorer_env>;
using token_bucket = gabion::basic_token_bucket<explorer_env>;
using sliding_window = gabion::basic_sliding_window_limiter<explorer_env>;
using retry_budget = gabion::basic_retry_budget<explorer_env>;
using windowed_budget = gabion::basic_windowed_retry_budget<explorer_env>;
using gabion::budget_event;
using gabion::extra_attempt;

/// Three callers at the same moment, room for two: two are let in.
template <class Limiter>
void two_of_three(explorer& e, Limiter& limiter) {
  explorer_env::atomic<int> granted{0};
  const auto call = [&] {
    if (limiter.take(at(0s)).granted) granted.fetch_add(1);
  };
  if (!e.threads({call, call, call})) return;
  e.expect(granted.load() == 2, "not exactly as many were let in as there is room for");
  e.expect(limiter.available(at(0s)) == 0, "there is room though all of it was taken");
}

inline void gcra_counts_out(explorer& e) {
  gcra limiter{{.interval = 1s, .burst = 2}};
  two_of_three(e, limiter);
}
inline void token_bucket_counts_out(explorer& e) {
  token_bucket limiter{{.burst = 2, .refill = {1, 1s}}};
  two_of_three(e, limiter);
}
inline void sliding_window_counts_out(explorer& e) {
  sliding_window limiter{{.limit = 2, .window = 10s, .slices = 2}};
  two_of_three(e, limiter);
}

/// The room of three callers is refilled for one of them on the way.
inline void gcra_at_two_moments(explorer& e) {
  gcra limiter{{.interval = 1s, .burst = 1}};
  explorer_env::atomic<int> granted{0};
  const auto call = [&](duration since) {
    return [&, since] {
      if (limiter.take(at(since)).granted) granted.fetch_add(1);
    };
  };
  if (!e.threads({call(0s), call(0s), call(1s)})) return;
  e.expect(granted.load() >= 1 && granted.load() <= 2, "not one for each interval");
  e.expect(!limiter.take(at(999ms)).granted, "two were let in within one interval");
}

/// A reservation is taken back while another one is made: what is given back is exactly what nobody
/// holds.
template <class Limiter>
void a_cancellation_meets_a_reservation(explorer& e, Limiter& limiter) {
  const auto first = limiter.reserve(at(0s), 1h, 1);
  bool cancelled = false;
  gabion::rate_reservation second{};
  if (!e.threads({[&] { cancelled = limiter.cancel(first); },
                  [&] { second = limiter.reserve(at(0s), 1h, 1); }}))
    return;
  e.expect(second.granted, "there was room for a second reservation");
  const int held = cancelled ? 1 : 2;
  const auto third = limiter.reserve(at(0s), 1h, 1);
  e.expect(third.granted && third.at == at(held * 1s), "a permit was given back twice, or lost");
}
inline void gcra_takes_back(explorer& e) {
  gcra limiter{{.interval = 1s, .burst = 1}};
  a_cancellation_meets_a_reservation(e, limiter);
}
inline void token_bucket_takes_back(explorer& e) {
  token_bucket limiter{{.burst = 1, .refill = {1, 1s}}};
  a_cancellation_meets_a_reservation(e, limiter);
}

/// The bucket changes while tokens are taken: never more than both rules allow together.
inline void token_bucket_changes_under_way(explorer& e) {
  token_bucket limiter{{.burst = 2, .refill = {1, 1s}}};
  std::array<bool, 2> granted{};
  const auto change = [&] { limiter.reconfigure({.burst = 1, .refill = {1, 2s}}, at(0s)); };
  const auto call = [&](std::size_t i) {
    return [&, i] { granted[i] = limiter.take(at(0s)).granted; };
  };
  if (!e.threads({call(0), call(1), change})) return;
  e.expect(granted[0] || granted[1], "nobody was let in though there was room");
  e.expect(limiter.options().burst == 1, "the change was lost");
  e.expect(limiter.available(at(0s)) <= (granted[0] && granted[1] ? 0U : 1U),
           "the change made room that was taken");
}

/// Two callers in different slices of the window, which slides for one of them only.
inline void sliding_window_slides(explorer& e) {
  sliding_window limiter{{.limit = 1, .window = 10s, .slices = 2}};
  e.expect(limiter.take(at(0s)).granted, "there was room");
  std::array<bool, 2> granted{};
  if (!e.threads({[&] { granted[0] = limiter.take(at(1s)).granted; },
                  [&] { granted[1] = limiter.take(at(20s)).granted; }}))
    return;
  e.expect(granted[1], "a whole window later there was no room");
  e.expect(!granted[0] && limiter.available(at(20s)) == 0,
           "a caller of an earlier moment was let in");
}

/// Tokens for one hedge more: of two that ask, one may.
inline void one_hedge_is_paid_for_once(explorer& e) {
  retry_budget budget{{.tokens = 4, .percent = 100, .per_second = 0}};
  std::array<bool, 2> granted{};
  const auto ask = [&](std::size_t i) {
    return [&, i] { granted[i] = budget.try_spend(extra_attempt::hedge, clock_at(0s)); };
  };
  if (!e.threads({ask(0), ask(1)})) return;
  e.expect(granted[0] != granted[1], "not exactly one hedge was granted");
  e.expect(budget.tokens() == 3, "a token was withdrawn twice, or not at all");
}

/// Failures and successes at the same time: none gets lost.
inline void every_outcome_moves_the_budget(explorer& e) {
  retry_budget budget{{.tokens = 10, .percent = 50, .per_second = 0}};
  for (int i = 0; i < 4; ++i) budget.note(budget_event::failure, clock_at(0s));
  const auto fail = [&] { budget.note(budget_event::failure, clock_at(0s)); };
  const auto succeed = [&] {
    budget.note(budget_event::success, clock_at(0s));
    budget.note(budget_event::success, clock_at(0s));
  };
  if (!e.threads({fail, succeed, fail})) return;
  e.expect(budget.tokens() == 5, "a failure or a success was lost");
}

/// One attempt in reserve, two that want it.
inline void the_reserve_is_given_once(explorer& e) {
  retry_budget budget{{.tokens = 2, .percent = 20, .per_second = 1}};
  budget.note(budget_event::failure, clock_at(0s));
  std::array<bool, 2> granted{};
  const auto ask = [&](std::size_t i) {
    return [&, i] { granted[i] = budget.try_spend(extra_attempt::retry, clock_at(0s)); };
  };
  if (!e.threads({ask(0), ask(1)})) return;
  e.expect(granted[0] != granted[1], "not exactly one attempt in reserve was granted");
}

/// Calls have paid for one attempt; three ask for it while another call pays its part.
inline void a_paid_attempt_is_spent_once(explorer& e) {
  windowed_budget budget{{.percent = 50, .per_second = 0, .keep = 10s}};
  budget.note(budget_event::call, clock_at(0s));
  budget.note(budget_event::call, clock_at(0s));
  std::array<bool, 2> granted{};
  const auto ask = [&](std::size_t i) {
    return [&, i] { granted[i] = budget.try_spend(extra_attempt::retry, clock_at(0s)); };
  };
  const auto pay = [&] {
    budget.note(budget_event::call, clock_at(0s));
    budget.note(budget_event::call, clock_at(0s));
  };
  if (!e.threads({ask(0), ask(1), pay})) return;
  const std::uint32_t spent = (granted[0] ? 1U : 0U) + (granted[1] ? 1U : 0U);
  e.expect(spent >= 1, "what was paid for was refused to both");
  e.expect(budget.available(at(0s)) == 2 - spent, "an attempt was spent twice, or lost");
}

/// The ring of cells comes round: a late payment must not wipe out the new one, nor bring back the
/// old.
inline void a_late_payment_meets_a_new_round(explorer& e) {
  windowed_budget budget{{.percent = 100, .per_second = 0, .keep = 10s}};
  const auto pay = [&](duration since) {
    return [&, since] { budget.note(budget_event::call, clock_at(since)); };
  };
  if (!e.threads({pay(0s), pay(11s), pay(11s)})) return;  // 11 cells of a second each
  const std::uint64_t left = budget.available(at(11s));
  e.expect(left == 2 || left == 3, "a payment was lost");
}

inline constexpr std::array all{
    scenario{"gcra: two of three are let in", gcra_counts_out},
    scenario{"gcra: callers of two moments", gcra_at_two_moments},
    scenario{"gcra: a cancellation meets a reservation", gcra_takes_back},
    scenario{"token bucket: two of three are let in", token_bucket_counts_out},
    scenario{"token bucket: a cancellation meets a reservation", token_bucket_takes_back},
    scenario{"token bucket: reconfigured while tokens are taken", token_bucket_changes_under_way},
    scenario{"sliding window: two of three are let in", sliding_window_counts_out},
    scenario{"sliding window: it slides for one of two", sliding_window_slides},
    scenario{"retry budget: one hedge is paid for once", one_hedge_is_paid_for_once},
    scenario{"retry budget: every outcome moves it", every_outcome_moves_the_budget},
    scenario{"retry budget: the reserve is given once", the_reserve_is_given_once},
    scenario{"windowed budget: a paid attempt is spent once", a_paid_attempt_is_spent_once},
    scenario{"windowed budget: a late payment meets a new round", a_late_payment_meets_a_new_round},
};

}  // namespace explored::rates
