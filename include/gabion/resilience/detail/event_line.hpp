// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Hands events on in order, one at a time, outside every lock. `Event` has a member `missed`. At
/// most `capacity` wait for a slow listener; then the oldest is dropped, and the next one says so.
/// Safe to use from several threads.
template <env Env, class Event>
class event_line {
 public:
  static constexpr std::size_t capacity = 16;

  /// Called in the order of the events.
  void push(const Event& event) noexcept {
    const std::lock_guard guard{lock_};
    if (count_ == capacity) drop_oldest();
    Event& last = waiting_[(first_ + count_++) % capacity];
    last = event;
    last.missed = std::exchange(owed_, 0);
  }

  /// Tells `f` of all that waits, unless another thread does so already. Called without any lock;
  /// what `f` throws is swallowed.
  template <class Function>
  void deliver(Function&& f) noexcept {
    Event event;
    for (bool mine = false; take(event, mine);) {
      mine = true;
      if (detail::guarded([&] { f(std::as_const(event)); }))
        failures_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  /// Exceptions that the listener threw.
  [[nodiscard]] std::uint64_t failures() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }

 private:
  void drop_oldest() noexcept {
    const std::uint64_t gone = waiting_[first_].missed + 1;
    first_ = (first_ + 1) % capacity;
    --count_;
    waiting_[first_].missed += gone;
  }

  /// The next event, if there is one and this caller may deliver it. `mine`: this caller is the one
  /// who delivers.
  [[nodiscard]] bool take(Event& event, bool mine) noexcept {
    const std::lock_guard guard{lock_};
    if (delivering_ && !mine) return false;
    delivering_ = count_ != 0;
    if (count_ == 0) return false;
    event = waiting_[first_];
    first_ = (first_ + 1) % capacity;
    --count_;
    return true;
  }

  typename Env::mutex lock_{};
  std::array<Event, capacity> waiting_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t owed_ = 0;
  bool delivering_ = false;
  typename Env::template atomic<std::uint64_t> failures_{0};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
