// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {

/// A judgement of results that also leaves some exceptions out; `ignore_exceptions` makes it.
template <class Judge, class... Exceptions>
struct ignoring_exceptions {
  Judge judge;

  template <class T>
  [[nodiscard]] constexpr verdict operator()(const T& result) {
    return judge(result);
  }
};

/// Exceptions of these types, or derived from them, say nothing about the other side: the call is
/// settled as ignored. Any other exception is a failure. All go on unchanged. Results are judged as
/// without it, or by `failure_if`.
/// \code breaker.call(ignore_exceptions<bad_request>(), send); \endcode
template <class... Exceptions>
[[nodiscard]] constexpr auto ignore_exceptions() noexcept {
  return ignoring_exceptions<detail::judge_by_traits, Exceptions...>{};
}
template <class... Exceptions, class Predicate>
[[nodiscard]] constexpr auto ignore_exceptions(failure_if<Predicate> judge) noexcept {
  return ignoring_exceptions<failure_if<Predicate>, Exceptions...>{std::move(judge)};
}

namespace detail {

template <class T>
inline constexpr bool is_circuit_judgement = false;
template <class Predicate>
inline constexpr bool is_circuit_judgement<failure_if<Predicate>> = true;
template <class Judge, class... Exceptions>
inline constexpr bool is_circuit_judgement<ignoring_exceptions<Judge, Exceptions...>> = true;

/// May stand before the function in `call`.
template <class T>
concept circuit_judgement = is_circuit_judgement<T>;

template <class...>
struct exception_types {};

/// Runs f; `ignored()` is called first if one of the exceptions comes out of it, which goes on
/// unchanged.
template <class Function, class Ignored>
void watch_exceptions(exception_types<> /*none*/, const Function& f, const Ignored& /*ignored*/) {
  f();
}
template <class Exception, class... Others, class Function, class Ignored>
void watch_exceptions(exception_types<Exception, Others...> /*these*/, const Function& f,
                      const Ignored& ignored) {
  const auto seen = [&](const Exception&) {
    ignored();
    return false;
  };
  static_cast<void>(detail::caught<Exception>(
      [&] { detail::watch_exceptions(exception_types<Others...>{}, f, ignored); }, seen));
}

/// The exceptions that a judgement leaves out.
template <class Judge>
[[nodiscard]] constexpr exception_types<> ignored_by(const Judge& /*judge*/) noexcept {
  return {};
}
template <class Judge, class... Exceptions>
[[nodiscard]] constexpr exception_types<Exceptions...> ignored_by(
    const ignoring_exceptions<Judge, Exceptions...>& /*judge*/) noexcept {
  return {};
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
