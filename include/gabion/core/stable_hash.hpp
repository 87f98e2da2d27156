// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// The hash of no bytes, with which a hash begins.
inline constexpr std::uint64_t stable_hash_seed = 14695981039346656037U;

/// A hash that never changes, on no machine and in no version, so it may be stored: the choice of a
/// lane or partition, the fingerprint of a command. Goes on from `hash` if there is more to hash
/// than one text. Not for what an enemy may choose. Source: Fowler, Noll and Vo, FNV-1a, 64 bits
/// (offset basis 14695981039346656037, prime 1099511628211).
[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view bytes,
                                                  std::uint64_t hash = stable_hash_seed) noexcept {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

}  // namespace v0
}  // namespace gabion
