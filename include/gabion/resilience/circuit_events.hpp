// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/outcome_traits.hpp>

// What a breaker tells its observer. An event type that the observer cannot take costs nothing.
// Every `name` is the breaker's and valid while the breaker lives.
namespace gabion {
inline namespace v0 {

// Ordered events: one at a time, in the order in which they took effect, outside every lock.

/// One change of state. Its `from` is the `to` of the transition before. Generations grow: by one,
/// unless a mode change, a restart in the same state or a restore came in between.
struct circuit_transition {
  std::string_view name{};
  circuit_state from = circuit_state::closed;
  circuit_state to = circuit_state::closed;
  circuit_cause cause = circuit_cause::reset;
  std::uint32_t generation = 0;  ///< of the state entered; wraps after 2^30
  /// When it took effect, by the breaker's clock; never earlier than the event before
  instant at{};
  std::uint32_t failed = 0;  ///< what decided: failures in a row, failed or slow calls of the
                             ///< window, failed or lost probes
  std::uint32_t calls = 0;   ///< out of so many calls
  duration open_for{};       ///< to open: for how long; otherwise zero
  /// To open: the how manieth time by rules or probes without a quiet time in between; otherwise 0
  std::uint32_t attempt = 0;
  /// Ordered events dropped just before this one because the listener did not keep up
  std::uint64_t missed = 0;
};

/// `reset()` was called. If the circuit was not closed, a circuit_transition follows.
struct circuit_reset {
  std::string_view name{};
  circuit_cause cause = circuit_cause::reset;
  instant at{};
};

/// `reconfigure()` took effect.
struct circuit_reconfigured {
  std::string_view name{};
  instant at{};
};

/// `set_mode()` changed the mode. If that changed the state too, a circuit_transition follows.
struct circuit_mode_changed {
  std::string_view name{};
  circuit_mode from = circuit_mode::normal;
  circuit_mode to = circuit_mode::normal;
  instant at{};
};

/// Metrics only: a rule has been met that was not met before, so that it would have opened.
struct circuit_would_open {
  std::string_view name{};
  circuit_cause cause = circuit_cause::consecutive_failures;
  instant at{};
  std::uint32_t failed = 0;  ///< as in circuit_transition
  std::uint32_t calls = 0;
};

// Events of one call: on the thread of that call, outside every lock, in no order between threads,
// at the same time as others.

/// A call was let through and its verdict counted.
struct circuit_recorded {
  std::string_view name{};
  std::uint32_t generation = 0;
  gabion::verdict verdict = gabion::verdict::success;
  /// Known only if `slow_after` is set and the call succeeded or failed, or was watched
  std::optional<duration> took{};
  bool slow = false;
};

/// A call was not let through.
struct circuit_rejected {
  std::string_view name{};
  circuit_rejection why{};
};

/// A verdict came after the state that admitted the call had ended; it changed nothing.
struct circuit_late {
  std::string_view name{};
  std::uint32_t generation = 0;  ///< that admitted the call
  gabion::verdict verdict = gabion::verdict::success;
};

/// A permit was dropped without a verdict.
struct circuit_abandoned {
  std::string_view name{};
  std::uint32_t generation = 0;
};

namespace detail {

/// Takes at least one kind of ordered event.
template <class Observer>
concept observes_circuit_changes =
    observes<Observer, circuit_transition> || observes<Observer, circuit_reset> ||
    observes<Observer, circuit_reconfigured> || observes<Observer, circuit_mode_changed> ||
    observes<Observer, circuit_would_open>;

/// Takes at least one kind of event of single calls.
template <class Observer>
concept observes_circuit_calls =
    observes<Observer, circuit_recorded> || observes<Observer, circuit_rejected> ||
    observes<Observer, circuit_late> || observes<Observer, circuit_abandoned>;

}  // namespace detail

}  // namespace v0
}  // namespace gabion
