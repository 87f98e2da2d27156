// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The value of a hexadecimal digit of either case, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
