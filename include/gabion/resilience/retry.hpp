// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/detail/retry_core.hpp>
#include <gabion/resilience/retry_options.hpp>

namespace gabion {
inline namespace v0 {

/// The retries of one logical call after another, as a pure machine: it reads no clock, waits for
/// nothing and calls nobody. Ask begin(), make the attempt, hand its report to next(), and so on
/// until a step says stop.
///
/// No more than max_attempts attempts; none that begins with less than attempt_time to the
/// deadline; a wait before the last attempt is cut to fit, unless it was stated. A stated wait is
/// never cut short: it is waited for or ends the call. Not safe to use from several threads: one
/// for each thread or call. A value of 136 bytes, no allocation.
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
    return core_.begin(options_, now, until);
  }

  /// Takes the report of the attempt that the last step asked for.
  retry_step next(const attempt_report& report, instant now) noexcept {
    return core_.next(options_, random_, report, now);
  }

  /// Ends the call during a wait or an attempt.
  retry_step cancel() noexcept { return retry_step::stop(retry_stop::cancelled); }
  /// Ends the call because a budget has refused the attempt that the last step asked for.
  retry_step refuse() noexcept { return retry_step::stop(retry_stop::budget); }

  /// The attempts that have been reported since begin().
  [[nodiscard]] std::uint32_t attempts() const noexcept { return core_.attempts(); }
  /// The deadline of the call: the caller's, or sooner by options().total.
  [[nodiscard]] deadline until() const noexcept { return core_.until(); }
  /// The deadline of an attempt that begins at `start`: until(), or sooner by
  /// options().attempt_limit. Hand it to the attempt.
  [[nodiscard]] deadline attempt_until(instant start) const noexcept {
    return core_.attempt_until(options_, start);
  }
  [[nodiscard]] const retry_options& options() const noexcept { return options_; }

 private:
  retry_options options_;
  Random random_;
  detail::retry_core core_{};
};

/// Retries with a generator that seeds itself.
using retry_machine = basic_retry<xoshiro256>;

}  // namespace v0
}  // namespace gabion
