// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A count of those who use an object: the caller and the threads that work for it, whichever ends
/// last.
template <class Env>
class use_count {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// True for the last one.
  [[nodiscard]] bool drop() noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  typename Env::template atomic<std::uint32_t> count_{1};
};

/// One use of a state that counts its uses (`uses()`); the last one deletes it.
template <class State>
class state_ref {
 public:
  /// Takes over the first use of a state that was just made with `new`.
  explicit state_ref(State* fresh) noexcept : state_{fresh} {}
  state_ref(const state_ref& other) noexcept : state_{other.state_} {
    if (state_ != nullptr) state_->uses().add();
  }
  state_ref(state_ref&& other) noexcept : state_{std::exchange(other.state_, nullptr)} {}
  state_ref& operator=(const state_ref&) = delete;
  ~state_ref() {
    if (state_ != nullptr && state_->uses().drop()) delete state_;
  }

  [[nodiscard]] State* operator->() const noexcept { return state_; }
  [[nodiscard]] State& operator*() const noexcept { return *state_; }
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  State* state_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
