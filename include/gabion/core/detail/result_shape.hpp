// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <system_error>
#include <type_traits>

#include <gabion/version.hpp>

// The shapes in which results tell of errors, recognised without including the libraries that they
// come from.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class T>
concept error_code_like = std::same_as<T, std::error_code> || std::is_error_code_enum_v<T>;

template <class T>
concept has_has_value = requires(const T& r) {
  { r.has_value() } -> std::convertible_to<bool>;
};

/// std::expected, tl::expected and the like: a value or an error.
template <class T>
concept expected_like = has_has_value<T> && requires(const T& r) { r.error(); };

/// std::optional and the like: empty by default, and nothing else to say.
template <class T>
concept empty_by_default =
    has_has_value<T> && std::default_initializable<T> && !requires { typename T::error_type; };

/// Expected-like types whose error can be made from an error code.
template <class T>
concept made_from_error_code = requires(const std::error_code& code) {
  T{typename T::unexpected_type{typename T::error_type{code}}};
};

/// Such a result.
template <made_from_error_code T>
[[nodiscard]] T from_error_code(const std::error_code& code) {
  return T{typename T::unexpected_type{typename T::error_type{code}}};
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
