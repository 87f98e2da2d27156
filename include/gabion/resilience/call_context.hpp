// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

#include <gabion/core/deadline.hpp>
#include <gabion/core/wake_ref.hpp>

namespace gabion {
inline namespace v0 {

/// How much a call matters when not all can be served. A higher one is served first and shed last.
enum class call_priority : std::uint8_t { background, low, normal, high, critical };

[[nodiscard]] constexpr std::string_view to_string(call_priority value) noexcept {
  switch (value) {
    case call_priority::background: return "background";
    case call_priority::low: return "low";
    case call_priority::normal: return "normal";
    case call_priority::high: return "high";
    case call_priority::critical: return "critical";
  }
  return "unknown";
}

/// What every policy of a call, and the call itself, may know about it. Made once per logical call
/// and handed down.
///
/// A value; one call at a time uses it. A policy may shorten `until` for what lies below it, and
/// puts it back on the way up.
struct call_context {
  deadline until{};        ///< nobody wants the result after it; hand it on to the client library
  std::stop_token stop{};  ///< the caller has given up
  std::uint32_t attempt = 1;           ///< 1 for the first; retries and hedges count on
  std::string_view idempotency_key{};  ///< empty = none. It must outlive the call
  /// The call may be made twice at the same time without harm; a key says so too
  bool idempotent = false;
  call_priority priority = call_priority::normal;  ///< default normal
  /// Whom to wake when a wait is over early. Without it nothing queues
  std::optional<wake_ref> wake{};

  /// The call may be made more than once.
  [[nodiscard]] bool repeatable() const noexcept { return idempotent || !idempotency_key.empty(); }
};

}  // namespace v0
}  // namespace gabion
