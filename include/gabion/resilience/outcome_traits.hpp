// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/result_shape.hpp>
#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// What a policy is told about one call.
enum class verdict : std::uint8_t {
  success,
  failure,
  ignored,    ///< says nothing about the other side, for example a caller's mistake
  cancelled,  ///< the caller gave up; says nothing either, but is counted apart
};

[[nodiscard]] constexpr std::string_view to_string(verdict v) noexcept {
  switch (v) {
    case verdict::success: return "success";
    case verdict::failure: return "failure";
    case verdict::ignored: return "ignored";
    case verdict::cancelled: return "cancelled";
  }
  return "unknown";
}

namespace detail {

template <class T>
concept has_ok = requires(const T& r) {
  { r.ok() } -> std::convertible_to<bool>;
};

}  // namespace detail

/// What a result says about the call, and how a rejected call looks as a result. Specialise it for
/// your own types:
///
///     template <>
///     struct gabion::outcome_traits<http_response> {
///       static gabion::verdict judge(const http_response& r) {
///         return r.status >= 500 ? verdict::failure : verdict::success;
///       }
///       // Optional: without it a rejection throws.
///       static http_response rejected(gabion::errc why, gabion::duration retry_after);
///       // Optional: the wait that the server asks for.
///       static std::optional<gabion::duration> retry_after(const http_response& r);
///     };
///
/// Known without it: expected-like types and std::optional (failure if they hold no value),
/// std::error_code and its enums (failure if set), types with `ok()` (failure if false). Anything
/// else that a call returns, a bool too, is a success.
template <class T>
struct outcome_traits {
  [[nodiscard]] static constexpr verdict judge(const T& result) {
    if constexpr (detail::error_code_like<T>)
      return std::error_code{result} ? verdict::failure : verdict::success;
    else if constexpr (detail::has_has_value<T>)
      return result.has_value() ? verdict::success : verdict::failure;
    else if constexpr (detail::has_ok<T>)
      return result.ok() ? verdict::success : verdict::failure;
    else
      return verdict::success;
  }

  [[nodiscard]] static T rejected(errc why, duration /*retry_after*/)
    requires(std::same_as<T, std::error_code> || detail::made_from_error_code<T> ||
             detail::empty_by_default<T>)
  {
    if constexpr (std::same_as<T, std::error_code>)
      return make_error_code(why);
    else if constexpr (detail::made_from_error_code<T>)
      return detail::from_error_code<T>(make_error_code(why));
    else
      return T{};
  }
};

/// The result type can say for itself that the call was rejected.
template <class T>
concept carries_rejection = std::is_object_v<T> && requires(errc why, duration retry_after) {
  { outcome_traits<T>::rejected(why, retry_after) } -> std::convertible_to<T>;
};

/// The result type can tell how long the other side wants to be left alone, as the header
/// Retry-After does.
template <class T>
concept states_retry_after = std::is_object_v<T> && requires(const T& result) {
  { outcome_traits<T>::retry_after(result) } -> std::convertible_to<std::optional<duration>>;
};

/// The wait that the result states, if it can and does.
template <class T>
[[nodiscard]] constexpr std::optional<duration> stated_retry_after(
    [[maybe_unused]] const T& result) {
  if constexpr (states_retry_after<T>)
    return outcome_traits<T>::retry_after(result);
  else
    return std::nullopt;
}

/// A judgement for one call, instead of `outcome_traits`. The predicate is given the result and
/// answers `true` for a failure, or a `verdict`. \code breaker.call(failure_if{[](const response&
/// r) { return r.status >= 500; }}, send); \endcode
template <class Predicate>
struct failure_if {
  Predicate predicate;

  template <class T>
  [[nodiscard]] constexpr verdict operator()(const T& result) {
    static_assert(std::invocable<Predicate&, const T&>,
                  "failure_if: the predicate cannot be called with the result of the call");
    if constexpr (std::same_as<std::invoke_result_t<Predicate&, const T&>, verdict>)
      return predicate(result);
    else
      return predicate(result) ? verdict::failure : verdict::success;
  }
};
template <class Predicate>
failure_if(Predicate) -> failure_if<Predicate>;

namespace detail {

/// The default judgement.
struct judge_by_traits {
  template <class T>
  [[nodiscard]] constexpr verdict operator()(const T& result) const {
    return outcome_traits<T>::judge(result);
  }
};

}  // namespace detail

}  // namespace v0
}  // namespace gabion
