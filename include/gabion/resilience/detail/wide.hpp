// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Wide enough for any instant times any rate, and for any burst.
__extension__ using wide = __int128;

/// The value as 64 bits, held at the ends of their range.
[[nodiscard]] constexpr std::int64_t narrowed(wide value) noexcept {
  if (value > INT64_MAX) return INT64_MAX;
  if (value < INT64_MIN) return INT64_MIN;
  return static_cast<std::int64_t>(value);
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
