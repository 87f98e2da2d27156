// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>

namespace gabion::inline v0 {

/// Where a circuit breaker stands.
enum class circuit_state : std::uint8_t {
  closed,     ///< calls go through and are judged
  open,       ///< calls are rejected until the open time is over
  half_open,  ///< a few calls go through as probes; they decide
};

/// Why a breaker changed its state.
enum class circuit_cause : std::uint8_t {
  consecutive_failures,  ///< closed to open: as many failures in a row as allowed
  failure_rate,          ///< closed to open: the window reached its percentage
  open_time_over,        ///< open to half-open: the first caller after the open time
  probe_failed,          ///< half-open to open
  probe_lost,            ///< half-open to open: a probe was out for longer than the half-open time
  probes_succeeded,      ///< half-open to closed
  reset,                 ///< to closed, by `reset()`
};

/// Why a call was not let through.
enum class circuit_refusal : std::uint8_t {
  open,            ///< the circuit is open
  half_open_full,  ///< half-open, and every permit is out
};

/// What `try_acquire` says instead of a permit.
struct circuit_rejection {
  circuit_refusal reason = circuit_refusal::open;
  duration retry_after{};  ///< what is left of the open time: more than zero if `open`, zero if `half_open_full`
};

/// One change of state. Generations are consecutive: the next event's is one more and its `from` is this one's `to`.
struct circuit_transition {
  std::string_view name{};  ///< the breaker's name; valid while the breaker lives
  circuit_state from = circuit_state::closed;
  circuit_state to = circuit_state::closed;
  circuit_cause cause = circuit_cause::reset;
  std::uint32_t generation = 0;  ///< of the state entered; wraps after 2^30
  instant at{};                  ///< when it took effect, by the breaker's clock; never earlier than the event before
  std::uint32_t failed = 0;      ///< the failures that decided: in a row, or of the window
  std::uint32_t calls = 0;       ///< out of so many calls
  std::uint64_t missed = 0;      ///< events dropped just before this one because the listener did not keep up
};

/// What a breaker has counted since it was made. Each call is in exactly one of the seven.
struct circuit_counts {
  std::uint64_t success = 0;
  std::uint64_t failure = 0;
  std::uint64_t ignored = 0;    ///< settled without a judgement, by `ignore()`
  std::uint64_t cancelled = 0;  ///< the caller gave up, by `cancel()`
  std::uint64_t abandoned = 0;  ///< permits dropped without a verdict
  std::uint64_t late = 0;       ///< settled after the state that admitted them had ended: changed nothing
  std::uint64_t rejected = 0;

  /// Permits that were granted and have come back.
  [[nodiscard]] constexpr std::uint64_t settled() const noexcept {
    return success + failure + ignored + cancelled + abandoned + late;
  }
  friend bool operator==(const circuit_counts&, const circuit_counts&) = default;
};

/// A look at a breaker. State, deadline and window belong to one generation.
struct circuit_snapshot {
  std::string_view name{};  ///< valid while the breaker lives
  circuit_state state = circuit_state::closed;
  std::uint32_t generation = 0;
  duration retry_after{};  ///< what is left of the open time; zero unless open
  std::uint32_t consecutive_failures = 0;
  std::uint32_t window_calls = 0;  ///< outcomes in the window. Kept while open and half-open: what tripped it
  std::uint32_t window_failed = 0;
  std::uint32_t probes_succeeded = 0;  ///< half-open: successes so far
  std::uint32_t probes_out = 0;        ///< half-open: permits not yet settled
  circuit_counts counts{};
  std::uint64_t listener_failures = 0;  ///< exceptions that the observer threw; they were swallowed
  std::uint64_t events_missed = 0;      ///< transitions that the observer was never told
};

[[nodiscard]] constexpr std::string_view to_string(circuit_state s) noexcept {
  switch (s) {
    case circuit_state::closed: return "closed";
    case circuit_state::open: return "open";
    case circuit_state::half_open: return "half-open";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(circuit_cause c) noexcept {
  switch (c) {
    case circuit_cause::consecutive_failures: return "consecutive failures";
    case circuit_cause::failure_rate: return "failure rate";
    case circuit_cause::open_time_over: return "open time over";
    case circuit_cause::probe_failed: return "probe failed";
    case circuit_cause::probe_lost: return "probe lost";
    case circuit_cause::probes_succeeded: return "probes succeeded";
    case circuit_cause::reset: return "reset";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(circuit_refusal r) noexcept {
  return r == circuit_refusal::open ? "open" : "half-open, every permit is out";
}

}  // namespace gabion::inline v0
