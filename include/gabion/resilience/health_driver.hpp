// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/health_checker.hpp>
#include <gabion/resilience/trip_target.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

template <class Target>
concept tells_circuit_state = requires(const Target& target) {
  { target.state() } -> std::same_as<circuit_state>;
};

}  // namespace detail

/// Probes and waits by turns, and opens and closes the target as the checker says, until a wait is
/// interrupted. `probe(deadline)` answers true if the other side is well; an exception is a failed
/// probe. Blocks the calling thread.
///
/// The probe should keep to its deadline: a function cannot be cut short from outside. An answer
/// that comes late is dropped, and the probe has failed. If the target can tell its state, a
/// circuit that was opened by its calls while the probes were good is closed only after as many
/// good answers anew.
template <random_source Random, trip_target Target, clock Clock, sleeper Sleeper,
          std::predicate<deadline> Probe>
void run_health_checks(basic_health_checker<Random>& checker, Target& target, const Clock& time,
                       Sleeper& wait, Probe&& probe) {
  for (;;) {
    if constexpr (detail::tells_circuit_state<Target>)
      if (checker.verdict() == health_verdict::healthy && target.state() != circuit_state::closed)
        checker.doubt();
    const health_step step = checker.step(time.now());
    gabion::apply(checker, step.effect, target);
    if (step.probe) {
      bool good = false;
      const auto failed = detail::guarded([&] { good = probe(deadline::at(step.until)); });
      gabion::apply(checker, checker.report(step.number, good && !failed, time.now()), target);
    }
    if (!wait.wait_until(step.probe ? time.now() : step.until)) return;
  }
}

}  // namespace v0
}  // namespace gabion
