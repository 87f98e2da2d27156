// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>

namespace gabion {
inline namespace v0 {

/// What became of one attempt, by what a retry may do about it.
enum class attempt_verdict : std::uint8_t {
  success,
  retryable,  ///< failed in a way that may pass
  fatal,      ///< failed for good; trying again would not help
  rejected,   ///< refused before it ran, by a circuit breaker, a limiter or a bulkhead
};

[[nodiscard]] constexpr std::string_view to_string(attempt_verdict value) noexcept {
  switch (value) {
    case attempt_verdict::success: return "success";
    case attempt_verdict::retryable: return "retryable";
    case attempt_verdict::fatal: return "fatal";
    case attempt_verdict::rejected: return "rejected";
  }
  return "unknown";
}

/// One attempt's verdict and, if the other side or a policy has stated it, how long to stay away.
struct attempt_report {
  attempt_verdict verdict = attempt_verdict::success;
  std::optional<duration> retry_after{};
  friend bool operator==(const attempt_report&, const attempt_report&) = default;
};

/// What a retry does with an attempt that a policy below it has rejected.
enum class rejection_handling : std::uint8_t {
  stop,  ///< give up at once: more attempts would only hammer what is closed. The default
  wait,  ///< wait the stated time, exactly, then try again; it counts as an attempt
};

/// How often and how long to try. New members go last.
struct retry_options {
  std::uint32_t max_attempts = 3;  ///< the first call included; 1 to 1000; default 3
  /// The waits between attempts; default 100 ms doubling to 30 s, full jitter
  backoff_options backoff{};
  /// From the first attempt to the end of the last; above 0; default no limit
  duration total = (duration::max)();
  /// None begins with less time left; 0 and up; default 1 ms
  duration attempt_time = std::chrono::milliseconds{1};
  /// A longer stated wait ends it; 0 and up; default 5 min
  duration max_retry_after = std::chrono::minutes{5};
  rejection_handling rejections = rejection_handling::stop;  ///< default stop
  /// The deadline of each attempt, from its start; above 0; default no limit
  duration attempt_limit = (duration::max)();
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const retry_options& o) noexcept {
  if (const auto p = out_of_range("max_attempts", o.max_attempts, 1, 1000, "1 to 1000")) return p;
  if (const auto p = problem_of(o.backoff)) return p.in("backoff.");
  if (o.total <= duration::zero()) return {"total", o.total, "more than 0 ns"};
  if (o.attempt_time < duration::zero()) return {"attempt_time", o.attempt_time, "0 ns or more"};
  if (o.max_retry_after < duration::zero())
    return {"max_retry_after", o.max_retry_after, "0 ns or more"};
  if (o.attempt_limit <= duration::zero())
    return {"attempt_limit", o.attempt_limit, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a retry takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const retry_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const retry_options& o) {
  detail::refuse_option("retry_options", detail::problem_of(o));
}

/// Why a retry has come to its end.
enum class retry_stop : std::uint8_t {
  success,    ///< the last attempt succeeded
  fatal,      ///< the last attempt failed for good
  rejected,   ///< the last attempt was rejected, and rejections are not waited for
  exhausted,  ///< max_attempts have failed
  deadline,   ///< no time is left for a further attempt, or the stated wait is too long
  cancelled,  ///< cancel() was called
  budget,     ///< the shared budget allows no further attempt
};

[[nodiscard]] constexpr std::string_view to_string(retry_stop value) noexcept {
  switch (value) {
    case retry_stop::success: return "success";
    case retry_stop::fatal: return "fatal";
    case retry_stop::rejected: return "rejected";
    case retry_stop::exhausted: return "exhausted";
    case retry_stop::deadline: return "deadline";
    case retry_stop::cancelled: return "cancelled";
    case retry_stop::budget: return "budget";
  }
  return "unknown";
}

/// What to do now: attempt at that moment, or, if there is none, stop for that reason.
struct [[nodiscard("it says when to attempt again, or why to stop")]] retry_step {
  std::optional<instant> attempt_at{};
  retry_stop why = retry_stop::success;
  friend bool operator==(const retry_step&, const retry_step&) = default;

  [[nodiscard]] static retry_step stop(retry_stop why) noexcept { return {std::nullopt, why}; }
};

}  // namespace v0
}  // namespace gabion
