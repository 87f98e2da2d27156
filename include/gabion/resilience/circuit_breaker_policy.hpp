// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion::inline v0 {

/// Joins a circuit breaker to pipelines.
///
/// An open circuit refuses with errc::circuit_open and what is left of the open time. What a policy below has refused before the call
/// was made says nothing about the other side: the permit goes back and nothing is counted; a result that came too late
/// counts as the failure that it is. A failure that states a wait keeps the circuit open for that long, if it opens it.
template <clock Clock, class Observer, env Env>
struct policy_traits<basic_circuit_breaker<Clock, Observer, Env>> {
  using breaker_type = basic_circuit_breaker<Clock, Observer, Env>;
  static constexpr policy_kind kind = policy_kind::breaker;

  class run {
   public:
    explicit run(breaker_type& breaker) noexcept : breaker_{&breaker} {}

    template <class Now>
    [[nodiscard]] entry_step enter(call_context& /*context*/, const Now& /*now*/) noexcept {
      auto admission = breaker_->try_acquire();
      if (!admission) return entry_step::refuse({errc::circuit_open, admission.rejection().retry_after});
      permit_ = std::move(admission).permit();
      return entry_step::pass();
    }

    template <class Now>
    [[nodiscard]] exit_step leave(call_outcome& outcome, call_context& /*context*/, const Now& /*now*/) noexcept {
      if (outcome.never_called() && outcome.verdict == verdict::failure)
        permit_.ignore();
      else if constexpr (requires { permit_.settle(outcome.verdict, outcome.retry_after); })
        permit_.settle(outcome.verdict, outcome.retry_after);
      else
        permit_.settle(outcome.verdict);
      return exit_step::up();
    }

   private:
    breaker_type* breaker_;
    typename breaker_type::permit permit_{};
  };
};

}  // namespace gabion::inline v0
