// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string>
#include <system_error>
#include <type_traits>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/result_shape.hpp>
#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// What middlewares have to know about a handler's result: whether it is a failure, and which.
/// Specialise it for your own types.
///
/// Known without it: std::error_code and its enums, and expected-like types (whose error counts as
/// errc::rejected if it is no error code). Anything else is a success: a bool, an optional and a
/// pointer are answers.
template <class Result>
struct result_traits {
  static constexpr bool can_fail = detail::error_code_like<Result> || detail::expected_like<Result>;

  /// No error = success.
  [[nodiscard]] static std::error_code error_of(const Result& result) {
    if constexpr (detail::error_code_like<Result>) {
      return std::error_code{result};
    } else if constexpr (detail::expected_like<Result>) {
      if (result.has_value()) return {};
      if constexpr (std::convertible_to<decltype(result.error()), std::error_code>) {
        return result.error();
      } else {
        return make_error_code(errc::rejected);
      }
    } else {
      return {};
    }
  }
};

/// Whether a result of this type can be a failure.
template <class Result>
concept can_fail = std::is_object_v<Result> && result_traits<Result>::can_fail;

namespace detail {

/// A refusal as a result where the type can carry it, otherwise as error(code, what).
template <class Result>
Result refuse(errc code, const std::string& what) {
  if constexpr (std::same_as<Result, std::error_code>) {
    return make_error_code(code);
  } else if constexpr (std::same_as<Result, errc>) {
    return code;
  } else if constexpr (made_from_error_code<Result>) {
    return detail::from_error_code<Result>(make_error_code(code));
  } else {
    detail::fail(code, what);
  }
}

/// No error for a result that cannot fail.
template <class Result>
[[nodiscard]] std::error_code error_of(const Result& result) {
  if constexpr (can_fail<Result>) {
    return result_traits<Result>::error_of(result);
  } else {
    return {};
  }
}

/// What the rest of a pipeline gives back.
template <class Next, class Context, class Message>
using next_result = std::invoke_result_t<Next&, Context&, const Message&>;

}  // namespace detail

}  // namespace v0
}  // namespace gabion
