// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// Where a circuit breaker stands.
enum class circuit_state : std::uint8_t {
  closed,     ///< calls go through and are judged
  open,       ///< calls are rejected until the open time is over
  half_open,  ///< a few calls go through as probes; they decide
  ramping,    ///< the probes succeeded; a growing share of the calls goes through. Only with `ramp`
};

/// What a breaker is told to be, whatever its calls say.
enum class circuit_mode : std::uint8_t {
  normal,        ///< the rules decide
  isolated,      ///< forced open: rejects every call until the mode changes
  disabled,      ///< lets every call through, records and reports nothing
  metrics_only,  ///< lets every call through and records; says when it would have opened
};

/// Why a breaker changed its state.
enum class circuit_cause : std::uint8_t {
  consecutive_failures,  ///< to open: as many failures in a row as allowed
  failure_rate,          ///< to open: the last calls reached the percentage of failed ones
  slow_rate,             ///< to open: ... of slow ones
  slow_or_failed_rate,   ///< to open: ... of those that were either
  timed_failure_rate,    ///< to open: the calls of the last time reached the percentage of failed
                         ///< ones
  timed_slow_rate,       ///< to open: ... of slow ones
  timed_slow_or_failed_rate,  ///< to open: ... of those that were either
  stated,                     ///< to open: a failure said for how long
  probe_failed,               ///< half-open to open: too many probes failed
  probe_slow,        ///< half-open to open: the last of those too many was not failed but slow
  probe_lost,        ///< half-open to open: a probe was out for longer than the half-open time
  open_time_over,    ///< open to half-open: the first caller after the open time
  probes_succeeded,  ///< half-open to ramping or closed
  ramp_finished,     ///< ramping to closed
  reset,             ///< to closed, by `reset()`
  manual,            ///< to open, by `trip()`
  mode_changed,      ///< by `set_mode()`
  restored,          ///< by `restore()`
  health_check,  ///< by whoever calls trip() or reset() for it: an active check of the other side
  parent,        ///< ... the circuit above, or the share of open circuits below
  quorum,        ///< ... the opinion of other instances
  resource,      ///< ... pressure on processor, memory, disk or network
};

/// Why a call was not let through.
enum class circuit_refusal : std::uint8_t {
  open,            ///< the circuit is open
  half_open_full,  ///< half-open, and every permit is out
  ramping,         ///< recovering; this call is not of the share that is let through
  isolated,        ///< forced open by `set_mode`
};

/// What `try_acquire` says instead of a permit.
struct circuit_rejection {
  circuit_refusal reason = circuit_refusal::open;
  /// What is left of the open time: more than zero if `open`. Zero, which is "not known", for every
  /// other reason.
  duration retry_after{};
};

[[nodiscard]] constexpr std::string_view to_string(circuit_state s) noexcept {
  switch (s) {
    case circuit_state::closed: return "closed";
    case circuit_state::open: return "open";
    case circuit_state::half_open: return "half-open";
    case circuit_state::ramping: return "ramping";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(circuit_mode m) noexcept {
  switch (m) {
    case circuit_mode::normal: return "normal";
    case circuit_mode::isolated: return "isolated";
    case circuit_mode::disabled: return "disabled";
    case circuit_mode::metrics_only: return "metrics only";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(circuit_cause c) noexcept {
  switch (c) {
    case circuit_cause::consecutive_failures: return "consecutive failures";
    case circuit_cause::failure_rate: return "failure rate";
    case circuit_cause::slow_rate: return "slow-call rate";
    case circuit_cause::slow_or_failed_rate: return "slow-or-failed rate";
    case circuit_cause::timed_failure_rate: return "failure rate over time";
    case circuit_cause::timed_slow_rate: return "slow-call rate over time";
    case circuit_cause::timed_slow_or_failed_rate: return "slow-or-failed rate over time";
    case circuit_cause::stated: return "stated by the other side";
    case circuit_cause::probe_failed: return "probe failed";
    case circuit_cause::probe_slow: return "probe slow";
    case circuit_cause::probe_lost: return "probe lost";
    case circuit_cause::open_time_over: return "open time over";
    case circuit_cause::probes_succeeded: return "probes succeeded";
    case circuit_cause::ramp_finished: return "ramp finished";
    case circuit_cause::reset: return "reset";
    case circuit_cause::manual: return "tripped by hand";
    case circuit_cause::mode_changed: return "mode changed";
    case circuit_cause::restored: return "restored";
    case circuit_cause::health_check: return "health check";
    case circuit_cause::parent: return "parent circuit";
    case circuit_cause::quorum: return "quorum of instances";
    case circuit_cause::resource: return "resource pressure";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(circuit_refusal r) noexcept {
  switch (r) {
    case circuit_refusal::open: return "open";
    case circuit_refusal::half_open_full: return "half-open, every permit is out";
    case circuit_refusal::ramping: return "ramping, not of the share that is let through";
    case circuit_refusal::isolated: return "isolated";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace gabion
