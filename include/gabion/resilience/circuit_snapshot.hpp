// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// What a breaker has counted since it was made. Each call is in exactly one of the seven; those
/// made and settled while it was disabled are in none.
struct circuit_counts {
  std::uint64_t success = 0;
  std::uint64_t failure = 0;
  std::uint64_t ignored = 0;    ///< settled without a judgement, by `ignore()`
  std::uint64_t cancelled = 0;  ///< the caller gave up, by `cancel()`
  std::uint64_t abandoned = 0;  ///< permits dropped without a verdict
  /// Settled after the state that admitted them had ended: changed nothing
  std::uint64_t late = 0;
  std::uint64_t rejected = 0;

  /// Permits that were granted and have come back.
  [[nodiscard]] constexpr std::uint64_t settled() const noexcept {
    return success + failure + ignored + cancelled + abandoned + late;
  }
  friend bool operator==(const circuit_counts&, const circuit_counts&) = default;
};

/// What a window holds at one moment. Calls that are rejected, ignored, cancelled, abandoned or
/// late are in no window.
struct circuit_window_view {
  std::uint64_t calls = 0;           ///< outcomes
  std::uint64_t failed = 0;          ///< of those
  std::uint64_t slow = 0;            ///< of those; a slow failure is in `failed` and in `slow`
  std::uint64_t slow_or_failed = 0;  ///< of those; a slow failure counts once
  std::uint64_t overdue = 0;  ///< beside those: calls that have not returned and are slow already
  std::uint64_t minimum_calls = 0;  ///< below so many no rate is judged

  [[nodiscard]] constexpr bool has_enough(std::uint64_t n) const noexcept {
    return n != 0 && n >= minimum_calls;
  }
  /// Failed calls in percent, rounded down, or nothing if there are not enough data to judge them.
  [[nodiscard]] constexpr std::optional<std::uint32_t> failure_percent() const noexcept {
    return percent(failed, calls);
  }
  /// Slow calls in percent, overdue ones included.
  [[nodiscard]] constexpr std::optional<std::uint32_t> slow_percent() const noexcept {
    return percent(slow + overdue, calls + overdue);
  }
  /// Calls that were slow or failed in percent, overdue ones included.
  [[nodiscard]] constexpr std::optional<std::uint32_t> slow_or_failed_percent() const noexcept {
    return percent(slow_or_failed + overdue, calls + overdue);
  }
  friend bool operator==(const circuit_window_view&, const circuit_window_view&) = default;

 private:
  [[nodiscard]] constexpr std::optional<std::uint32_t> percent(std::uint64_t part,
                                                               std::uint64_t total) const noexcept {
    if (!has_enough(total)) return std::nullopt;
    return static_cast<std::uint32_t>(part * 100 / total);
  }
};

/// A look at a breaker. Everything but `counts` belongs to one generation and one moment.
struct circuit_snapshot {
  std::string_view name{};  ///< valid while the breaker lives
  circuit_state state = circuit_state::closed;
  circuit_mode mode = circuit_mode::normal;
  std::uint32_t generation = 0;
  duration retry_after{};  ///< what is left of the open time; zero unless open
  /// Openings by rules and probes since the last quiet time, see `open_growth`
  std::uint32_t attempt = 0;
  std::uint32_t consecutive_failures = 0;  ///< may be zero while the rule is off
  circuit_window_view window{};  ///< the last calls. Kept while open and half-open: what tripped it
  circuit_window_view time_window{};   ///< the calls of the last time, as of now. Kept likewise
  std::uint32_t window_calls = 0;      ///< window.calls
  std::uint32_t window_failed = 0;     ///< window.failed
  std::uint32_t probes_succeeded = 0;  ///< half-open: successes so far
  std::uint32_t probes_failed = 0;     ///< half-open: failed or slow ones so far
  std::uint32_t probes_out = 0;        ///< half-open: permits not yet settled
  std::uint32_t ramp_percent = 0;      ///< ramping: the share of calls let through; otherwise 0
  /// Calls not yet settled; known only with `count_overdue`, otherwise 0
  std::uint32_t in_flight = 0;
  circuit_counts counts{};
  std::uint64_t listener_failures = 0;  ///< exceptions that the observer threw; they were swallowed
  std::uint64_t events_missed = 0;      ///< ordered events that the observer was never told
};

}  // namespace v0
}  // namespace gabion
