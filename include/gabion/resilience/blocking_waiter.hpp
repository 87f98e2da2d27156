// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

/// Lets the calling thread wait until a moment, until it is woken, or until a stop is requested.
///
/// Cheap to make: its mutex and condition variable come to be with the first wait. `wake` is safe
/// from any thread while the waiter lives; `wait_until` is for one thread. A wake that comes before
/// the wait ends it at once. Never allocates.
template <clock Clock = steady_clock>
class basic_blocking_waiter {
 public:
  explicit basic_blocking_waiter(std::stop_token stop = {}, Clock clock = Clock{}) noexcept
      : stop_{std::move(stop)}, clock_{std::move(clock)} {}
  basic_blocking_waiter(const basic_blocking_waiter&) = delete;
  basic_blocking_waiter& operator=(const basic_blocking_waiter&) = delete;

  /// True when the moment has come or when it was woken; false if a stop was requested. At once for
  /// a moment that is past.
  [[nodiscard("false: a stop was requested")]] bool wait_until(instant moment) {
    if (!parts_) {
      parts_.emplace();
      // with woken_, in one order: either the waker sees the parts, or this thread sees the wake
      may_sleep_.store(true);
    }
    const std::stop_callback on_stop{stop_, [this] { notify(); }};
    std::unique_lock lock{parts_->mutex};
    while (!stop_.stop_requested() && !woken_.load()) {
      const duration left = gabion::elapsed(clock_.now(), moment);
      if (left == duration::zero()) break;
      if (moment == (instant::max)())
        parts_->changed.wait(lock);
      else
        parts_->changed.wait_for(lock, left < longest ? left : longest);
    }
    woken_.store(false);
    return !stop_.stop_requested();
  }

  /// Ends the wait that is going on, or else the next one.
  void wake() noexcept {
    woken_.store(true);
    if (may_sleep_.load()) notify();
  }

 private:
  // A longer one could overflow inside the standard library.
  static constexpr duration longest = std::chrono::hours{24};

  struct parts {
    std::mutex mutex{};
    std::condition_variable changed{};
  };

  void notify() noexcept {
    { const std::lock_guard lock{parts_->mutex}; }
    parts_->changed.notify_all();
  }

  std::stop_token stop_;
  [[no_unique_address]] Clock clock_;
  std::atomic<bool> woken_{false};
  std::atomic<bool> may_sleep_{false};
  std::optional<parts> parts_{};
};

/// On the precise steady clock.
using blocking_waiter = basic_blocking_waiter<>;

}  // namespace v0
}  // namespace gabion
