// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

[[nodiscard]] constexpr std::uint64_t swapped(std::uint64_t word) noexcept {
  std::uint64_t result = 0;
  for (unsigned i = 0; i < 64; i += 8) result |= (word >> i & 255U) << (56U - i);
  return result;
}

/// Up to eight bytes as a little-endian number.
[[nodiscard]] constexpr std::uint64_t load_word(const char* bytes, std::size_t size) noexcept {
  std::uint64_t word = 0;
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < size; ++i)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  } else {
    std::memcpy(&word, bytes, size);
    if constexpr (std::endian::native == std::endian::big) word = detail::swapped(word);
  }
  return word;
}

/// A hash for tables in this process: eight bytes a step, and the same whether the compiler or the
/// program works it out.
[[nodiscard]] constexpr std::uint64_t name_hash(std::string_view name) noexcept {
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = name.size() * factor;
  while (name.size() >= 8) {
    hash = (hash ^ detail::load_word(name.data(), 8)) * factor;
    hash ^= hash >> 32U;
    name.remove_prefix(8);
  }
  hash = (hash ^ detail::load_word(name.data(), name.size())) * factor;
  return hash ^ hash >> 32U;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
