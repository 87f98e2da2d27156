// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>

#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite::detail {

/// Numbers as SQLite has them: signed, and for it a negative limit would mean none.
[[nodiscard]] constexpr std::int64_t to_signed(std::uint64_t n) noexcept {
  constexpr auto last = (std::numeric_limits<std::int64_t>::max)();
  return n > static_cast<std::uint64_t>(last) ? last : static_cast<std::int64_t>(n);
}

[[nodiscard]] constexpr std::int64_t to_signed(position p) noexcept {
  return detail::to_signed(to_number(p));
}

}  // namespace sqlite::detail
}  // namespace v0
}  // namespace gabion
