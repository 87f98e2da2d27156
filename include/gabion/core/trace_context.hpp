// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

[[nodiscard]] constexpr bool is_lower_hex(std::string_view text) noexcept {
  for (const char c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return true;
}

[[nodiscard]] constexpr bool is_all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace detail

/// True if the text is a `traceparent` of W3C Trace Context: version, trace id, parent id and flags
/// in lower-case hexadecimal, neither id all zero. A version after 00 may carry more behind a
/// further "-". Total: takes any bytes.
[[nodiscard]] constexpr bool is_traceparent(std::string_view text) noexcept {
  constexpr std::size_t size = 55;
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  if (!detail::is_lower_hex(version) || !detail::is_lower_hex(trace) ||
      !detail::is_lower_hex(parent) || !detail::is_lower_hex(text.substr(53, 2)))
    return false;
  if (version == "ff" || detail::is_all_zero(trace) || detail::is_all_zero(parent)) return false;
  if (text.size() == size) return true;
  return version != "00" && text[size] == '-';
}

}  // namespace v0
}  // namespace gabion
