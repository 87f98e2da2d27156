// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// The few algorithms that core headers need. <algorithm> costs 9,000 preprocessed lines more, and
// its min and max collide with macros of other libraries.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Returns the smaller value; `a` if they are equal.
template <class T>
[[nodiscard]] constexpr T min_of(T a, T b) noexcept {
  return b < a ? b : a;
}

/// Returns the larger value; `a` if they are equal.
template <class T>
[[nodiscard]] constexpr T max_of(T a, T b) noexcept {
  return a < b ? b : a;
}

/// Returns the value, or the nearer end of `low` to `high` if it is outside.
template <class T>
[[nodiscard]] constexpr T clamped(T value, T low, T high) noexcept {
  return value < low ? low : high < value ? high : value;
}

/// Returns the first position that holds `value`, or `last`.
template <class Iterator, class T>
[[nodiscard]] constexpr Iterator find_value(Iterator first, Iterator last, const T& value) {
  while (first != last && !(*first == value)) ++first;
  return first;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
