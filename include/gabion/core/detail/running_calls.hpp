// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include <gabion/core/env.hpp>

// Which calls are under way on this thread, and waiting until others have come to an end.
namespace gabion {
inline namespace v0 {
namespace detail {

/// An environment that plays several threads on one says which one runs: `static const void*
/// this_thread() noexcept`.
template <class Env>
concept names_thread = requires { Env::this_thread(); };

/// Notes, as long as it lives, that this thread is inside a call that belongs to `target`. On the
/// stack; no allocation. The call must return on the thread that it began on.
template <env Env>
class running_call {
 public:
  explicit running_call(const void* target) noexcept
      : target_{target}, thread_{thread()}, outer_{innermost} {
    if (outer_ != nullptr) outer_->inner_ = this;
    innermost = this;
  }
  running_call(const running_call&) = delete;
  running_call& operator=(const running_call&) = delete;
  ~running_call() {
    // Fibers on one thread may end in any order.
    if (outer_ != nullptr) outer_->inner_ = inner_;
    (inner_ == nullptr ? innermost : inner_->outer_) = outer_;
  }

  /// True if this thread is inside a call that belongs to `target`.
  [[nodiscard]] static bool inside(const void* target) noexcept {
    for (const running_call* c = innermost; c != nullptr; c = c->outer_)
      if (c->target_ == target && c->thread_ == thread()) return true;
    return false;
  }

 private:
  [[nodiscard]] static const void* thread() noexcept {
    if constexpr (names_thread<Env>)
      return Env::this_thread();
    else
      return nullptr;  // the list is the thread's own
  }

  static inline constinit thread_local running_call* innermost = nullptr;

  const void* target_;
  const void* thread_;
  running_call* outer_;
  running_call* inner_ = nullptr;
};

/// Waits as long as the word holds that value; may return early. An atomic that cannot wait is
/// asked again at once.
template <class Atomic>
void wait_while(const Atomic& word, std::uint64_t value) noexcept {
  if constexpr (requires { word.wait(value, std::memory_order_acquire); })
    word.wait(value, std::memory_order_acquire);
}

template <class Atomic>
void wake_all(Atomic& word) noexcept {
  if constexpr (requires { word.notify_all(); }) word.notify_all();
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
