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

/// How large a message may be. What a broker would refuse is refused at enqueue, where the caller
/// still hears of it.
struct message_limits {
  std::size_t payload = 1'048'576;  ///< bytes of data; 0 to 1 GiB - 1; default 1 MiB
  /// Bytes of everything else, headers included; 1 to 16 MiB; default 256 KiB
  std::size_t attributes = 262'144;
};

/// The bytes of all attributes and headers together.
[[nodiscard]] inline std::size_t attribute_bytes(const message& m) noexcept {
  std::size_t sum = m.id.size() + m.source.size() + m.type.size() + m.subject.size() +
                    m.content_type.size() + m.schema.size() + m.topic.size();
  for (const header& h : m.headers) sum += h.name.size() + h.value.size();
  return sum;
}

namespace detail {

[[noreturn]] inline void message_fault(errc code, const message& m, const std::string& what) {
  detail::fail(code, "message '" + m.id.substr(0, 64) + "': " + what);
}

/// Throws error(invalid_argument) that names the member and its range, or does nothing.
inline void require_limits(const message_limits& limits) {
  detail::check_range("message_limits.payload", limits.payload, 0, (std::size_t{1} << 30U) - 1);
  detail::check_range("message_limits.attributes", limits.attributes, 1, std::size_t{1} << 24U);
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
  if (m.data && m.data->size() > limits.payload)
    detail::message_fault(errc::too_large, m,
                          "the payload has " + std::to_string(m.data->size()) +
                              " bytes; allowed: " + std::to_string(limits.payload) +
                              " (message_limits.payload)");
  if (const std::size_t bytes = gabion::attribute_bytes(m); bytes > limits.attributes)
    detail::message_fault(errc::too_large, m,
                          "attributes and headers have " + std::to_string(bytes) +
                              " bytes; allowed: " + std::to_string(limits.attributes) +
                              " (message_limits.attributes)");
}

/// The same for a whole batch: it is good or nothing of it is written.
inline void require_valid(std::span<const message> batch, const message_limits& limits) {
  for (const message& m : batch) gabion::require_valid(m, limits);
}

}  // namespace v0
}  // namespace gabion
