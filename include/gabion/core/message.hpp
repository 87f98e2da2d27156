// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// One extension attribute. Names may repeat and keep their order.
struct header {
  std::string name{};
  std::string value{};
  friend bool operator==(const header&, const header&) = default;
};

/// A message: the attributes of CloudEvents 1.0, one member each, around bytes that gabion never
/// looks into.
///
/// A plain value. Whoever publishes or consumes twice compares `source` and `id`, which never
/// change on a retry.
struct message {
  std::string id{};  ///< `id`: unique within the source; filled with a UUID v7 at enqueue if empty
  std::string source{};   ///< `source`: a URI reference that names the producer
  std::string type{};     ///< `type`: what happened, for example "order.placed"
  std::string subject{};  ///< `subject`: the entity it is about. Also the key: order is kept within
                          ///< one; empty = no order. One line of text; see
                          ///< encode_key for other bytes
  wall_time time{};       ///< `time`: when it happened; filled at enqueue if it is the epoch
  std::string content_type{};  ///< `datacontenttype`, for example "application/json"
  std::string schema{};        ///< `dataschema`: a URI, or empty
  /// The payload bytes; absent (a tombstone) is not the same as empty
  std::optional<std::string> data{};
  std::vector<header> headers{};  ///< extension attributes, such as `traceparent` and `tracestate`
  /// Where the transport puts it; an address, so not an attribute. Empty = the transport's default
  std::string topic{};

  friend bool operator==(const message&, const message&) = default;
};

/// The key within which order is kept. Empty: the message is ordered against nothing.
[[nodiscard]] inline std::string_view key_of(const message& m) noexcept { return m.subject; }

/// Returns any bytes as text for `message::subject`, for keys that are not one line of text.
///
/// Guarantees: different bytes give different texts.
/// Source: percent-encoding of RFC 3986; letters, digits and `-._~` are not encoded.
[[nodiscard]] inline std::string encode_key(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

/// The first header of that name, or nothing. Linear in the number of headers.
[[nodiscard]] inline std::optional<std::string_view> find_header(const message& m,
                                                                 std::string_view name) noexcept {
  for (const header& h : m.headers)
    if (h.name == name) return std::string_view{h.value};
  return std::nullopt;
}

}  // namespace v0
}  // namespace gabion
