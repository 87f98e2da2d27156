// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/retry_options.hpp>

namespace gabion {
inline namespace v0 {

template <class Results, class Exceptions, class... Types>
struct classify_with_exceptions;

}  // namespace v0
}  // namespace gabion

namespace gabion {
inline namespace v0 {
namespace detail {

/// What the machine says to that report, if the budget agrees.
template <class Machine, attempt_budget Budget, class Now>
[[nodiscard]] retry_step settle_attempt(Machine& machine, Budget& budget,
                                        const attempt_report& report, const Now& now) {
  if (report.verdict == attempt_verdict::success) budget.note(budget_event::success, now);
  if (report.verdict == attempt_verdict::retryable) budget.note(budget_event::failure, now);
  const retry_step step = machine.next(report, now());
  return step.attempt_at && !budget.try_spend(extra_attempt::retry, now) ? machine.refuse() : step;
}

/// As `caught`, for several types; the first one is asked first.
template <class Type, class... Types, class Function, class Predicate>
[[nodiscard]] bool caught_any(const Function& f, const Predicate& handles) {
  if constexpr (sizeof...(Types) == 0) {
    return detail::caught<Type>(f, handles);
  } else {
    bool returned = false;
    const auto first = [&] { returned = detail::caught<Type>(f, handles); };
    return detail::caught_any<Types...>(first, handles) && returned;
  }
}

/// Makes the attempt. True if it returned. If it threw what the classification takes, its report is
/// settled: false if there will be a further attempt; otherwise the exception goes on unchanged.
template <class Call, class Classify, class Settle>
[[nodiscard]] bool attempt_returned(const Call& call, const Classify& /*classify*/,
                                    const Settle& /*settle*/) {
  call();
  return true;
}

template <class Call, class Results, class Exceptions, class... Types, class Settle>
[[nodiscard]] bool attempt_returned(
    const Call& call, classify_with_exceptions<Results, Exceptions, Types...>& classify,
    const Settle& settle) {
  // on its way out an exception passes the handlers of its base types: they are not asked again
  bool asked = false;
  return detail::caught_any<Types...>(call, [&](const auto& e) {
    if (asked) return false;
    asked = true;
    return settle(classify.exceptions(e));
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
