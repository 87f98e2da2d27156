// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// One decoded character: its code point and the bytes it took; length 0 = not UTF-8.
struct code_point {
  std::uint32_t value = 0;
  std::size_t length = 0;
};

/// Decodes the character that `text` begins with. Refuses over-long forms, surrogates, what is
/// above U+10FFFF and cut ends.
[[nodiscard]] constexpr code_point next_code_point(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto byte = [text](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t value = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    value = value << 6U | (byte(i) & 0x3fU);
  }
  const std::uint32_t lowest = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (value < lowest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

[[nodiscard]] constexpr bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const code_point c = detail::next_code_point(text);
    if (c.length == 0) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

/// True if the text is UTF-8 and has no control character (U+0000 to U+001F, U+007F to U+009F).
[[nodiscard]] constexpr bool is_printable_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const code_point c = detail::next_code_point(text);
    if (c.length == 0 || c.value < 0x20 || (c.value >= 0x7f && c.value <= 0x9f)) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
