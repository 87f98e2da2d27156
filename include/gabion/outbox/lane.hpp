// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace gabion::inline v0 {

/// A hash that never changes, on no machine and in no version: it is stored, as the choice of a lane.
/// Source: Fowler, Noll and Vo, FNV-1a, 64 bits (offset basis 14695981039346656037, prime 1099511628211).
[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view bytes) noexcept {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

/// The lane of a message: all messages of one key share one, so one relay has them. Without a key the id decides, which
/// spreads the messages that are ordered against nothing. `lanes` must not be 0.
[[nodiscard]] constexpr std::uint32_t lane_of(std::string_view key, std::string_view id, std::uint32_t lanes) noexcept {
  return static_cast<std::uint32_t>(gabion::stable_hash(key.empty() ? id : key) % lanes);
}

}  // namespace gabion::inline v0
