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
#include <gabion/resilience/circuit_events.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Any ordered event, as small as the largest of them.
struct circuit_change {
  enum class kind : std::uint8_t { transition, reset, reconfigured, mode_changed, would_open };
  kind what = kind::transition;
  circuit_transition transition{};  ///< for every kind: name, cause, at, failed, calls
  circuit_mode from = circuit_mode::normal;
  circuit_mode to = circuit_mode::normal;
};

/// Hands changes to the observer in the order in which they were pushed, outside every lock, one at
/// a time.
///
/// Whoever finds events waiting delivers them, unless somebody is delivering already: then that one
/// goes on with them, also with those that the observer itself causes. At most `capacity` events
/// wait; then the oldest is dropped, and the next transition after it says so. What the observer
/// throws is swallowed and counted.
template <env Env, class Observer>
class circuit_events {
 public:
  static constexpr std::size_t capacity = 16;

  /// `name` must outlive it.
  circuit_events(std::string_view name, Observer observer)
      : name_{name}, observer_(std::move(observer)) {}

  /// Called in the order of the changes.
  void push(const circuit_change& event) noexcept {
    if (!takes(event.what)) return;
    const std::lock_guard guard{lock_};
    if (count_ == capacity) drop_oldest();
    circuit_change& last = waiting_[(first_ + count_) % capacity];
    last = event;
    last.transition.missed = owed_;
    owed_ = 0;
    ++count_;
  }

  /// Delivers what is waiting. Called without any lock.
  void deliver() noexcept {
    circuit_change event;
    for (bool mine = false; take(event, mine);) {
      mine = true;
      guard_listener([&] { tell(event); });
    }
  }

  /// Tells of one call, at once.
  template <class Event>
  void tell_now(Event event) noexcept {
    event.name = name_;
    guard_listener([&] { gabion::notify(observer_, event); });
  }

  [[nodiscard]] std::uint64_t listener_failures() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t missed() const noexcept {
    return missed_.load(std::memory_order_relaxed);
  }

 private:
  using kind = circuit_change::kind;

  [[nodiscard]] static constexpr bool takes(kind what) noexcept {
    switch (what) {
      case kind::transition: return observes<Observer, circuit_transition>;
      case kind::reset: return observes<Observer, circuit_reset>;
      case kind::reconfigured: return observes<Observer, circuit_reconfigured>;
      case kind::mode_changed: return observes<Observer, circuit_mode_changed>;
      case kind::would_open: return observes<Observer, circuit_would_open>;
    }
    return false;
  }

  template <class Tell>
  void guard_listener(const Tell& tell) noexcept {
    bool told = false;
    const auto ignored = detail::guarded([&] {
      tell();
      told = true;
    });
    static_cast<void>(ignored);
    if (!told) failures_.fetch_add(1, std::memory_order_relaxed);
  }

  void tell(circuit_change& event) {
    circuit_transition& t = event.transition;
    t.name = name_;
    switch (event.what) {
      case kind::transition: return gabion::notify(observer_, std::as_const(t));
      case kind::reset: return gabion::notify(observer_, circuit_reset{name_, t.cause, t.at});
      case kind::reconfigured: return gabion::notify(observer_, circuit_reconfigured{name_, t.at});
      case kind::mode_changed:
        return gabion::notify(observer_, circuit_mode_changed{name_, event.from, event.to, t.at});
      case kind::would_open:
        return gabion::notify(observer_,
                              circuit_would_open{name_, t.cause, t.at, t.failed, t.calls});
    }
  }

  void drop_oldest() noexcept {
    const std::uint64_t gone = waiting_[first_].transition.missed + 1;
    first_ = (first_ + 1) % capacity;
    --count_;
    (count_ == 0 ? owed_ : waiting_[first_].transition.missed) += gone;
    missed_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The next event, if there is one and this caller may deliver it. `mine`: this caller is the one
  /// who delivers.
  [[nodiscard]] bool take(circuit_change& event, bool mine) noexcept {
    const std::lock_guard guard{lock_};
    if (delivering_ && !mine) return false;
    delivering_ = count_ != 0;
    if (count_ == 0) return false;
    event = waiting_[first_];
    first_ = (first_ + 1) % capacity;
    --count_;
    if (event.what != kind::transition)
      (count_ == 0 ? owed_ : waiting_[first_].transition.missed) += event.transition.missed;
    return true;
  }

  std::string_view name_;
  typename Env::mutex lock_{};
  std::array<circuit_change, capacity> waiting_{};
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
  requires(!observes_circuit_changes<Observer> && !observes_circuit_calls<Observer>)
class circuit_events<Env, Observer> {
 public:
  circuit_events(std::string_view /*name*/, Observer /*observer*/) noexcept {}
  static constexpr void push(const circuit_change& /*event*/) noexcept {}
  static constexpr void deliver() noexcept {}
  [[nodiscard]] static constexpr std::uint64_t listener_failures() noexcept { return 0; }
  [[nodiscard]] static constexpr std::uint64_t missed() noexcept { return 0; }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
