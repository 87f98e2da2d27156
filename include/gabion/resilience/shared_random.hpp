// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>

namespace gabion {
inline namespace v0 {

/// A random source that many threads may draw from at once: one atomic step each, no lock. In one
/// thread the same seed gives the same numbers with every compiler. A copy goes on by itself from
/// where the original was. Not for keys or secrets. Source: splitmix64; Steele, Lea, Flood, "Fast
/// Splittable Pseudorandom Number Generators", 2014.
template <env Env = native_env>
class basic_shared_random {
 public:
  /// Seeds itself from random_seed().
  basic_shared_random() noexcept : basic_shared_random{random_seed()} {}
  /// Any seed is good, 0 too.
  explicit basic_shared_random(std::uint64_t seed) noexcept : state_{seed} {}
  basic_shared_random(const basic_shared_random& other) noexcept
      : state_{other.state_.load(std::memory_order_relaxed)} {}
  basic_shared_random& operator=(const basic_shared_random&) = delete;

  std::uint64_t operator()() noexcept {
    std::uint64_t mine = state_.fetch_add(0x9e3779b97f4a7c15U, std::memory_order_relaxed);
    return detail::splitmix(mine);
  }

 private:
  typename Env::template atomic<std::uint64_t> state_;
};

using shared_random = basic_shared_random<>;

namespace detail {

/// Lets threads share any random source: under a lock, unless it is made to be shared.
template <random_source Random, env Env>
class random_gate {
 public:
  explicit random_gate(Random random) : random_(std::move(random)) {}
  [[nodiscard]] std::uint64_t draw(std::uint64_t below) noexcept {
    const std::lock_guard guard{lock_};
    return gabion::uniform(random_, below);
  }

 private:
  typename Env::mutex lock_{};
  Random random_;
};

template <env Any, env Env>
class random_gate<basic_shared_random<Any>, Env> {
 public:
  explicit random_gate(const basic_shared_random<Any>& random) noexcept : random_{random} {}
  [[nodiscard]] std::uint64_t draw(std::uint64_t below) noexcept {
    return gabion::uniform(random_, below);
  }

 private:
  basic_shared_random<Any> random_;
};

}  // namespace detail

}  // namespace v0
}  // namespace gabion
