// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// Trips on a percentage of the last outcomes. Off unless `calls` is set. New members go last.
///
/// Every percentage is exact: `part * 100 >= percent * outcomes`, nothing is rounded.
struct circuit_window_options {
  /// How many of the last outcomes count. 1 to 8191; 0 = no window (the default). Allocated once, a
  /// byte each at most.
  std::uint32_t calls = 0;
  /// Opens at this share of failed outcomes. 1 to 100; 0 = rule off; default 50.
  std::uint32_t failure_percent = 50;
  /// Never opens on fewer outcomes than this. At least 1; more than `calls` means `calls`.
  /// Default 10.
  std::uint32_t minimum_calls = 10;
  /// Opens at this share of slow outcomes, see `slow_after`. 1 to 100; 0 = rule off (the default).
  std::uint32_t slow_percent = 0;
  /// Opens at this share of outcomes that were slow or failed; a slow failure counts once. 1 to
  /// 100; 0 = rule off (the default).
  std::uint32_t slow_or_failed_percent = 0;
};

/// The same over the outcomes of the last time. Off unless `span` is set. New members go last.
struct circuit_time_window_options {
  /// How far back outcomes count: those as old as this do not. From `buckets` ns up; 0 = no window
  /// (the default).
  duration span = duration::zero();
  /// The resolution: outcomes leave in buckets of `span / buckets` (whole ns), up to that much
  /// before their time and never after it. Buckets begin at whole multiples of their width on the
  /// clock. 1 to 1000; default 10. 32 bytes each, allocated once.
  std::uint32_t buckets = 10;
  /// As for the last calls.
  std::uint32_t failure_percent = 50;
  /// Never opens on fewer outcomes than this; it is not limited by anything. At least 1;
  /// default 10.
  std::uint32_t minimum_calls = 10;
  std::uint32_t slow_percent = 0;            ///< as for the last calls
  std::uint32_t slow_or_failed_percent = 0;  ///< as for the last calls
};

/// How the open time grows when the circuit opens again and again. The default does not grow. New
/// members go last.
struct circuit_growth_options {
  /// Each time: this much of the time before. 100 (the default: always the same) to 1000.
  std::uint32_t factor_percent = 100;
  /// It does not grow beyond this. More than zero; below `open_for` it means `open_for`. Default 1
  /// h.
  duration max = std::chrono::hours{1};
  /// Each time is made shorter by chance, by up to this share, so that instances do not come back
  /// together. 0 (the default) to 100.
  std::uint32_t jitter_percent = 0;
  /// Closed for at least this long = quiet: the next open time is the first again. 0 (the default)
  /// = closing is enough.
  duration quiet_for = duration::zero();
  /// Of the jitter, for repeatable tests. 0 (the default) = from the operating system.
  std::uint64_t seed = 0;
};

/// What an `open_time` function is asked.
struct circuit_open_request {
  std::uint32_t attempt = 1;  ///< the how manieth time without a quiet time in between
  circuit_cause cause = circuit_cause::manual;
  duration planned{};  ///< what it would be without the function: grown and jittered
};

/// Recovery by degrees: after the probes have succeeded only a share of the calls is let through,
/// under the same rules as closed.
struct circuit_ramp_options {
  /// The shares in percent, each more than the one before, 1 to 99; of each hundred calls exactly
  /// so many are let through, evenly spread. Zeros at the end are no steps; the default is none at
  /// all, no ramp.
  std::array<std::uint8_t, 8> percent{};
  /// A step lasts at least this long and ends with the first call after it. Not negative; default
  /// 0.
  duration step_for = duration::zero();
  /// A step lasts until at least so many of its calls have been recorded. 0 to 1,000,000;
  /// default 10.
  std::uint32_t step_calls = 10;
};

/// How a circuit breaker decides. New members go last.
///
/// The default is the rule of consecutive failures; all rules may be on, then whichever is met
/// first opens.
struct circuit_breaker_options {
  /// Failures in a row that open the circuit. 1 to 65535; 0 = rule off. Default 5. No age: they may
  /// be days apart.
  std::uint32_t failures = 5;
  /// The rules over the last outcomes; off by default.
  circuit_window_options window{};
  /// The rules over the outcomes of the last time; off by default.
  circuit_time_window_options time_window{};
  /// A call that took longer than this is slow; one that took exactly this long is not. 0 = no call
  /// is slow, and no time is measured (the default). A slow probe counts as a failed one.
  duration slow_after = duration::zero();
  /// Calls that have not returned after `slow_after` count as slow already, also if none ever
  /// returns: looked at when a call is admitted or recorded. Seen up to an eighth of `slow_after`
  /// late, never early. Needs a slow rule. Default off.
  bool count_overdue = false;
  /// How long the circuit stays open before it lets a probe through. More than zero;
  /// duration::max() = for ever. Default 30 s.
  duration open_for = std::chrono::seconds{30};
  /// How that grows; by default it does not.
  circuit_growth_options open_growth{};
  /// Has the last word on each open time, except a stated one. Called without a lock; it must not
  /// throw, and may be called more than once for one opening or for one that does not happen. What
  /// is not above zero means 1 ns. Default none.
  duration (*open_time)(const circuit_open_request&) noexcept = nullptr;
  /// A failure that states how long to leave the other side alone opens for that long, but at most
  /// this. More than zero; default 5 min.
  duration max_stated_open = std::chrono::minutes{5};
  /// Half-open: how many probes may be out at the same time. 1 to 1023; default 1.
  std::uint32_t half_open_permits = 1;
  /// Half-open: probes that must succeed before it closes. 1 to 1023; default 2.
  std::uint32_t successes_to_close = 2;
  /// Half-open: out of so many probes. It opens again as soon as too few are left to reach
  /// `successes_to_close`. From that up to 1023; 0 = as many as `successes_to_close`, so that one
  /// failure opens it again (the default).
  std::uint32_t half_open_calls = 0;
  /// Half-open: decide by rate instead, on the last of `half_open_calls` probes and not before:
  /// opens again if `failed * 100 >= percent * probes`, else closes. Needs `half_open_calls`; then
  /// `successes_to_close` has no part. 1 to 100; 0 = off (the default).
  std::uint32_t half_open_failure_percent = 0;
  /// Half-open: how long probes may be out without a break before they are taken for lost and the
  /// circuit opens again. This time does not run while no probe is in flight. Must be
  /// longer than the longest call, or the circuit never closes again. Not negative; 0 = the longer
  /// of `open_for` and 5 min (the default).
  duration half_open_for = duration::zero();
  /// How calls come back after the probes have succeeded; by default all at once.
  circuit_ramp_options ramp{};
  /// Copied into the breaker, for events and metrics. At most 47 bytes; default empty.
  std::string_view name{};
};

namespace detail {

inline constexpr std::uint32_t circuit_max_failures = 65'535;
inline constexpr std::uint32_t circuit_max_window = 8'191;
inline constexpr std::uint32_t circuit_max_buckets = 1'000;
inline constexpr std::uint32_t circuit_max_probes = 1'023;
inline constexpr std::uint32_t circuit_max_ramp_calls = 1'000'000;
inline constexpr std::size_t circuit_max_name = 47;

/// How many probes decide, however they decide.
[[nodiscard]] constexpr std::uint32_t circuit_probes(const circuit_breaker_options& o) noexcept {
  return o.half_open_calls == 0 ? o.successes_to_close : o.half_open_calls;
}

/// How long probes may be in flight before they are lost.
[[nodiscard]] constexpr duration circuit_probe_time(const circuit_breaker_options& o) noexcept {
  constexpr duration least = std::chrono::minutes{5};
  if (o.half_open_for != duration::zero()) return o.half_open_for;
  return o.open_for < least ? least : o.open_for;
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
