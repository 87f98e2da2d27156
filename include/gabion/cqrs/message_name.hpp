// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include <gabion/core/wire_name.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

template <class T>
[[nodiscard]] constexpr const char* function_name() noexcept {
  return __PRETTY_FUNCTION__;
}

/// How the compiler writes T: what stands between "T = " and the last bracket.
template <class T>
[[nodiscard]] consteval std::string_view written_name() {
  constexpr std::string_view marker = "T = ";
  const std::string_view whole = detail::function_name<T>();
  const std::size_t start = whole.find(marker) + marker.size();
  return whole.substr(start, whole.size() - start - 1);
}

}  // namespace detail

/// What messages, log lines and errors call a type: its wire name if it has one, otherwise its name
/// as the compiler writes it. For people only. Never store or send it: the compiler's spelling
/// differs from one compiler to the next.
template <class T>
[[nodiscard]] consteval std::string_view message_name() {
  if constexpr (wire_named<T>) {
    return wire_name_of<T>();
  } else {
    return detail::written_name<T>();
  }
}

}  // namespace v0
}  // namespace gabion
