// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

namespace gabion::inline v0 {

/// Trips on a percentage of the last outcomes. Off unless `calls` is set. New members go last.
struct circuit_window_options {
  /// How many of the last outcomes count. 1 to 8191; 0 = no window (the default). One bit each, allocated once.
  std::uint32_t calls = 0;
  /// Opens when `failed * 100 >= failure_percent * outcomes`. 1 to 100; default 50.
  std::uint32_t failure_percent = 50;
  /// Never opens on fewer outcomes than this. At least 1; more than `calls` means `calls`. Default 10.
  std::uint32_t minimum_calls = 10;
};

/// How a circuit breaker decides. New members go last.
///
/// The default is the rule of consecutive failures; both rules may be on, then whichever is met first opens.
struct circuit_breaker_options {
  /// Failures in a row that open the circuit. 1 to 65535; 0 = rule off. Default 5.
  std::uint32_t failures = 5;
  /// The rule over the last outcomes; off by default.
  circuit_window_options window{};
  /// How long the circuit stays open before it lets a probe through. More than zero; duration::max() = for ever. Default 30 s.
  duration open_for = std::chrono::seconds{30};
  /// Half-open: how many probes may be out at the same time. 1 to 1023; default 1.
  std::uint32_t half_open_permits = 1;
  /// Half-open: probes that must succeed before it closes; one failure opens it again. 1 to 1023; default 2.
  std::uint32_t successes_to_close = 2;
  /// Half-open: how long probes may be out without a break before they are taken for lost and the circuit opens again.
  /// While no probe is out nothing is held and this does not run. Not negative; 0 = as long as `open_for`, the default.
  duration half_open_for = duration::zero();
  /// Copied into the breaker, for events and metrics. At most 47 bytes; default empty.
  std::string_view name{};
};

namespace detail {

inline constexpr std::uint32_t circuit_max_failures = 65'535;
inline constexpr std::uint32_t circuit_max_window = 8'191;
inline constexpr std::uint32_t circuit_max_probes = 1'023;
inline constexpr std::size_t circuit_max_name = 47;

/// The first option that is out of its range; `member` is empty if there is none.
struct circuit_option_problem {
  std::string_view member{};
  std::int64_t value = 0;
  std::string_view allowed{};
};

[[nodiscard]] constexpr circuit_option_problem circuit_problem(const circuit_window_options& o) noexcept {
  if (o.calls > circuit_max_window) return {"window.calls", o.calls, "0 to 8191"};
  if (o.failure_percent < 1 || o.failure_percent > 100) return {"window.failure_percent", o.failure_percent, "1 to 100"};
  if (o.minimum_calls < 1) return {"window.minimum_calls", o.minimum_calls, "at least 1"};
  return {};
}

[[nodiscard]] constexpr circuit_option_problem circuit_problem(const circuit_breaker_options& o) noexcept {
  if (o.failures > circuit_max_failures) return {"failures", o.failures, "0 to 65535"};
  if (o.failures == 0 && o.window.calls == 0)
    return {"failures", 0, "1 to 65535 unless window.calls is set, or the circuit could never open"};
  if (const auto p = detail::circuit_problem(o.window); !p.member.empty()) return p;
  if (o.open_for <= duration::zero()) return {"open_for", o.open_for.count(), "more than 0 ns"};
  if (o.half_open_permits < 1 || o.half_open_permits > circuit_max_probes)
    return {"half_open_permits", o.half_open_permits, "1 to 1023"};
  if (o.successes_to_close < 1 || o.successes_to_close > circuit_max_probes)
    return {"successes_to_close", o.successes_to_close, "1 to 1023"};
  if (o.half_open_for < duration::zero()) return {"half_open_for", o.half_open_for.count(), "0 ns or more"};
  if (o.name.size() > circuit_max_name) return {"name", static_cast<std::int64_t>(o.name.size()), "at most 47 bytes"};
  return {};
}

}  // namespace detail

/// True if a breaker takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const circuit_breaker_options& o) noexcept {
  return detail::circuit_problem(o).member.empty();
}

/// Throws error{invalid_argument} that names the member, its value and its range, or does nothing.
inline void validate(const circuit_breaker_options& o) {
  const detail::circuit_option_problem p = detail::circuit_problem(o);
  if (!p.member.empty())
    detail::fail(errc::invalid_argument, "circuit_breaker_options." + std::string{p.member} + " is " + std::to_string(p.value) +
                                             "; allowed: " + std::string{p.allowed});
}

}  // namespace gabion::inline v0
