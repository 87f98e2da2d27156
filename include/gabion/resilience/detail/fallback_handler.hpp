// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/refusal.hpp>

// What a fallback's handler can take and give.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class Handler>
concept answers_refusals = std::invocable<Handler&, const refusal&>;
template <class Handler>
concept answers_outcomes = std::invocable<Handler&, const call_outcome&>;
template <class Handler>
concept answers_in_context = std::invocable<Handler&, const call_outcome&, const call_context&>;
template <class Handler>
concept answers_anything = std::invocable<Handler&>;

/// Says in words why a handler does not fit.
template <class Handler>
consteval bool explain_fallback_handler() {
  constexpr int forms = int{answers_refusals<Handler>} + int{answers_outcomes<Handler>} +
                        int{answers_in_context<Handler>} + int{answers_anything<Handler>};
  static_assert(forms > 0,
                "fallback: the handler must be callable with nothing, with const gabion::refusal&, "
                "with const "
                "gabion::call_outcome&, or with that and const gabion::call_context&");
  static_assert(forms < 2,
                "fallback: the handler can be called in several ways; give it one parameter list");
  return forms == 1;
}

/// The result type can say that it is not the real one.
template <class Result>
concept marks_degraded =
    requires(Result& result) { outcome_traits<Result>::mark_degraded(result); };

/// The handler is meant for calls that ended so. A call that was cancelled did not fail: nobody
/// waits for an answer.
template <class Handler>
[[nodiscard]] constexpr bool fallback_wants(const call_outcome& outcome) noexcept {
  return outcome.verdict == verdict::failure &&
         (!answers_refusals<Handler> || outcome.refused.has_value());
}

template <class Handler>
decltype(auto) call_fallback(Handler& handler, const call_outcome& outcome,
                             const call_context& context) {
  if constexpr (answers_refusals<Handler>)
    return handler(std::as_const(*outcome.refused));
  else if constexpr (answers_outcomes<Handler>)
    return handler(outcome);
  else if constexpr (answers_in_context<Handler>)
    return handler(outcome, context);
  else
    return handler();
}

/// What the handler has for that call, if it has anything.
template <class Result, class Handler>
[[nodiscard]] std::optional<Result> ask_fallback(Handler& handler, const call_outcome& outcome,
                                                 const call_context& context) {
  using given = decltype(detail::call_fallback(handler, outcome, context));
  if constexpr (std::same_as<Result, no_value>) {
    if constexpr (std::same_as<given, bool>)
      return detail::call_fallback(handler, outcome, context) ? std::optional{no_value{}}
                                                              : std::nullopt;
    else
      detail::call_fallback(handler, outcome, context);
    return no_value{};
  } else if constexpr (std::same_as<std::remove_cvref_t<given>, std::optional<Result>>) {
    return detail::call_fallback(handler, outcome, context);
  } else {
    static_assert(
        std::convertible_to<given, Result>,
        "fallback: the handler must return what the call returns, or a std::optional of it");
    return std::optional<Result>{
        static_cast<Result>(detail::call_fallback(handler, outcome, context))};
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
