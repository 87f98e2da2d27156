// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gabion/core/message.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/log/pump_action.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/outbox/subscription.hpp>

// How a pump looks at the records of an outbox, of a broker's partition, and at the letters of an
// inbox.
namespace gabion {
inline namespace v0 {

namespace detail {

/// About the memory that a message takes.
[[nodiscard]] inline std::size_t bytes_of(const message& m) noexcept {
  return sizeof(message) + gabion::attribute_bytes(m) + m.headers.size() * sizeof(header) +
         (m.data ? m.data->size() : 0);
}

template <class Record>
struct message_traits {
  static position at(const Record& r) noexcept { return r.at; }
  static std::string_view key(const Record& r) noexcept { return gabion::key_of(r.what); }
  static std::uint32_t attempts(const Record&) noexcept { return 0; }
  static bool blocked(const Record&) noexcept { return false; }
  static std::size_t bytes(const Record& r) noexcept { return detail::bytes_of(r.what); }
};

}  // namespace detail

template <>
struct pump_traits<outbox_record> : detail::message_traits<outbox_record> {
  static std::uint32_t attempts(const outbox_record& r) noexcept { return r.attempts; }
  static bool blocked(const outbox_record& r) noexcept { return r.blocked; }
};

template <>
struct pump_traits<received> : detail::message_traits<received> {};

/// A redriven letter begins with no attempts counted.
template <>
struct pump_traits<inbox_letter> : detail::message_traits<inbox_letter> {};

}  // namespace v0
}  // namespace gabion
