// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/outcome_traits.hpp>

// What `call` does with a permit or a rejection; it knows nothing of the breaker.
namespace gabion::inline v0::detail {

/// A fallback is asked for what it can take: on a rejection the rejection; on a failed result the result; and nothing, for both.
template <class Fallback>
concept takes_rejection = std::invocable<Fallback&, const circuit_rejection&>;
template <class Fallback, class Result>
concept takes_result = !std::is_void_v<Result> && std::invocable<Fallback&, Result>;
template <class Fallback>
concept takes_nothing = std::invocable<Fallback&>;

/// Settles the permit as failed when an exception passes; a no-op once it is settled.
template <class Permit>
struct failure_on_exit {
  Permit& permit;
  ~failure_on_exit() { permit.failure(); }
};

/// Calls f under the permit and returns what it returns.
template <class Permit, class Judge, class Function>
std::invoke_result_t<Function> call_judged(Permit& permit, Judge& judge, Function&& f) {
  using result_type = std::invoke_result_t<Function>;
  const failure_on_exit<Permit> guard{permit};
  if constexpr (std::is_void_v<result_type>) {
    std::forward<Function>(f)();
    permit.success();
  } else {
    result_type result = std::forward<Function>(f)();
    permit.settle(judge(std::as_const(result)));
    return static_cast<result_type&&>(result);
  }
}

/// A rejection of such a call can be told to the caller. A template, so that only a call that is made is checked.
template <class Result>
consteval bool can_be_rejected() {
  return carries_rejection<Result> || detail::exceptions_enabled();
}

/// The rejection as a result if the type can say so, otherwise as an exception.
template <class Result>
Result rejected_call(std::string_view breaker, const circuit_rejection& why) {
  if constexpr (carries_rejection<Result>) {
    return outcome_traits<Result>::rejected(errc::circuit_open, why.retry_after);
  } else {
    static_assert(can_be_rejected<Result>(),
                  "circuit_breaker::call: without exceptions a rejected call needs a result type that can say so "
                  "(specialise gabion::outcome_traits with `rejected`), or a fallback: call(f, fallback)");
    detail::raise<circuit_open_error>(breaker, why);
  }
}

/// The same, but the fallback is asked first.
template <class Result, class Fallback>
Result rejected_call(std::string_view breaker, const circuit_rejection& why, Fallback& fallback) {
  if constexpr (takes_rejection<Fallback>)
    return fallback(why);
  else if constexpr (takes_nothing<Fallback>)
    return fallback();
  else
    return detail::rejected_call<Result>(breaker, why);
}

/// Calls f under the permit; a failed result or an exception goes to the fallback if it can take it.
template <class Permit, class Judge, class Function, class Fallback>
std::invoke_result_t<Function> call_or(Permit& permit, Judge& judge, Function&& f, Fallback& fallback) {
  using result_type = std::invoke_result_t<Function>;
  if constexpr (takes_nothing<Fallback> && std::is_void_v<result_type>) {
    bool returned = false;
    static_cast<void>(detail::guarded([&] {
      detail::call_judged(permit, judge, std::forward<Function>(f));
      returned = true;
    }));
    if (!returned) fallback();
  } else if constexpr (takes_nothing<Fallback> || takes_result<Fallback, result_type>) {
    std::optional<result_type> result;
    verdict how = verdict::failure;
    const auto judged = [&](const result_type& r) { return how = judge(r); };
    const auto run = [&] { result.emplace(detail::call_judged(permit, judged, std::forward<Function>(f))); };
    if constexpr (takes_nothing<Fallback>) {
      static_cast<void>(detail::guarded(run));
      if (!result.has_value()) return fallback();
    } else {
      run();
    }
    if (how != verdict::failure) return *std::move(result);
    if constexpr (takes_result<Fallback, result_type>)
      return fallback(*std::move(result));
    else
      return fallback();
  } else {
    return detail::call_judged(permit, judge, std::forward<Function>(f));
  }
}

/// Says in words why a fallback does not fit.
template <class Result, class Fallback>
consteval bool explain_fallback() {
  static_assert(!std::is_reference_v<Result>,
                "circuit_breaker::call: with a fallback the function must return a value, not a reference");
  static_assert(takes_nothing<Fallback> || takes_rejection<Fallback> || takes_result<Fallback, Result>,
                "circuit_breaker::call: the fallback must be callable with nothing, with const gabion::circuit_rejection&, "
                "or with the result of the function");
  if constexpr (takes_nothing<Fallback>)
    static_assert(std::is_void_v<Result> || std::convertible_to<std::invoke_result_t<Fallback&>, Result>,
                  "circuit_breaker::call: the fallback must return what the function returns");
  if constexpr (takes_rejection<Fallback>)
    static_assert(
        std::is_void_v<Result> || std::convertible_to<std::invoke_result_t<Fallback&, const circuit_rejection&>, Result>,
        "circuit_breaker::call: the fallback must return what the function returns");
  return true;
}

}  // namespace gabion::inline v0::detail
