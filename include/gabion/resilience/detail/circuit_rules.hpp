// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/detail/order.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_snapshot.hpp>
#include <gabion/resilience/detail/circuit_history.hpp>

// The rules of the closed state as pure functions of what was counted. Each is `count * 100 >=
// percent * calls`, once there are `minimum` calls; the lock-free window applies the same formula
// to its own word.
namespace gabion {
inline namespace v0 {
namespace detail {

/// All that the rules look at.
struct circuit_facts {
  std::uint64_t row = 0;
  circuit_sum calls{};
  circuit_sum timed{};
  std::uint64_t overdue = 0;  ///< slow already, and in no window yet
};

[[nodiscard]] constexpr std::uint64_t minimum_of(const circuit_window_options& o) noexcept {
  return detail::min_of(o.minimum_calls, o.calls);
}
[[nodiscard]] constexpr std::uint64_t minimum_of(const circuit_time_window_options& o) noexcept {
  return o.minimum_calls;
}

[[nodiscard]] constexpr circuit_rule_status rate_rule(circuit_cause rule, std::uint64_t count,
                                                      std::uint64_t calls, std::uint32_t percent,
                                                      std::uint64_t minimum) noexcept {
  const std::uint64_t judged = calls < minimum ? minimum : calls;
  return {rule, count, calls, percent, minimum, (percent * judged + 99) / 100};
}

/// The rates of one window. Failed calls are judged by the calls that have returned, slow ones also
/// by those that are overdue.
template <class Window, class Visitor>
constexpr void each_rate(const Window& o, const circuit_sum& s, std::uint64_t overdue,
                         circuit_cause failed, circuit_cause slow, circuit_cause either,
                         const Visitor& visit) {
  const std::uint64_t minimum = detail::minimum_of(o);
  if (o.failure_percent != 0)
    visit(detail::rate_rule(failed, s.failed, s.calls, o.failure_percent, minimum));
  if (o.slow_percent != 0)
    visit(detail::rate_rule(slow, s.slow + overdue, s.calls + overdue, o.slow_percent, minimum));
  if (o.slow_or_failed_percent != 0)
    visit(detail::rate_rule(either, s.either + overdue, s.calls + overdue, o.slow_or_failed_percent,
                            minimum));
}

/// The rules that are on, in the order in which they are looked at.
template <class Visitor>
constexpr void each_rule(const circuit_breaker_options& o, const circuit_facts& f,
                         const Visitor& visit) {
  if (o.failures != 0)
    visit(circuit_rule_status{circuit_cause::consecutive_failures, f.row, f.row, 0, 0, o.failures});
  if (o.window.calls != 0)
    detail::each_rate(o.window, f.calls, f.overdue, circuit_cause::failure_rate,
                      circuit_cause::slow_rate, circuit_cause::slow_or_failed_rate, visit);
  if (o.time_window.span != duration::zero())
    detail::each_rate(o.time_window, f.timed, f.overdue, circuit_cause::timed_failure_rate,
                      circuit_cause::timed_slow_rate, circuit_cause::timed_slow_or_failed_rate,
                      visit);
}

/// The first rule that is met, if one is; `needed` is zero if none is.
[[nodiscard]] constexpr circuit_rule_status first_met(const circuit_breaker_options& o,
                                                      const circuit_facts& f) noexcept {
  circuit_rule_status met;
  detail::each_rule(o, f, [&](const circuit_rule_status& r) {
    if (met.needed == 0 && r.met()) met = r;
  });
  return met;
}

template <class Window>
[[nodiscard]] constexpr circuit_window_view view_of(const Window& o, const circuit_sum& s,
                                                    std::uint64_t overdue) noexcept {
  return {s.calls, s.failed, s.slow, s.either, overdue, detail::minimum_of(o)};
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
