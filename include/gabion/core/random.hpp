// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#include <unistd.h>

#include <gabion/version.hpp>
#endif

namespace gabion {
inline namespace v0 {

/// A source of random numbers: each call gives 64 independent bits. Everything in gabion that is
/// random draws from one that is passed in, so a test that fixes the seed fixes the run. Safe in
/// one thread at a time.
template <class R>
concept random_source = requires(R& r) {
  { r() } -> std::same_as<std::uint64_t>;
  requires noexcept(r());
};

/// Names what R lacks to be a random source, in words.
template <class R>
consteval bool explain_random_source() {
  static_assert(random_source<R>,
                "random_source: `std::uint64_t operator()() noexcept`, 64 random bits, is missing");
  return random_source<R>;
}

namespace detail {

/// One step of splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
/// 2014).
[[nodiscard]] constexpr std::uint64_t splitmix(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace detail

/// Returns a seed that differs between processes, threads and calls. It comes from the operating
/// system, or from the time and an address if that fails. Not for keys or secrets.
[[nodiscard]] inline std::uint64_t random_seed() noexcept {
  std::uint64_t seed = 0;
#if __has_include(<sys/random.h>)
  if (::getentropy(&seed, sizeof seed) == 0) return seed;
#endif
  seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  seed ^= std::rotl(std::bit_cast<std::uintptr_t>(&seed), 32);
  return detail::splitmix(seed);
}

/// A fast generator with 256 bits of state and a period of 2^256 - 1. The same seed gives the same
/// numbers with every compiler. Also a std::uniform_random_bit_generator. Not for keys or secrets.
/// Use one per thread. Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number
/// Generators", 2018 (xoshiro256**, seeded by splitmix64).
class xoshiro256 {
 public:
  using result_type = std::uint64_t;

  /// Seeds itself from random_seed().
  xoshiro256() noexcept : xoshiro256{random_seed()} {}

  /// Any seed is good, 0 too.
  constexpr explicit xoshiro256(std::uint64_t seed) noexcept
      : state_{detail::splitmix(seed), detail::splitmix(seed), detail::splitmix(seed),
               detail::splitmix(seed)} {}

  [[nodiscard]] static constexpr result_type(min)() noexcept { return 0; }
  [[nodiscard]] static constexpr result_type(max)() noexcept { return ~result_type{0}; }

  constexpr result_type operator()() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5U, 7) * 9U;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  friend constexpr bool operator==(const xoshiro256&, const xoshiro256&) noexcept = default;

 private:
  std::uint64_t state_[4];
};

/// A number from 0 to below - 1, each equally likely; 0 if `below` is 0 or 1. Draws again where a
/// remainder would favour small numbers, less than once on average.
template <random_source Random>
[[nodiscard]] constexpr std::uint64_t uniform(Random& random, std::uint64_t below) noexcept {
  if (below <= 1) return 0;
  // 2^64 mod below: the first numbers of the range come once too often
  const std::uint64_t unfair = (0 - below) % below;
  std::uint64_t drawn = random();
  while (drawn < unfair) drawn = random();
  return drawn % below;
}

/// A number from `low` to `high`, both included, each equally likely; `low` if high is not above
/// it.
template <random_source Random>
[[nodiscard]] constexpr std::uint64_t uniform(Random& random, std::uint64_t low,
                                              std::uint64_t high) noexcept {
  if (high <= low) return low;
  const std::uint64_t last = high - low;
  return last == ~std::uint64_t{0} ? random() : low + gabion::uniform(random, last + 1);
}

}  // namespace v0
}  // namespace gabion
