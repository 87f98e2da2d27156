// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <gabion/core/env.hpp>
#include <gabion/testing/detail/scheduler.hpp>
#include <gabion/testing/explorer.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// The environment that puts a core under the explorer: every shared access is a point at which
/// another thread may go on, and a load may return an old value where its memory order allows that.
/// Outside of a scenario's threads it is plain memory.
struct explorer_env {
  template <class T>
  class atomic;
  template <class T>
  class plain;
  class mutex;
  class event;

  static constexpr void failpoint(const char* /*name*/) noexcept {}
  /// Which thread of the scenario this is; null outside. For code that keeps something per thread.
  [[nodiscard]] static const void* this_thread() noexcept {
    const auto* const s = detail::scheduler::active();
    return s == nullptr ? nullptr : s->playing();
  }
};

/// As std::atomic, for up to eight bytes.
template <class T>
class explorer_env::atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t),
                "explorer_env::atomic takes trivially copyable types of at most 8 bytes");
  static constexpr auto strongest = std::memory_order_seq_cst;

 public:
  using value_type = T;

  constexpr atomic() noexcept = default;
  explicit(false) constexpr atomic(T value) noexcept : value_{value} {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load(std::memory_order order = strongest) const noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active())
      return value_of(s->load(ref_, bits_of(value_), order));
    return value_;
  }
  void store(T value, std::memory_order order = strongest) noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active())
      s->store(ref_, bits_of(value_), bits_of(value), order);
    value_ = value;
  }
  T exchange(T value, std::memory_order order = strongest) noexcept {
    return update(order, [&](T) { return value; });
  }
  T fetch_add(T n, std::memory_order order = strongest) noexcept
    requires std::integral<T>
  {
    return update(order, [&](T old) { return static_cast<T>(old + n); });
  }
  T fetch_sub(T n, std::memory_order order = strongest) noexcept
    requires std::integral<T>
  {
    return update(order, [&](T old) { return static_cast<T>(old - n); });
  }
  T fetch_and(T n, std::memory_order order = strongest) noexcept
    requires std::integral<T>
  {
    return update(order, [&](T old) { return static_cast<T>(old & n); });
  }
  T fetch_or(T n, std::memory_order order = strongest) noexcept
    requires std::integral<T>
  {
    return update(order, [&](T old) { return static_cast<T>(old | n); });
  }
  T fetch_xor(T n, std::memory_order order = strongest) noexcept
    requires std::integral<T>
  {
    return update(order, [&](T old) { return static_cast<T>(old ^ n); });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) noexcept {
    return exchange_if(expected, desired, success, failure, false);
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order order = strongest) noexcept {
    return exchange_if(expected, desired, order, without_release(order), false);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure) noexcept {
    return exchange_if(expected, desired, success, failure, true);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order = strongest) noexcept {
    return exchange_if(expected, desired, order, without_release(order), true);
  }

  /// Waits until it has been told of another value. Nobody ever tells it: that is a lost wakeup.
  void wait(T old, std::memory_order order = strongest) const noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active())
      s->wait_while(ref_, bits_of(value_), bits_of(old), order);
  }
  void notify_all() noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->notify(ref_, bits_of(value_));
  }
  /// Wakes everybody: a wait may end early.
  void notify_one() noexcept { notify_all(); }

 private:
  [[nodiscard]] static std::uint64_t bits_of(const T& value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  [[nodiscard]] static T value_of(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  [[nodiscard]] static constexpr std::memory_order without_release(std::memory_order o) noexcept {
    if (o == std::memory_order_acq_rel) return std::memory_order_acquire;
    return o == std::memory_order_release ? std::memory_order_relaxed : o;
  }

  template <class Next>
  T update(std::memory_order order, const Next& next) noexcept {
    const detail::backstage quiet;
    auto* const s = detail::scheduler::active();
    if (s == nullptr) {
      const T old = value_;
      value_ = next(old);
      return old;
    }
    bool failed = false;
    return value_of(
        s->update(ref_, bits_of(value_), order, order, false, failed, [&](std::uint64_t& bits) {
          value_ = next(value_of(bits));
          bits = bits_of(value_);
          return true;
        }));
  }

  bool exchange_if(T& expected, const T& desired, std::memory_order success,
                   std::memory_order failure, bool weak) noexcept {
    const detail::backstage quiet;
    auto* const s = detail::scheduler::active();
    std::uint64_t old = bits_of(value_);
    const std::uint64_t wanted = bits_of(expected);
    bool failed = false;
    if (s != nullptr) {
      old = s->update(ref_, old, success, failure, weak, failed, [&](std::uint64_t& bits) {
        if (bits != wanted) return false;
        bits = bits_of(desired);
        return true;
      });
    }
    if (old == wanted && !failed) {
      value_ = desired;
      return true;
    }
    expected = value_of(old);
    return false;
  }

  T value_{};
  mutable detail::location_ref ref_{};
};

/// As std::mutex.
class explorer_env::mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock() noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->lock(ref_);
  }
  void unlock() noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->unlock(ref_);
  }

 private:
  detail::location_ref ref_{};
};

/// What a thread can wait for. It is set by `wake`, also before anybody waits, and taken back by
/// whoever waits: a wakeup counts once, and two that nobody has waited for are one. A thread that
/// waits when all others have ended or wait too is reported. A `wake_ref` may refer to it.
class explorer_env::event {
 public:
  constexpr event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  void wake() noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->wake(ref_, set_);
    set_ = 1;
  }
  void wait() noexcept {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->wait(ref_, set_);
    set_ = 0;
  }
  /// For a wait whose time is over at this moment: whether it was woken before.
  [[nodiscard]] bool take() noexcept {
    const detail::backstage quiet;
    std::uint64_t was = set_;
    if (auto* const s = detail::scheduler::active()) was = s->take(ref_, set_);
    set_ = 0;
    return was != 0;
  }

 private:
  std::uint64_t set_ = 0;
  detail::location_ref ref_{};
};

/// Data that threads share without an atomic. Whoever touches it while another thread may write it
/// is reported, in whatever order the two come, unless one happens before the other. Touching it is
/// not a step of its own.
template <class T>
class explorer_env::plain {
 public:
  constexpr plain() = default;
  explicit(false) constexpr plain(T value) : value_(std::move(value)) {}
  constexpr plain(const plain& other) : value_(other.get()) {}
  plain& operator=(const plain& other) { return *this = other.get(); }
  plain& operator=(T value) {
    edit() = std::move(value);
    return *this;
  }

  [[nodiscard]] const T& get() const {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->touch(ref_, false);
    return value_;
  }
  /// For writing. Use the reference at once.
  [[nodiscard]] T& edit() {
    const detail::backstage quiet;
    if (auto* const s = detail::scheduler::active()) s->touch(ref_, true);
    return value_;
  }
  explicit(false) operator const T&() const { return get(); }

 private:
  T value_{};
  mutable detail::location_ref ref_{};
};

static_assert(gabion::env<explorer_env>);

}  // namespace testing
}  // namespace v0
}  // namespace gabion
