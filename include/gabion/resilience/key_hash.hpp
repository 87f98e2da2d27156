// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <gabion/core/stable_hash.hpp>

namespace gabion {
inline namespace v0 {

/// Hashes a key: the same 64 bits for keys that are equal, also for what a look-up may use in place
/// of the key.
template <class Hash, class Key>
concept key_hasher = std::copy_constructible<Hash> && requires(const Hash& hash, const Key& key) {
  { hash(key) } noexcept -> std::same_as<std::uint64_t>;
};

/// Names what Hash lacks to hash a Key, in words.
template <class Hash, class Key>
consteval bool explain_key_hasher() {
  static_assert(std::copy_constructible<Hash>,
                "key_hasher: it can't be copied; let it be a small value");
  static_assert(
      requires(const Hash& hash, const Key& key) {
        { hash(key) } noexcept -> std::same_as<std::uint64_t>;
      },
      "key_hasher: `std::uint64_t operator()(const Key&) const noexcept` is missing for this key");
  return key_hasher<Hash, Key>;
}

/// The hash of texts, integers and enums; whatever reads as a std::string_view hashes as that text.
/// A value, safe to share.
///
/// With the default seed it is the same in every process. Where strangers choose the keys, give it
/// a seed that they can't know, `key_hash{random_seed()}`, so that they can't choose keys that
/// collide.
class key_hash {
 public:
  constexpr key_hash() noexcept = default;
  constexpr explicit key_hash(std::uint64_t seed) noexcept : seed_{seed} {}

  [[nodiscard]] constexpr std::uint64_t operator()(std::string_view text) const noexcept {
    return mixed(gabion::stable_hash(text, seed_));
  }
  template <class Number>
    requires(std::integral<Number> || std::is_enum_v<Number>)
  [[nodiscard]] constexpr std::uint64_t operator()(Number number) const noexcept {
    return mixed(static_cast<std::uint64_t>(number) ^ seed_);
  }

 private:
  // Spreads what differs in few bits over all of them (the finish of splitmix64).
  [[nodiscard]] static constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::uint64_t seed_ = stable_hash_seed;
};

}  // namespace v0
}  // namespace gabion
