// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include <gabion/core/env.hpp>

namespace gabion {
inline namespace v0 {

/// A number that only rises, and wraps after 2^64. Safe to use from several threads; one relaxed
/// addition. It orders nothing: never decide anything else by it.
template <env Env>
class basic_counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  typename Env::template atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down. Safe to use from several threads; one relaxed operation.
template <env Env>
class basic_gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void subtract(std::int64_t n = 1) noexcept { value_.fetch_sub(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  typename Env::template atomic<std::int64_t> value_{0};
};

using counter = basic_counter<native_env>;
using gauge = basic_gauge<native_env>;

}  // namespace v0
}  // namespace gabion
