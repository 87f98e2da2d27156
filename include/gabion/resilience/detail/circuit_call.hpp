// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/outcome_traits.hpp>

// What `call` does with a permit or a rejection; it knows nothing of the breaker.
namespace gabion {
inline namespace v0 {
namespace detail {

/// A fallback is asked for what it can take: on a rejection the rejection; on a failed result the
/// result; and nothing, for both.
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

/// Settles the permit by what the result says, and by how long it asks to be left alone.
template <class Permit, class Result>
void settle_by(Permit& permit, verdict how, const Result& result) {
  if constexpr (states_retry_after<std::remove_cvref_t<Result>>) {
    if (how == verdict::failure) return permit.failure(gabion::stated_retry_after(result));
  }
  permit.settle(how);
}

/// Keeps what a function returned, also a reference.
template <class Result>
class call_slot {
 public:
  template <class Function>
  void fill(Function&& f) {
    result_.emplace(std::forward<Function>(f)());
  }
  [[nodiscard]] Result& get() noexcept { return *result_; }
  [[nodiscard]] Result take() { return *std::move(result_); }

 private:
  std::optional<Result> result_;
};
template <class Result>
  requires std::is_reference_v<Result>
class call_slot<Result> {
 public:
  template <class Function>
  void fill(Function&& f) {
    decltype(auto) result = std::forward<Function>(f)();
    result_ = &result;
  }
  [[nodiscard]] auto& get() noexcept { return *result_; }
  [[nodiscard]] Result take() noexcept { return static_cast<Result>(*result_); }

 private:
  std::remove_reference_t<Result>* result_ = nullptr;
};

/// Calls f under the permit and returns what it returns.
template <class Permit, class Judge, class Function>
std::invoke_result_t<Function> call_judged(Permit& permit, Judge& judge, Function&& f) {
  using result_type = std::invoke_result_t<Function>;
  static_assert(detail::explain_blocking<result_type>());
  const failure_on_exit<Permit> guard{permit};
  const auto ignored = [&permit] { permit.ignore(); };
  const auto ignored_types = ignored_by(judge);
  if constexpr (std::is_void_v<result_type>) {
    detail::watch_exceptions(ignored_types, [&] { std::forward<Function>(f)(); }, ignored);
    permit.success();
  } else if constexpr (std::same_as<std::remove_cv_t<decltype(ignored_types)>, exception_types<>>) {
    result_type result = std::forward<Function>(f)();
    detail::settle_by(permit, judge(std::as_const(result)), result);
    return static_cast<result_type&&>(result);
  } else {
    detail::call_slot<result_type> result;
    detail::watch_exceptions(
        ignored_types, [&] { result.fill(std::forward<Function>(f)); }, ignored);
    detail::settle_by(permit, judge(std::as_const(result.get())), result.get());
    return result.take();
  }
}

/// A rejection of such a call can be told to the caller. A template, so that only a call that is
/// made is checked.
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
    static_assert(
        can_be_rejected<Result>(),
        "circuit_breaker::call: without exceptions a rejected call needs a result type that can "
        "say so "
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

/// A judgement that is remembered.
template <class Judge>
struct noting_judge {
  Judge& judge;
  verdict& how;

  template <class T>
  verdict operator()(const T& result) {
    return how = judge(result);
  }
  friend constexpr auto ignored_by(const noting_judge& noting) noexcept {
    return detail::ignored_by(noting.judge);
  }
};

/// Calls f under the permit; a failed result or an exception goes to the fallback if it can take
/// it.
template <class Permit, class Judge, class Function, class Fallback>
std::invoke_result_t<Function> call_or(Permit& permit, Judge& judge, Function&& f,
                                       Fallback& fallback) {
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
    noting_judge<Judge> judged{judge, how};
    const auto run = [&] {
      result.emplace(detail::call_judged(permit, judged, std::forward<Function>(f)));
    };
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
  static_assert(
      !std::is_reference_v<Result>,
      "circuit_breaker::call: with a fallback the function must return a value, not a reference");
  static_assert(
      takes_nothing<Fallback> || takes_rejection<Fallback> || takes_result<Fallback, Result>,
      "circuit_breaker::call: the fallback must be callable with nothing, with const "
      "gabion::circuit_rejection&, "
      "or with the result of the function");
  if constexpr (takes_nothing<Fallback>)
    static_assert(
        std::is_void_v<Result> || std::convertible_to<std::invoke_result_t<Fallback&>, Result>,
        "circuit_breaker::call: the fallback must return what the function returns");
  if constexpr (takes_rejection<Fallback>)
    static_assert(
        std::is_void_v<Result> ||
            std::convertible_to<std::invoke_result_t<Fallback&, const circuit_rejection&>, Result>,
        "circuit_breaker::call: the fallback must return what the function returns");
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
