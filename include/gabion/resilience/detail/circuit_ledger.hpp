// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/detail/circuit_call_window.hpp>
#include <gabion/resilience/detail/circuit_history.hpp>
#include <gabion/resilience/detail/circuit_overdue.hpp>
#include <gabion/resilience/detail/circuit_rules.hpp>
#include <gabion/resilience/detail/circuit_time_window.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What was counted for the rules that need time or slowness, for use under a lock: the row, both
/// windows, the calls in flight.
class circuit_ledger {
 public:
  /// Makes room as the options ask, for the last calls only if `room`. Keeps the newest of the last
  /// time and the calls in flight, but no last calls. Allocates.
  void configure(const circuit_breaker_options& o, bool room, instant now) {
    calls_.resize(room ? o.window.calls : 0);
    timed_.configure(o.time_window, now);
    if (overdue_.enabled() != o.count_overdue || slow_after_ != o.slow_after)
      overdue_.configure(o.count_overdue, o.slow_after);
    slow_after_ = o.slow_after;
  }
  /// Takes over the newest of the last calls.
  void refill(std::size_t calls, const circuit_history& history) noexcept {
    calls_.clear();
    history.last(calls, [&](circuit_outcome o) { calls_.record(o); });
  }

  /// Nothing happened yet.
  void restart() noexcept {
    forget();
    overdue_.clear();
  }
  /// The same, but calls stay in flight.
  void forget() noexcept {
    row_ = 0;
    calls_.clear();
    timed_.clear();
  }

  void record(circuit_outcome o, instant now) noexcept {
    count_row(o.failed);
    calls_.record(o);
    timed_.record(o, now);
  }
  void count_row(bool failed) noexcept { row_ = failed ? row_ + 1 : 0; }
  void set_row(std::uint32_t row) noexcept { row_ = row; }
  [[nodiscard]] std::uint32_t row() const noexcept { return row_; }

  /// No rule can be met: nothing failed and nothing is slow. What nearly every call finds.
  [[nodiscard]] bool is_clean(instant now) noexcept {
    if (row_ != 0 || calls_.sum().either != 0 || timed_.advance(now).either != 0) return false;
    if (!overdue_.enabled()) return true;
    overdue_.advance(now);
    return overdue_.overdue() == 0;
  }

  /// What the rules are to look at, as of `now`.
  [[nodiscard]] circuit_facts facts(instant now) noexcept {
    if (overdue_.enabled()) overdue_.advance(now);
    return {row_, calls_.sum(), timed_.advance(now), overdue_.overdue()};
  }
  /// The same, for a look that changes nothing.
  [[nodiscard]] circuit_facts seen(instant now) const noexcept {
    circuit_overdue later = overdue_;
    if (later.enabled()) later.advance(now);
    return {row_, calls_.sum(), timed_.sum(now), later.overdue()};
  }

  [[nodiscard]] circuit_overdue& in_flight() noexcept { return overdue_; }
  [[nodiscard]] const circuit_overdue& in_flight() const noexcept { return overdue_; }

  void copy_to(circuit_history& history) const noexcept { calls_.copy_to(history); }

 private:
  std::uint32_t row_ = 0;
  circuit_call_window calls_{};
  circuit_time_window timed_{};
  circuit_overdue overdue_{};
  duration slow_after_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
