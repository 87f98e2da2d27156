// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/cqrs/expected_version.hpp>

namespace gabion {
inline namespace v0 {

/// Whether an entity tag promises the same bytes or only the same meaning (RFC 9110,
/// section 8.8.3).
enum class etag_strength : unsigned char { strong, weak };

/// The version of a stream or an aggregate as an entity tag: `"7"` or `W/"7"`.
[[nodiscard]] inline std::string etag_of(std::uint64_t version,
                                         etag_strength strength = etag_strength::weak) {
  return std::string{strength == etag_strength::weak ? "W/\"" : "\""} + std::to_string(version) +
         '"';
}

namespace detail {

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The number in `"7"` or `W/"7"`; nothing for anything else, a leading zero and an overflow
/// included.
[[nodiscard]] constexpr std::optional<std::uint64_t> version_of_etag(
    std::string_view tag) noexcept {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
  tag = tag.substr(1, tag.size() - 2);
  if (tag.size() > 1 && tag.front() == '0') return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : tag) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

}  // namespace detail

/// What the headers If-Match and If-None-Match ask of a write. Empty text = the header is absent.
///
/// `If-Match: "7"` or `W/"7"` is exact(7), `If-Match: *` exists(), `If-None-Match: *` no_stream(),
/// neither any(). Nothing if it cannot be met with one version: a list, a tag that is not ours,
/// both headers at once. Answer that with 400; a client that may not write without a condition is
/// answered with 428. A weak tag is accepted: a version is a meaning, not bytes.
[[nodiscard]] inline std::optional<expected_version> expected_version_of(
    std::string_view if_match, std::string_view if_none_match = {}) {
  if_match = detail::trimmed(if_match);
  if_none_match = detail::trimmed(if_none_match);
  if (!if_none_match.empty()) {
    if (if_none_match != "*" || !if_match.empty()) return std::nullopt;
    return expected_version::no_stream();
  }
  if (if_match.empty()) return expected_version::any();
  if (if_match == "*") return expected_version::exists();
  const std::optional<std::uint64_t> version = detail::version_of_etag(if_match);
  if (!version) return std::nullopt;
  return expected_version::exact(*version);
}

/// Whether the client's If-None-Match already has this version, so that a GET is answered with 304.
/// Compares weakly, as a GET does; takes lists, and `*` for anything. Tags that are not ours match
/// nothing. Linear in the text.
[[nodiscard]] constexpr bool not_modified(std::string_view if_none_match,
                                          std::uint64_t version) noexcept {
  if (detail::trimmed(if_none_match) == "*") return true;
  while (!if_none_match.empty()) {
    const std::size_t comma = if_none_match.find(',');
    if (detail::version_of_etag(detail::trimmed(if_none_match.substr(0, comma))) == version)
      return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace v0
}  // namespace gabion
