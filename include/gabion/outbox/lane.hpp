// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include <gabion/core/stable_hash.hpp>

namespace gabion {
inline namespace v0 {

/// The lane of a message: all messages of one key share one, so one relay has them. Without a key
/// the id decides, which spreads the messages that are ordered against nothing. `lanes` must not be
/// 0.
[[nodiscard]] constexpr std::uint32_t lane_of(std::string_view key, std::string_view id,
                                              std::uint32_t lanes) noexcept {
  return static_cast<std::uint32_t>(gabion::stable_hash(key.empty() ? id : key) % lanes);
}

}  // namespace v0
}  // namespace gabion
