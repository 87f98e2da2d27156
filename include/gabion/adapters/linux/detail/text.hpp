// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include <gabion/version.hpp>

// Reading the kernel's tables: words, lines and numbers out of a text, without trust in any of it.
namespace gabion {
inline namespace v0 {
namespace linux_adapter::detail {

/// Takes what comes before `end` off the front of `text`, and `end` with it; all of it if `end` is
/// not there.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char end) noexcept {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

/// The next line; a loop over `while (!text.empty())` sees each.
[[nodiscard]] constexpr std::string_view take_line(std::string_view& text) noexcept {
  return detail::take_until(text, '\n');
}

/// The next word; empty if there is none.
[[nodiscard]] constexpr std::string_view take_word(std::string_view& line) noexcept {
  const std::size_t from = line.find_first_not_of(" \t");
  if (from == std::string_view::npos) return line = {};
  line.remove_prefix(from);
  const std::size_t end = line.find_first_of(" \t");
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(word.size());
  return word;
}

/// A whole word as a number; nothing if it is anything else or does not fit.
[[nodiscard]] inline std::optional<std::uint64_t> number(std::string_view word) noexcept {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failed != std::errc{} || end != word.data() + word.size() || word.empty())
    return std::nullopt;
  return value;
}

/// The number in the line `name value`, where the name may end with a colon; nothing if there is no
/// such line.
[[nodiscard]] inline std::optional<std::uint64_t> named_number(std::string_view text,
                                                               std::string_view name) noexcept {
  while (!text.empty()) {
    std::string_view line = detail::take_line(text);
    if (detail::take_word(line) == name) return detail::number(detail::take_word(line));
  }
  return std::nullopt;
}

}  // namespace linux_adapter::detail
}  // namespace v0
}  // namespace gabion
