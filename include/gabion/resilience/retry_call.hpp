// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion::inline v0 {

/// What an attempt may want to know: hand the deadline on to the client library.
struct attempt_context {
  std::uint32_t number = 1;  ///< 1 for the first
  deadline until{};
};

/// How a retried call ended. `last` is what the last attempt returned, as it was; nothing if no attempt was made.
template <class Result>
struct [[nodiscard("it says whether the call succeeded")]] retried {
  std::optional<Result> last{};
  retry_stop why = retry_stop::success;
  std::uint32_t attempts = 0;
};

/// The default classification: outcome_traits decides. A failure may pass and is tried again; what is ignored, such as a
/// caller's mistake, is not; an error code errc::circuit_open is a rejection.
struct classify_by_traits {
  template <class Result>
  [[nodiscard]] attempt_report operator()(const Result& result) const {
    if constexpr (detail::error_code_like<Result>)
      if (std::error_code{result} == make_error_code(errc::circuit_open)) return {attempt_verdict::rejected};
    switch (outcome_traits<Result>::judge(result)) {
      case verdict::success: return {attempt_verdict::success};
      case verdict::failure: return {attempt_verdict::retryable};
      case verdict::ignored:
      case verdict::cancelled: break;
    }
    return {attempt_verdict::fatal};
  }
};

/// Calls `f(attempt_context)` until the machine says stop, waiting in `wait` between attempts. `classify(const Result&)` gives
/// the attempt_report of what f returned; `until` is the caller's deadline for the whole.
///
/// Blocks the calling thread as long as the sleeper does. An exception of f ends the retries and passes on unchanged:
/// give back a value for what is to be tried again.
template <random_source Random, clock Clock, sleeper Sleeper, std::invocable<const attempt_context&> Function,
          std::invocable<const std::invoke_result_t<Function&, const attempt_context&>&> Classify = classify_by_traits>
auto retry_call(basic_retry<Random>& machine, const Clock& time, Sleeper& wait, Function&& f, Classify&& classify = {},
                deadline until = deadline::never()) {
  retried<std::invoke_result_t<Function&, const attempt_context&>> result;
  retry_step step = machine.begin(time.now(), until);
  while (step.attempt_at) {
    if (!wait.wait_until(*step.attempt_at)) {
      step = machine.cancel();
      break;
    }
    result.last.emplace(f(attempt_context{machine.attempts() + 1, machine.until()}));
    step = machine.next(classify(std::as_const(*result.last)), time.now());
  }
  result.why = step.why;
  result.attempts = machine.attempts();
  return result;
}

}  // namespace gabion::inline v0
