// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/detail/running_calls.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>

namespace gabion {
inline namespace v0 {

/// How many may listen. New members go last.
struct subscriptions_options {
  std::uint32_t capacity = 8;  ///< subscriptions at the same time; 1 to 1024; default 8
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const subscriptions_options& o) noexcept {
  return out_of_range("capacity", o.capacity, 1, 1024, "1 to 1024");
}

}  // namespace detail

/// True if a hub takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const subscriptions_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const subscriptions_options& o) {
  detail::refuse_option("subscriptions_options", detail::problem_of(o));
}

/// An observer that passes each event on to whoever has subscribed; subscribing and ending it are
/// possible at any time. Give `observer()` to a component: \code subscriptions<circuit_transition>
/// hub; circuit_breaker b{options, hub.observer()}; auto heard = hub.subscribe([](const
/// circuit_transition& t) { ... }); \endcode
///
/// Every member is safe to call from several threads, and from inside a listener. Nobody
/// subscribed: one relaxed load. No lock is held while a listener runs and nothing is allocated; a
/// listener may run on several threads at once if the events come from several. What it throws is
/// swallowed and counted. The listeners of one event are called in no particular order.
///
/// Once a subscription has ended its listener does not run and will not: ending it waits for a call
/// that is under way on another thread. So end none while you hold a lock that its listener takes,
/// and let no two listeners end each other's at the same time. A listener that ends its own
/// subscription does not wait, and is destroyed when its last call returns. The hub outlives its
/// subscriptions and the components that report to it.
template <env Env, class... Events>
class basic_subscriptions {
 public:
  static_assert(sizeof...(Events) > 0, "subscriptions: name at least one event type");

  /// A listener that is kept by the hub may be as large as this; capture a reference, or subscribe
  /// an lvalue, if it is larger.
  static constexpr std::size_t max_listener_size = 64;

  /// Keeps a listener subscribed as long as it lives. Move-only; not safe to use from several
  /// threads at once.
  class [[nodiscard("dropping the subscription ends it at once")]] subscription {
   public:
    subscription() noexcept = default;
    subscription(subscription&& other) noexcept
        : hub_{std::exchange(other.hub_, nullptr)}, index_{other.index_} {}
    subscription& operator=(subscription&& other) noexcept {
      subscription old{std::move(*this)};
      hub_ = std::exchange(other.hub_, nullptr);
      index_ = other.index_;
      return *this;
    }
    ~subscription() { reset(); }

    /// Ends it. Does nothing if it has ended.
    void reset() noexcept {
      if (hub_ != nullptr) std::exchange(hub_, nullptr)->end(index_);
    }
    /// False once it has ended or was moved from.
    [[nodiscard]] explicit operator bool() const noexcept { return hub_ != nullptr; }

   private:
    friend basic_subscriptions;
    subscription(basic_subscriptions& hub, std::size_t index) noexcept
        : hub_{&hub}, index_{index} {}

    basic_subscriptions* hub_ = nullptr;
    std::size_t index_ = 0;
  };

  /// What a component holds: a reference to the hub that can be copied and called with each event.
  class reference {
   public:
    explicit reference(basic_subscriptions& hub) noexcept : hub_{&hub} {}
    template <class Event>
      requires(std::same_as<Event, Events> || ...)
    void operator()(const Event& event) const noexcept {
      (*hub_)(event);
    }

   private:
    basic_subscriptions* hub_;
  };

  /// Throws error(invalid_argument) if the capacity is out of its range. The only allocation.
  explicit basic_subscriptions(const subscriptions_options& options = {})
      : slots_(checked(options).capacity) {}
  basic_subscriptions(const basic_subscriptions&) = delete;
  basic_subscriptions& operator=(const basic_subscriptions&) = delete;

  [[nodiscard]] reference observer() noexcept { return reference{*this}; }

  /// Tells every subscriber that takes this type of event.
  template <class Event>
    requires(std::same_as<Event, Events> || ...)
  void operator()(const Event& event) noexcept {
    if (count_.load(std::memory_order_relaxed) == 0) [[likely]]
      return;
    for (slot& s : slots_)
      if (enter(s)) tell(s, event);
  }

  /// Subscribes a listener: anything that can be called with one or more of the events. An rvalue
  /// is kept by the hub; an lvalue is referred to and must outlive the subscription. Throws
  /// error(full) if `capacity` are subscribed, a listener that has not returned yet included.
  template <class Listener>
  subscription subscribe(Listener&& listener) {
    using kept = std::remove_cvref_t<Listener>;
    static_assert((observes<kept, Events> || ...),
                  "subscriptions: the listener cannot be called with any of the events");
    const std::size_t index = claim();
    slot& s = slots_[index];
    if constexpr (std::is_lvalue_reference_v<Listener>) {
      ::new (static_cast<void*>(s.storage.data())) std::remove_reference_t<Listener>*(&listener);
      s.calls = &table<referred<std::remove_reference_t<Listener>>>;
    } else {
      static_assert(sizeof(kept) <= max_listener_size && alignof(kept) <= alignof(std::max_align_t),
                    "subscriptions: the listener is larger than max_listener_size; capture a "
                    "reference, or subscribe an lvalue");
      static_assert(std::is_nothrow_move_constructible_v<kept>,
                    "subscriptions: moving the listener may throw");
      ::new (static_cast<void*>(s.storage.data())) kept(std::forward<Listener>(listener));
      s.calls = &table<owned<kept>>;
    }
    s.word.store(taken | live, std::memory_order_release);
    count_.fetch_add(1, std::memory_order_release);
    return subscription{*this, index};
  }

  /// How many are subscribed now.
  [[nodiscard]] std::uint32_t size() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(slots_.size());
  }
  /// Exceptions that listeners threw; they were swallowed.
  [[nodiscard]] std::uint64_t listener_failures() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }

 private:
  using call = void (*)(void*, const void*);
  struct call_table {
    std::array<call, sizeof...(Events)> of{};  // null: it does not take that event
    void (*destroy)(void*) noexcept = nullptr;
  };
  struct slot {
    // From the low end: calls under way (32), ended from inside (1), live (1), taken (1).
    typename Env::template atomic<std::uint64_t> word{0};
    const call_table* calls = nullptr;
    alignas(std::max_align_t) std::array<std::byte, max_listener_size> storage{};
  };
  static constexpr std::uint64_t running_mask = 0xffff'ffff;
  static constexpr std::uint64_t orphan = std::uint64_t{1} << 32;
  static constexpr std::uint64_t live = std::uint64_t{1} << 33;
  static constexpr std::uint64_t taken = std::uint64_t{1} << 34;

  template <class Listener>
  struct owned {
    static Listener& get(void* p) noexcept { return *std::launder(static_cast<Listener*>(p)); }
    static void destroy(void* p) noexcept { get(p).~Listener(); }
    template <class Event>
    static constexpr bool takes = observes<Listener, Event>;
  };
  template <class Listener>
  struct referred {
    static Listener& get(void* p) noexcept { return **std::launder(static_cast<Listener**>(p)); }
    static void destroy(void* /*p*/) noexcept {}
    template <class Event>
    static constexpr bool takes = observes<Listener, Event>;
  };
  template <class Kept, class Event>
  static constexpr call call_of() noexcept {
    if constexpr (Kept::template takes<Event>)
      return [](void* p, const void* event) { Kept::get(p)(*static_cast<const Event*>(event)); };
    else
      return nullptr;
  }
  template <class Kept>
  static constexpr call_table table{{call_of<Kept, Events>()...}, &Kept::destroy};

  template <class Event>
  [[nodiscard]] static consteval std::size_t index_of() {
    std::size_t i = 0;
    static_cast<void>(((std::same_as<Event, Events> || (++i, false)) || ...));
    return i;
  }

  [[nodiscard]] static const subscriptions_options& checked(const subscriptions_options& o) {
    gabion::validate(o);
    return o;
  }

  /// A free slot, taken but not live.
  [[nodiscard]] std::size_t claim() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      std::uint64_t free = 0;
      if (slots_[i].word.compare_exchange_strong(free, taken, std::memory_order_acquire,
                                                 std::memory_order_relaxed))
        return i;
    }
    detail::fail(errc::full, "subscriptions: all " + std::to_string(slots_.size()) +
                                 " are taken; end one, or raise subscriptions_options.capacity");
  }

  /// One more call of a listener, unless it has ended.
  [[nodiscard]] static bool enter(slot& s) noexcept {
    std::uint64_t seen = s.word.load(std::memory_order_relaxed);
    while ((seen & live) != 0)
      if (s.word.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                       std::memory_order_relaxed))
        return true;
    return false;
  }

  template <class Event>
  void tell(slot& s, const Event& event) noexcept {
    if (const call c = s.calls->of[index_of<Event>()]; c != nullptr) {
      const detail::running_call<Env> here{&s};
      if (detail::guarded([&] { c(s.storage.data(), &event); }))
        failures_.fetch_add(1, std::memory_order_relaxed);
    }
    leave(s);
  }

  static void leave(slot& s) noexcept {
    const std::uint64_t left = s.word.fetch_sub(1, std::memory_order_acq_rel) - 1;
    if ((left & live) != 0) return;
    if (left == (taken | orphan)) return release(s);
    if (left == taken) detail::wake_all(s.word);
  }

  static void release(slot& s) noexcept {
    s.calls->destroy(s.storage.data());
    s.word.store(0, std::memory_order_release);
  }

  void end(std::size_t index) noexcept {
    slot& s = slots_[index];
    const bool inside = detail::running_call<Env>::inside(&s);
    count_.fetch_sub(1, std::memory_order_relaxed);
    std::uint64_t seen = s.word.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do next = (seen & ~live) | (inside ? orphan : 0);
    while (!s.word.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
    if (inside) return;
    while ((next & running_mask) != 0) {
      detail::wait_while(s.word, next);
      next = s.word.load(std::memory_order_acquire);
    }
    release(s);
  }

  typename Env::template atomic<std::uint32_t> count_{0};
  std::vector<slot> slots_;
  typename Env::template atomic<std::uint64_t> failures_{0};
};

/// The hub on the standard atomics.
template <class... Events>
using subscriptions = basic_subscriptions<native_env, Events...>;

}  // namespace v0
}  // namespace gabion
