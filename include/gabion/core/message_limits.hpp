// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/message.hpp>

namespace gabion {
inline namespace v0 {

/// Limits on the size of a message, checked where it enters: at append and at enqueue.
///
/// Event stores and outboxes have the same limits, so an event that was appended can be sent.
struct message_limits {
  std::size_t payload = 1'048'576;  ///< bytes of data; 0 to 1 GiB - 1; default 1 MiB
  /// Bytes of everything else, headers included; 1 to 16 MiB; default 256 KiB. An empty id counts
  /// as the UUID that takes its place.
  std::size_t attributes = 262'144;
  std::size_t headers = 1'024;  ///< number of headers; 0 to 65,536; default 1,024
  std::size_t id = 255;         ///< bytes of the id; 36 to 65,536; default 255
  friend bool operator==(const message_limits&, const message_limits&) = default;
};

/// Returns the number of bytes of all attributes and headers together.
[[nodiscard]] inline std::size_t attribute_bytes(const message& m) noexcept {
  std::size_t sum = m.id.size() + m.source.size() + m.type.size() + m.subject.size() +
                    m.content_type.size() + m.schema.size() + m.topic.size();
  for (const header& h : m.headers) sum += h.name.size() + h.value.size();
  return sum;
}

namespace detail {

/// The length of an id that a store generates.
inline constexpr std::size_t uuid_text_bytes = 36;

[[noreturn]] inline void message_fault(errc code, const message& m, const std::string& what) {
  detail::fail(code, "message '" + m.id.substr(0, 64) + "': " + what);
}

/// Throws error(too_large) that names the limit, if `size` is over `allowed`.
inline void require_at_most(const message& m, const char* what, std::size_t size, const char* unit,
                            std::size_t allowed, const char* limit) {
  if (size > allowed)
    detail::message_fault(errc::too_large, m,
                          what + std::to_string(size) + unit + "; allowed: " +
                              std::to_string(allowed) + " (message_limits." + limit + ")");
}

/// Throws error(invalid_argument) that names the member and its range, if one is out of range.
inline void require_limits(const message_limits& limits) {
  detail::check_range("message_limits.payload", limits.payload, 0, (std::size_t{1} << 30U) - 1);
  detail::check_range("message_limits.attributes", limits.attributes, 1, std::size_t{1} << 24U);
  detail::check_range("message_limits.headers", limits.headers, 0, 65'536);
  detail::check_range("message_limits.id", limits.id, uuid_text_bytes, 65'536);
}

}  // namespace detail

/// Throws error(invalid_argument) if the type or the name of a header is empty, error(too_large) if
/// the message is over a limit.
inline void require_valid(const message& m, const message_limits& limits) {
  if (m.type.empty())
    detail::message_fault(errc::invalid_argument, m,
                          "type is empty; name what happened, for example 'order.placed'");
  for (const header& h : m.headers)
    if (h.name.empty()) detail::message_fault(errc::invalid_argument, m, "a header has no name");
  detail::require_at_most(m, "the payload has ", m.data ? m.data->size() : 0, " bytes",
                          limits.payload, "payload");
  const std::size_t filled = m.id.empty() ? detail::uuid_text_bytes : 0;
  detail::require_at_most(m, "attributes and headers have ", gabion::attribute_bytes(m) + filled,
                          " bytes", limits.attributes, "attributes");
  detail::require_at_most(m, "the id has ", m.id.size(), " bytes", limits.id, "id");
  detail::require_at_most(m, "it has ", m.headers.size(), " headers", limits.headers, "headers");
}

/// Checks every message of a batch; throws like the overload for one message.
inline void require_valid(std::span<const message> batch, const message_limits& limits) {
  for (const message& m : batch) gabion::require_valid(m, limits);
}

}  // namespace v0
}  // namespace gabion
