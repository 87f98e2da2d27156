// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/random.hpp>

namespace gabion::inline v0 {

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
};

/// What a retry does with an attempt that a policy below it has rejected.
enum class rejection_handling : std::uint8_t {
  stop,  ///< give up at once: more attempts would only hammer what is closed. The default
  wait,  ///< wait the stated time, exactly, then try again; it counts as an attempt
};

/// How often and how long to try. Later members are only ever added at the end.
struct retry_options {
  std::uint32_t max_attempts = 3;      ///< the first call included; 1 to 1000; default 3
  backoff_options backoff{};           ///< the waits between attempts; default 100 ms doubling to 30 s, full jitter
  duration total = (duration::max)();  ///< from the first attempt to the end of the last; above 0; default no limit
  duration attempt_time = std::chrono::milliseconds{1};      ///< none begins with less time left; 0 and up; default 1 ms
  duration max_retry_after = std::chrono::minutes{5};        ///< a longer stated wait ends it; 0 and up; default 5 min
  rejection_handling rejections = rejection_handling::stop;  ///< default stop
};

/// Throws error(invalid_argument) that names the member and its range, or does nothing.
inline void validate(const retry_options& options) {
  const auto number = [](duration d) { return std::to_string(d.count()) + " ns"; };
  detail::check_range("retry_options.max_attempts", options.max_attempts, 1, 1000);
  if (options.total <= duration::zero())
    detail::fail(errc::invalid_argument, "retry_options.total is " + number(options.total) + "; allowed: above 0");
  if (options.attempt_time < duration::zero())
    detail::fail(errc::invalid_argument, "retry_options.attempt_time is " + number(options.attempt_time) + "; allowed: 0 and up");
  if (options.max_retry_after < duration::zero())
    detail::fail(errc::invalid_argument,
                 "retry_options.max_retry_after is " + number(options.max_retry_after) + "; allowed: 0 and up");
  gabion::validate(options.backoff, "retry_options.backoff");
}

/// Why a retry has come to its end.
enum class retry_stop : std::uint8_t {
  success,    ///< the last attempt succeeded
  fatal,      ///< the last attempt failed for good
  rejected,   ///< the last attempt was rejected, and rejections are not waited for
  exhausted,  ///< max_attempts have failed
  deadline,   ///< no time is left for a further attempt, or the stated wait is too long
  cancelled,  ///< cancel() was called
};

[[nodiscard]] constexpr std::string_view to_string(retry_stop value) noexcept {
  switch (value) {
    case retry_stop::success: return "success";
    case retry_stop::fatal: return "fatal";
    case retry_stop::rejected: return "rejected";
    case retry_stop::exhausted: return "exhausted";
    case retry_stop::deadline: return "deadline";
    case retry_stop::cancelled: return "cancelled";
  }
  return "unknown";
}

/// What to do now: attempt at that moment, or, if there is none, stop for that reason.
struct [[nodiscard("it says when to attempt again, or why to stop")]] retry_step {
  std::optional<instant> attempt_at{};
  retry_stop why = retry_stop::success;
  friend bool operator==(const retry_step&, const retry_step&) = default;
};

/// The retries of one logical call after another, as a pure machine: it reads no clock, waits for nothing and calls
/// nobody. Ask begin(), make the attempt, hand its report to next(), and so on until a step says stop.
///
/// No more than max_attempts attempts; none that begins with less than attempt_time to the deadline; a wait before the last
/// attempt is cut to fit, unless it was stated. A stated wait is never cut short: it is waited for or ends the call.
/// Not safe to use from several threads: one for each thread or call. A value of 128 bytes, no allocation.
template <random_source Random>
class basic_retry {
 public:
  /// Throws error(invalid_argument) if an option is out of its range.
  explicit basic_retry(const retry_options& options = {}, Random random = Random{})
      : options_{options}, random_{std::move(random)} {
    gabion::validate(options_);
  }

  /// Begins a logical call. Stops at once if its deadline leaves no time for an attempt.
  retry_step begin(instant now, deadline until = deadline::never()) noexcept {
    attempts_ = 0;
    previous_ = duration::zero();
    until_ = (gabion::min)(until, deadline::after(now, options_.total));
    if (until_.remaining(now) < options_.attempt_time || until_.expired(now)) return stop(retry_stop::deadline);
    return {now};
  }

  /// Takes the report of the attempt that the last step asked for.
  retry_step next(const attempt_report& report, instant now) noexcept {
    ++attempts_;
    if (report.verdict == attempt_verdict::success) return stop(retry_stop::success);
    if (report.verdict == attempt_verdict::fatal) return stop(retry_stop::fatal);
    const bool rejected = report.verdict == attempt_verdict::rejected;
    if (rejected && options_.rejections == rejection_handling::stop) return stop(retry_stop::rejected);
    if (attempts_ >= options_.max_attempts) return stop(retry_stop::exhausted);
    return again(report, rejected, now);
  }

  /// Ends the call during a wait or an attempt.
  retry_step cancel() noexcept { return stop(retry_stop::cancelled); }

  /// The attempts that have been reported since begin().
  [[nodiscard]] std::uint32_t attempts() const noexcept { return attempts_; }
  /// The deadline of the call: the caller's, or sooner by options().total. Hand it to each attempt.
  [[nodiscard]] deadline until() const noexcept { return until_; }
  [[nodiscard]] const retry_options& options() const noexcept { return options_; }

 private:
  retry_step again(const attempt_report& report, bool rejected, instant now) noexcept {
    const duration remaining = until_.remaining(now);
    if (until_.expired(now) || remaining < options_.attempt_time) return stop(retry_stop::deadline);
    const duration usable = until_.is_never() ? (duration::max)() : remaining - options_.attempt_time;
    const duration told = report.retry_after.value_or(duration::zero());
    const duration stated = told < duration::zero() ? duration::zero() : told;
    if (stated > options_.max_retry_after || stated > usable) return stop(retry_stop::deadline);
    if (rejected && report.retry_after) return {gabion::saturating_add(now, stated)};
    previous_ = gabion::next_delay(options_.backoff, attempts_, previous_, random_);
    const duration wait = previous_ < usable ? previous_ : usable;
    return {gabion::saturating_add(now, wait < stated ? stated : wait)};
  }

  [[nodiscard]] static retry_step stop(retry_stop why) noexcept { return {std::nullopt, why}; }

  retry_options options_;
  Random random_;
  deadline until_{};
  duration previous_{};
  std::uint32_t attempts_ = 0;
};

/// Retries with a generator that seeds itself.
using retry_machine = basic_retry<xoshiro256>;

}  // namespace gabion::inline v0
