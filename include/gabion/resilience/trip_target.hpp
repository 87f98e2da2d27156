// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// Can be opened from outside for a time: `trip(duration, circuit_cause)`.
template <class T>
concept can_be_tripped =
    requires(T& target, duration open_for, circuit_cause cause) { target.trip(open_for, cause); };

/// Can be closed from outside: `reset(circuit_cause)`.
template <class T>
concept can_be_reset = requires(T& target, circuit_cause cause) { target.reset(cause); };

/// What a health check or a resource circuit opens and closes: a circuit breaker, or anything that
/// can be told so. Both must be safe to call from the thread that does so, and must not throw.
template <class T>
concept trip_target = can_be_tripped<T> && can_be_reset<T>;

/// Names everything that T lacks to be opened and closed, in words.
template <class T>
consteval bool explain_trip_target() {
  static_assert(can_be_tripped<T>,
                "trip_target: `void trip(gabion::duration, gabion::circuit_cause)` is missing");
  static_assert(can_be_reset<T>, "trip_target: `void reset(gabion::circuit_cause)` is missing");
  return trip_target<T>;
}

}  // namespace v0
}  // namespace gabion
