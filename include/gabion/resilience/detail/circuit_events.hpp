// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion::inline v0::detail {

/// Hands transitions to the observer in the order in which they were pushed, outside every lock, one at a time.
///
/// Whoever finds events waiting delivers them, unless somebody is delivering already: then that one goes on with them, also
/// with those that the observer itself causes. At most `capacity` events wait; then the oldest is dropped, and the
/// event after it says so. What the observer throws is swallowed and counted.
template <env Env, class Observer>
class circuit_events {
 public:
  static constexpr std::size_t capacity = 16;

  /// `name` must outlive it.
  circuit_events(std::string_view name, Observer observer) : name_{name}, observer_(std::move(observer)) {}

  /// Called in the order of the transitions.
  void push(const circuit_transition& event) noexcept {
    const std::lock_guard guard{lock_};
    if (count_ == capacity) drop_oldest();
    waiting_[(first_ + count_) % capacity] = event;
    waiting_[(first_ + count_) % capacity].missed = owed_;
    owed_ = 0;
    ++count_;
  }

  /// Delivers what is waiting. Called without any lock.
  void deliver() noexcept {
    circuit_transition event;
    for (bool mine = false; take(event, mine);) {
      mine = true;
      event.name = name_;
      bool told = false;
      const auto ignored = detail::guarded([&] {
        gabion::notify(observer_, event);
        told = true;
      });
      static_cast<void>(ignored);
      if (!told) failures_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] std::uint64_t listener_failures() const noexcept { return failures_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_.load(std::memory_order_relaxed); }

 private:
  void drop_oldest() noexcept {
    const std::uint64_t gone = waiting_[first_].missed + 1;
    first_ = (first_ + 1) % capacity;
    --count_;
    (count_ == 0 ? owed_ : waiting_[first_].missed) += gone;
    missed_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The next event, if there is one and this caller may deliver it. `mine`: this caller is the one who delivers.
  [[nodiscard]] bool take(circuit_transition& event, bool mine) noexcept {
    const std::lock_guard guard{lock_};
    if (delivering_ && !mine) return false;
    delivering_ = count_ != 0;
    if (count_ == 0) return false;
    event = waiting_[first_];
    first_ = (first_ + 1) % capacity;
    --count_;
    return true;
  }

  std::string_view name_;
  typename Env::mutex lock_{};
  std::array<circuit_transition, capacity> waiting_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t owed_ = 0;
  bool delivering_ = false;
  typename Env::template atomic<std::uint64_t> failures_{0};
  typename Env::template atomic<std::uint64_t> missed_{0};
  Observer observer_;
};

/// Nobody listens: no queue, no lock, no code.
template <env Env, class Observer>
  requires(!observes<Observer, circuit_transition>)
class circuit_events<Env, Observer> {
 public:
  circuit_events(std::string_view /*name*/, Observer /*observer*/) noexcept {}
  static constexpr void push(const circuit_transition& /*event*/) noexcept {}
  static constexpr void deliver() noexcept {}
  [[nodiscard]] static constexpr std::uint64_t listener_failures() noexcept { return 0; }
  [[nodiscard]] static constexpr std::uint64_t missed() noexcept { return 0; }
};

}  // namespace gabion::inline v0::detail
