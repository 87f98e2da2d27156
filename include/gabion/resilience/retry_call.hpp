// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/detail/attempt_report.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/pipeline_result.hpp>
#include <gabion/resilience/detail/retry_attempt.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

/// What an attempt may want to know: hand the deadline on to the client library.
struct attempt_context {
  std::uint32_t number = 1;  ///< 1 for the first
  deadline until{};
};

/// How a retried call ended. `last` is what the last attempt returned, as it was; nothing if no
/// attempt was made.
template <class Result>
struct [[nodiscard("it says whether the call succeeded")]] retried {
  std::optional<Result> last{};
  retry_stop why = retry_stop::success;
  std::uint32_t attempts = 0;
};

/// The default classification: outcome_traits decides. A failure may pass and is tried again, after
/// the wait that the result states if it does; what is ignored, such as a caller's mistake, is not.
/// An error code of a policy that has refused the call (errc::circuit_open, rate_limited,
/// overloaded, rejected) is a rejection.
struct classify_by_traits {
  template <class Result>
  [[nodiscard]] attempt_report operator()(const Result& result) const {
    const std::optional<duration> stated = gabion::stated_retry_after(result);
    if (detail::says_rejected(detail::code_of(result))) return {attempt_verdict::rejected, stated};
    return detail::report_of(
        call_outcome{.verdict = outcome_traits<Result>::judge(result), .retry_after = stated});
  }
};

/// A classification that takes exceptions too. `results(const Result&)` is asked about results;
/// about an exception of one of these types `exceptions(const Exception&)` is asked, which gives an
/// attempt_report too. An exception of any other type ends the call. An exception that is not tried
/// again goes on to the caller unchanged.
/// \code retry_call(machine, clock, sleeper, f, retry_on<timeout_error, connection_error>());
/// \endcode
template <class Results, class Exceptions, class... Types>
struct classify_with_exceptions {
  Results results;
  Exceptions exceptions;

  template <class Result>
  [[nodiscard]] attempt_report operator()(const Result& result) {
    return results(result);
  }
};

/// Tries again what throws one of these types, or a type derived from them; results are classified
/// by their traits.
template <class... Types>
  requires(sizeof...(Types) > 0)
[[nodiscard]] constexpr auto retry_on() {
  const auto retryable = [](const auto&) { return attempt_report{attempt_verdict::retryable}; };
  return classify_with_exceptions<classify_by_traits, decltype(retryable), Types...>{{}, retryable};
}

/// The same, where `exceptions(const Type&)` says for each exception what it means, and
/// `results(const Result&)` for each result.
template <class... Types, class Exceptions, class Results = classify_by_traits>
  requires(sizeof...(Types) > 0)
[[nodiscard]] constexpr auto retry_on(Exceptions exceptions, Results results = {}) {
  static_assert((std::is_invocable_r_v<attempt_report, Exceptions&, const Types&> && ...),
                "retry_on: the function must be callable with each of the exceptions and give a "
                "gabion::attempt_report");
  return classify_with_exceptions<Results, Exceptions, Types...>{std::move(results),
                                                                 std::move(exceptions)};
}

/// Calls `f(attempt_context)` until the machine says stop, waiting in `wait` between attempts.
/// `classify(const Result&)` gives the attempt_report of what f returned; `until` is the caller's
/// deadline for the whole; `budget` may be shared with others.
///
/// Blocks the calling thread as long as the sleeper does. An exception of f ends the retries and
/// passes on unchanged, unless `classify` takes it (see retry_on).
template <random_source Random, clock Clock, sleeper Sleeper,
          std::invocable<const attempt_context&> Function, class Classify, attempt_budget Budget>
auto retry_call(basic_retry<Random>& machine, const Clock& time, Sleeper& wait, Function&& f,
                Classify&& classify, deadline until, Budget& budget) {
  using result_type = std::invoke_result_t<Function&, const attempt_context&>;
  static_assert(std::is_object_v<result_type>,
                "retry_call: the function must return a value that tells how the attempt went");
  static_assert(detail::explain_blocking<result_type>());
  retried<result_type> result;
  const auto now = [&time] { return time.now(); };
  budget.note(budget_event::call, now);
  retry_step step = machine.begin(time.now(), until);
  const auto settle = [&](const attempt_report& report) {
    step = detail::settle_attempt(machine, budget, report, now);
    return step.attempt_at.has_value();
  };
  while (step.attempt_at) {
    if (!wait.wait_until(*step.attempt_at)) {
      step = machine.cancel();
      break;
    }
    const attempt_context attempt{machine.attempts() + 1, machine.attempt_until(time.now())};
    const auto call = [&] { result.last.emplace(f(attempt)); };
    if (detail::attempt_returned(call, classify, settle))
      settle(classify(std::as_const(*result.last)));
  }
  result.why = step.why;
  result.attempts = machine.attempts();
  return result;
}

/// The same without a budget.
template <random_source Random, clock Clock, sleeper Sleeper,
          std::invocable<const attempt_context&> Function, class Classify = classify_by_traits>
auto retry_call(basic_retry<Random>& machine, const Clock& time, Sleeper& wait, Function&& f,
                Classify&& classify = {}, deadline until = deadline::never()) {
  unlimited_budget budget;
  return gabion::retry_call(machine, time, wait, std::forward<Function>(f),
                            std::forward<Classify>(classify), until, budget);
}

}  // namespace v0
}  // namespace gabion
