// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include <gabion/core/env.hpp>
#include <gabion/testing/explorer.hpp>

namespace gabion::inline v0::testing {

/// The environment that puts a core under the explorer: every shared access is a point at which another thread may go on.
/// A weak compare-and-exchange never fails for nothing, and every access is sequentially consistent.
struct explorer_env {
  template <class T>
  class atomic {
   public:
    atomic() noexcept = default;
    explicit(false) atomic(T value) noexcept : value_{value} {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    [[nodiscard]] T load(std::memory_order /*order*/ = std::memory_order_seq_cst) const noexcept {
      explorer::point(this, access::load);
      return value_;
    }
    void store(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
      explorer::point(this, access::store);
      value_ = value;
    }
    T exchange(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept { return update(value); }
    T fetch_add(T n, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
      explorer::point(this, access::update);
      const T old = value_;
      value_ = static_cast<T>(old + n);
      return old;
    }
    T fetch_sub(T n, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
      explorer::point(this, access::update);
      const T old = value_;
      value_ = static_cast<T>(old - n);
      return old;
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order /*success*/ = std::memory_order_seq_cst,
                                 std::memory_order /*failure*/ = std::memory_order_seq_cst) noexcept {
      explorer::point(this, access::update);
      if (value_ == expected) {
        value_ = desired;
        return true;
      }
      expected = value_;
      return false;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success = std::memory_order_seq_cst,
                               std::memory_order failure = std::memory_order_seq_cst) noexcept {
      return compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    T update(T value) noexcept {
      explorer::point(this, access::update);
      const T old = value_;
      value_ = value;
      return old;
    }
    T value_{};
  };

  class mutex {
   public:
    mutex() = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    void lock() noexcept {
      explorer::point(this, access::lock);
      explorer::hold(this);
    }
    // Not a point of its own: letting go earlier than the next access hides no interleaving.
    void unlock() noexcept { explorer::release(this); }
  };

  static constexpr void failpoint(const char* /*name*/) noexcept {}
};

static_assert(gabion::env<explorer_env>);

}  // namespace gabion::inline v0::testing
