// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// Proof of how far a write got: hand it to a query, and the query waits until its read model is
/// that far.
///
/// Positions mean something only within one source (a store, and within it a tenant or shard):
/// tokens of different sources are not comparable and every comparison refuses them. A plain value.
struct consistency_token {
  /// Which log the position is in, for example "orders/tenant-7"; at most 255 bytes
  std::string source{};
  position at{};
  friend bool operator==(const consistency_token&, const consistency_token&) = default;
};

/// The most bytes that a source name may have, so that a token fits a header line.
inline constexpr std::size_t max_token_source = 255;

namespace detail {

inline constexpr std::string_view token_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
inline constexpr char token_version = 1;

/// Base 64 with the alphabet for URLs and without padding (RFC 4648, section 5).
[[nodiscard]] inline std::string base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = held << 8U | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += token_digits[held >> (bits - 6) & 63U];
  }
  if (bits > 0) text += token_digits[held << (6 - bits) & 63U];
  return text;
}

/// Nothing if the text is not exactly what base64url gives.
[[nodiscard]] inline std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t digit = token_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    held = held << 6U | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(held >> bits & 255U);
    }
  }
  if (base64url(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace detail

/// The token as opaque text of letters, digits, '-' and '_': safe in a URL, a header and a cookie.
/// Throws error(too_large) if the source name is over its limit.
[[nodiscard]] inline std::string encode(const consistency_token& token) {
  if (token.source.size() > max_token_source)
    detail::fail(errc::too_large,
                 "consistency_token.source has " + std::to_string(token.source.size()) +
                     " bytes; allowed: at most " + std::to_string(max_token_source));
  std::string bytes{detail::token_version};
  for (unsigned shift = 64; shift > 0; shift -= 8)
    bytes += static_cast<char>(to_number(token.at) >> (shift - 8) & 255U);
  return detail::base64url(bytes + token.source);
}

/// Reads what encode gave; nothing for any other text. Total: the text may come from a stranger.
[[nodiscard]] inline std::optional<consistency_token> parse_consistency_token(
    std::string_view text) {
  constexpr std::size_t head = 9;
  if (text.size() > (head + max_token_source + 2) / 3 * 4) return std::nullopt;
  const std::optional<std::string> bytes = detail::from_base64url(text);
  if (!bytes || bytes->size() < head || bytes->size() > head + max_token_source ||
      bytes->front() != detail::token_version)
    return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = 1; i < head; ++i)
    number = number << 8U | static_cast<unsigned char>((*bytes)[i]);
  return consistency_token{bytes->substr(head), position{number}};
}

/// Whether somebody who has seen `seen` has seen everything up to `wanted`.
/// Throws error(invalid_argument) that names both sources if they differ: their positions say
/// nothing about each other.
[[nodiscard]] inline bool covers(const consistency_token& seen, const consistency_token& wanted) {
  if (seen.source != wanted.source)
    detail::fail(errc::invalid_argument, "consistency_token of source '" + wanted.source +
                                             "' cannot be compared with a position in '" +
                                             seen.source + "'");
  return to_number(seen.at) >= to_number(wanted.at);
}

/// How many positions `seen` is behind `wanted`; 0 if it covers it. Throws as covers does.
[[nodiscard]] inline std::uint64_t positions_behind(const consistency_token& seen,
                                                    const consistency_token& wanted) {
  return gabion::covers(seen, wanted) ? 0 : to_number(wanted.at) - to_number(seen.at);
}

}  // namespace v0
}  // namespace gabion
