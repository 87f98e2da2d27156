// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// A place in an ordered feed. Later records have higher positions; holes mean nothing. 0 is before
/// the first.
enum class position : std::uint64_t {};

/// The place before the first record.
inline constexpr position beginning{0};

[[nodiscard]] constexpr std::uint64_t to_number(position p) noexcept {
  return static_cast<std::uint64_t>(p);
}

}  // namespace v0
}  // namespace gabion
