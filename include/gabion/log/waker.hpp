// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>

namespace gabion {
inline namespace v0 {

/// Lets one thread sleep until another has work for it. A wake-up that comes before the wait is not
/// lost; several are one. Safe to use from several threads; waking never waits for anything but a
/// few instructions.
class waker {
 public:
  void wake() noexcept {
    {
      const std::lock_guard guard{mutex_};
      rung_ = true;
    }
    bell_.notify_one();
  }

  /// Takes a wake-up away, without waiting; false if there is none.
  bool take() noexcept {
    const std::lock_guard guard{mutex_};
    return std::exchange(rung_, false);
  }

  /// Waits at most `most` real time for a wake-up or a request to stop. True if woken; it does not
  /// take the wake-up away.
  bool wait(const std::stop_token& stop, duration most) {
    // longer ones overflow in standard libraries
    constexpr duration longest = std::chrono::hours{1};
    std::unique_lock guard{mutex_};
    return bell_.wait_for(guard, stop, detail::min_of(most, longest), [this] { return rung_; });
  }

 private:
  std::mutex mutex_{};
  std::condition_variable_any bell_{};
  bool rung_ = false;
};

}  // namespace v0
}  // namespace gabion
