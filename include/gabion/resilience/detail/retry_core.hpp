// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/retry_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The state of one call's retries. The options and the random numbers belong to whoever holds it,
/// so that it can be made for each call at no cost.
class retry_core {
 public:
  /// Stops at once if the deadline leaves no time for an attempt. Without any limit `now` does not
  /// matter.
  retry_step begin(const retry_options& options, instant now, deadline until) noexcept {
    attempts_ = 0;
    previous_ = duration::zero();
    cut_ = false;
    until_ = (gabion::min)(until, deadline::after(now, options.total));
    if (!has_time(options, now)) return retry_step::stop(retry_stop::deadline);
    return {now};
  }

  template <random_source Random>
  retry_step next(const retry_options& options, Random& random, const attempt_report& report,
                  instant now) noexcept {
    ++attempts_;
    if (report.verdict == attempt_verdict::success) return retry_step::stop(retry_stop::success);
    if (report.verdict == attempt_verdict::fatal) return retry_step::stop(retry_stop::fatal);
    const bool rejected = report.verdict == attempt_verdict::rejected;
    if (rejected && options.rejections == rejection_handling::stop)
      return retry_step::stop(retry_stop::rejected);
    if (attempts_ >= options.max_attempts) return retry_step::stop(retry_stop::exhausted);
    return again(options, random, report, now);
  }

  [[nodiscard]] std::uint32_t attempts() const noexcept { return attempts_; }
  [[nodiscard]] deadline until() const noexcept { return until_; }
  /// The deadline of an attempt that begins at that moment.
  [[nodiscard]] deadline attempt_until(const retry_options& options, instant start) const noexcept {
    return (gabion::min)(until_, deadline::after(start, options.attempt_limit));
  }

 private:
  [[nodiscard]] bool has_time(const retry_options& options, instant now) const noexcept {
    return !until_.expired(now) && until_.remaining(now) >= options.attempt_time;
  }

  template <random_source Random>
  retry_step again(const retry_options& options, Random& random, const attempt_report& report,
                   instant now) noexcept {
    if (cut_ || !has_time(options, now)) return retry_step::stop(retry_stop::deadline);
    // An attempt at the deadline itself would come too late, however little time it is said to
    // need.
    const duration needed =
        options.attempt_time == duration::zero() ? duration{1} : options.attempt_time;
    const duration usable = until_.is_never() ? (duration::max)() : until_.remaining(now) - needed;
    const duration told = report.retry_after.value_or(duration::zero());
    const duration stated = told < duration::zero() ? duration::zero() : told;
    if (stated > options.max_retry_after || stated > usable)
      return retry_step::stop(retry_stop::deadline);
    if (report.verdict == attempt_verdict::rejected && report.retry_after)
      return {gabion::saturating_add(now, stated)};
    previous_ = gabion::next_delay(options.backoff, attempts_, previous_, random);
    // then the next attempt is the last: nothing may follow it without a wait
    cut_ = previous_ > usable;
    const duration wait = cut_ ? usable : previous_;
    return {gabion::saturating_add(now, wait < stated ? stated : wait)};
  }

  deadline until_{};
  duration previous_{};
  std::uint32_t attempts_ = 0;
  bool cut_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
