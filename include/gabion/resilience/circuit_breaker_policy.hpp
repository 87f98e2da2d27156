// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/detail/circuit_run.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// Joins a circuit breaker to pipelines.
///
/// An open circuit refuses with errc::circuit_open and what is left of the open time. What a policy
/// below has refused before the call was made says nothing about the other side: the permit goes
/// back and nothing is counted; a result that came too late counts as the failure that it is. A
/// failure that states a wait keeps the circuit open for that long, if it opens it.
template <clock Clock, class Observer, env Env>
struct policy_traits<basic_circuit_breaker<Clock, Observer, Env>> {
  using run = detail::circuit_run<basic_circuit_breaker<Clock, Observer, Env>>;
  static constexpr policy_kind kind = policy_kind::breaker;
};

}  // namespace v0
}  // namespace gabion
