// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace gabion::inline v0::detail {

/// Goes on with an FNV-1a hash of 64 bits; the same on every machine, so it may be stored.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 14695981039346656037ULL) noexcept {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace gabion::inline v0::detail
