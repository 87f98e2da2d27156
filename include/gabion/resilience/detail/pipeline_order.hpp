// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <gabion/resilience/detail/pipeline_layer.hpp>
#include <gabion/resilience/insist.hpp>
#include <gabion/resilience/policy.hpp>

// Orders that are known to do harm. docs/pipeline.md has a row for each.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class Given>
struct policy_of {
  using type = std::remove_reference_t<Given>;
  static constexpr bool insisted = false;
};
template <class Given>
struct policy_of<insisted<Given>> {
  using type = std::remove_reference_t<Given>;
  static constexpr bool insisted = true;
};

/// A policy that makes several attempts at a time cuts a pipeline in two: see hedged_pipeline.hpp.
template <class Policy>
inline constexpr bool cuts_pipeline = false;

template <class... Given>
inline constexpr bool has_hedge =
    (cuts_pipeline<typename policy_of<given_policy<Given>>::type> || ...);

/// What the rules need to know of one policy.
struct policy_facts {
  policy_kind kind = policy_kind::other;
  bool holds_permit = false;
  bool may_queue = false;
  bool has_budget = false;
  bool insisted = false;
};

template <class Given>
consteval policy_facts facts_of() {
  using policy = typename policy_of<Given>::type;
  policy_facts facts{.kind = policy_traits<policy>::kind, .insisted = policy_of<Given>::insisted};
  if constexpr (requires { policy::holds_permit; }) facts.holds_permit = policy::holds_permit;
  if constexpr (requires { policy::may_queue; }) facts.may_queue = policy::may_queue;
  if constexpr (requires { policy::has_budget; }) facts.has_budget = policy::has_budget;
  return facts;
}

/// The policies of a pipeline, the outermost first.
template <std::size_t Count>
struct policy_order {
  std::array<policy_facts, Count> all;

  /// True if no two policies, neither insisted on, stand so that `harmful(outer, inner)`.
  template <class Rule>
  [[nodiscard]] constexpr bool free_of(Rule harmful) const {
    for (std::size_t outer = 0; outer < Count; ++outer)
      for (std::size_t inner = outer + 1; inner < Count; ++inner)
        if (!all[outer].insisted && !all[inner].insisted && harmful(outer, inner)) return false;
    return true;
  }

  /// True if no two, neither insisted on, of these kinds stand in this order.
  [[nodiscard]] constexpr bool free_of(policy_kind outer_kind, policy_kind inner_kind) const {
    return free_of([&](std::size_t outer, std::size_t inner) {
      return all[outer].kind == outer_kind && all[inner].kind == inner_kind;
    });
  }

  [[nodiscard]] constexpr bool no_permit_across_a_retry() const {
    return free_of([&](std::size_t outer, std::size_t inner) {
      return all[outer].holds_permit && all[inner].kind == policy_kind::retry;
    });
  }

  /// With a retry between them the timeout is one for the whole, which is meant to count
  /// everything.
  [[nodiscard]] constexpr bool no_queue_in_an_attempt_timeout() const {
    return free_of([&](std::size_t outer, std::size_t inner) {
      if (all[outer].kind != policy_kind::timeout || !all[inner].may_queue) return false;
      for (std::size_t between = outer + 1; between < inner; ++between)
        if (all[between].kind == policy_kind::retry) return false;
      return true;
    });
  }

  [[nodiscard]] constexpr bool every_hedge_has_a_budget() const {
    for (const policy_facts& each : all)
      if (each.kind == policy_kind::hedge && !each.has_budget && !each.insisted) return false;
    return true;
  }
};

template <class... Given>
consteval bool explain_order() {
  using enum policy_kind;
  constexpr policy_order<sizeof...(Given)> order{{facts_of<Given>()...}};
  static_assert(order.free_of(retry, retry),
                "pipeline: a retry inside a retry multiplies the attempts. Keep one of them, or "
                "say that it is meant: insist(policy)");
  static_assert(order.no_permit_across_a_retry(),
                "pipeline: a bulkhead or concurrency limiter outside a retry holds its permit "
                "during every back-off. Put it inside "
                "the retry, or say that it is meant: insist(policy)");
  static_assert(order.free_of(breaker, retry),
                "pipeline: a circuit breaker outside a retry sees one failure per exhausted loop, "
                "and the loop goes on hammering "
                "after it has opened. Put the breaker inside the retry, or say that it is meant: "
                "insist(policy)");
  static_assert(order.no_queue_in_an_attempt_timeout(),
                "pipeline: a timeout outside a policy that queues counts the waiting, not the call "
                "alone. Put the timeout inside it, "
                "or, if the limit is meant for both together, insist(policy)");
  static_assert(order.free_of(retry, fallback),
                "pipeline: a fallback inside a retry hides every failure from it, so that nothing "
                "is tried again. Put the fallback "
                "outside, or say that it is meant: insist(policy)");
  static_assert(order.free_of(breaker, fallback),
                "pipeline: a fallback inside a circuit breaker hides every failure from it, so "
                "that it never opens. Put the "
                "fallback outside, or say that it is meant: insist(policy)");
  static_assert(order.free_of(hedge, retry),
                "pipeline: a retry inside a hedge makes every copy retry, which multiplies the "
                "attempts. Put the retry outside the "
                "hedge, or say that it is meant: insist(policy)");
  static_assert(order.every_hedge_has_a_budget(),
                "pipeline: a hedge without a budget doubles the load when everything is slow. Give "
                "it a budget that it shares with "
                "the retries, or say that it is meant: insist(policy)");
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
