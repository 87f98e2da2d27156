// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/resilience/circuit_options.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// What both kinds of window have in common: percentages and a minimum.
template <class Window>
[[nodiscard]] constexpr option_problem rates_problem_of(const Window& o,
                                                        duration slow_after) noexcept {
  if (o.failure_percent > 100) return {"failure_percent", o.failure_percent, "0 to 100"};
  if (o.minimum_calls < 1) return {"minimum_calls", o.minimum_calls, "at least 1"};
  if (o.slow_percent > 100) return {"slow_percent", o.slow_percent, "0 to 100"};
  if (o.slow_or_failed_percent > 100)
    return {"slow_or_failed_percent", o.slow_or_failed_percent, "0 to 100"};
  if (o.slow_percent != 0 && slow_after == duration::zero())
    return {"slow_percent", o.slow_percent,
            "0 unless slow_after is set, because no call is slow without it"};
  if (o.slow_or_failed_percent != 0 && slow_after == duration::zero())
    return {"slow_or_failed_percent", o.slow_or_failed_percent,
            "0 unless slow_after is set, because no call is slow without it"};
  return {};
}

[[nodiscard]] constexpr option_problem problem_of(const circuit_window_options& o,
                                                  duration slow_after) noexcept {
  if (o.calls > circuit_max_window) return {"calls", o.calls, "0 to 8191"};
  if (const auto p = detail::rates_problem_of(o, slow_after)) return p;
  if (o.calls != 0 && o.failure_percent == 0 && o.slow_percent == 0 &&
      o.slow_or_failed_percent == 0)
    return {"failure_percent", 0, "1 to 100 unless another percentage of the window is set"};
  return {};
}

[[nodiscard]] constexpr option_problem problem_of(const circuit_time_window_options& o,
                                                  duration slow_after) noexcept {
  if (o.buckets < 1 || o.buckets > circuit_max_buckets) return {"buckets", o.buckets, "1 to 1000"};
  if (o.span < duration::zero() || (o.span != duration::zero() && o.span.count() < o.buckets))
    return {"span", o.span, "0 ns, or at least 1 ns for each bucket"};
  if (const auto p = detail::rates_problem_of(o, slow_after)) return p;
  if (o.span != duration::zero() && o.failure_percent == 0 && o.slow_percent == 0 &&
      o.slow_or_failed_percent == 0)
    return {"failure_percent", 0, "1 to 100 unless another percentage of the window is set"};
  return {};
}

[[nodiscard]] constexpr option_problem problem_of(const circuit_growth_options& o) noexcept {
  if (o.factor_percent < 100 || o.factor_percent > 1000)
    return {"factor_percent", o.factor_percent, "100 to 1000"};
  if (o.max <= duration::zero()) return {"max", o.max, "more than 0 ns"};
  if (o.jitter_percent > 100) return {"jitter_percent", o.jitter_percent, "0 to 100"};
  if (o.quiet_for < duration::zero()) return {"quiet_for", o.quiet_for, "0 ns or more"};
  return {};
}

[[nodiscard]] constexpr option_problem problem_of(const circuit_ramp_options& o) noexcept {
  bool ended = false;
  std::uint32_t before = 0;
  for (const std::uint8_t step : o.percent) {
    if (step > 99 || (step != 0 && (ended || step <= before)))
      return {"percent", step, "1 to 99, each more than the one before, zeros only at the end"};
    ended = step == 0;
    before = step;
  }
  if (o.step_for < duration::zero()) return {"step_for", o.step_for, "0 ns or more"};
  if (o.step_calls > circuit_max_ramp_calls) return {"step_calls", o.step_calls, "0 to 1000000"};
  return {};
}

[[nodiscard]] constexpr option_problem half_open_problem_of(
    const circuit_breaker_options& o) noexcept {
  if (o.half_open_permits < 1 || o.half_open_permits > circuit_max_probes)
    return {"half_open_permits", o.half_open_permits, "1 to 1023"};
  if (o.successes_to_close < 1 || o.successes_to_close > circuit_max_probes)
    return {"successes_to_close", o.successes_to_close, "1 to 1023"};
  if (o.half_open_calls > circuit_max_probes)
    return {"half_open_calls", o.half_open_calls, "0 to 1023"};
  if (o.half_open_failure_percent > 100)
    return {"half_open_failure_percent", o.half_open_failure_percent, "0 to 100"};
  if (o.half_open_failure_percent != 0 && o.half_open_calls == 0)
    return {"half_open_calls", 0, "1 to 1023 if half_open_failure_percent is set"};
  if (o.half_open_failure_percent == 0 && o.half_open_calls != 0 &&
      o.half_open_calls < o.successes_to_close)
    return {"half_open_calls", o.half_open_calls, "0, or from successes_to_close up to 1023"};
  if (o.half_open_for < duration::zero()) return {"half_open_for", o.half_open_for, "0 ns or more"};
  return {};
}

[[nodiscard]] constexpr bool has_slow_rule(const circuit_breaker_options& o) noexcept {
  return (o.window.calls != 0 &&
          (o.window.slow_percent != 0 || o.window.slow_or_failed_percent != 0)) ||
         (o.time_window.span != duration::zero() &&
          (o.time_window.slow_percent != 0 || o.time_window.slow_or_failed_percent != 0));
}

[[nodiscard]] constexpr option_problem problem_of(const circuit_breaker_options& o) noexcept {
  if (o.failures > circuit_max_failures) return {"failures", o.failures, "0 to 65535"};
  if (o.failures == 0 && o.window.calls == 0 && o.time_window.span == duration::zero())
    return {"failures", 0,
            "1 to 65535 unless window.calls or time_window.span is set, or the circuit could never "
            "open"};
  if (o.slow_after < duration::zero()) return {"slow_after", o.slow_after, "0 ns or more"};
  if (const auto p = detail::problem_of(o.window, o.slow_after)) return p.in("window.");
  if (const auto p = detail::problem_of(o.time_window, o.slow_after)) return p.in("time_window.");
  if (o.count_overdue && !detail::has_slow_rule(o))
    return {"count_overdue", 1, "0 unless a window has a slow_percent or a slow_or_failed_percent"};
  if (o.open_for <= duration::zero()) return {"open_for", o.open_for, "more than 0 ns"};
  if (const auto p = detail::problem_of(o.open_growth)) return p.in("open_growth.");
  if (o.max_stated_open <= duration::zero())
    return {"max_stated_open", o.max_stated_open, "more than 0 ns"};
  if (const auto p = detail::half_open_problem_of(o)) return p;
  if (const auto p = detail::problem_of(o.ramp)) return p.in("ramp.");
  if (o.name.size() > circuit_max_name)
    return {"name", static_cast<std::int64_t>(o.name.size()), " bytes long", "at most 47 bytes"};
  return {};
}

}  // namespace detail

/// True if a breaker takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const circuit_breaker_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const circuit_breaker_options& o) {
  detail::refuse_option("circuit_breaker_options", detail::problem_of(o));
}

}  // namespace v0
}  // namespace gabion
