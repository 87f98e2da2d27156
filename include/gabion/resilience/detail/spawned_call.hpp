// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/shared_state.hpp>

// What a call that runs on another thread may outlive, and how it is handed to a spawner.
namespace gabion {
inline namespace v0 {
namespace detail {

/// One piece of work of a State, which says what to do by `run(number)`, and by `dropped(number)`
/// if a spawner has let go of it without running it.
template <class Env, class State>
struct work_ticket {
  State* state = nullptr;
  std::uint32_t number = 0;
  use_count<Env> handles{};
  typename Env::template atomic<bool> begun{false};
};

/// The same as something that can be called. All copies together are one use of the state; the
/// first call counts.
template <class Env, class State>
class work_handle {
 public:
  /// The first handle of that ticket.
  explicit work_handle(work_ticket<Env, State>& ticket) noexcept : ticket_{&ticket} {
    ticket.state->uses().add();
  }
  work_handle(const work_handle& other) noexcept : ticket_{other.ticket_} {
    if (ticket_ != nullptr) ticket_->handles.add();
  }
  work_handle(work_handle&& other) noexcept : ticket_{std::exchange(other.ticket_, nullptr)} {}
  work_handle& operator=(work_handle other) noexcept {
    std::swap(ticket_, other.ticket_);
    return *this;
  }
  ~work_handle() {
    if (ticket_ == nullptr || !ticket_->handles.drop()) return;
    const state_ref<State> last_use{ticket_->state};
    if (!ticket_->begun.exchange(true, std::memory_order_acq_rel))
      last_use->dropped(ticket_->number);
  }

  void operator()() noexcept {
    if (ticket_ != nullptr && !ticket_->begun.exchange(true, std::memory_order_acq_rel))
      ticket_->state->run(ticket_->number);
  }

 private:
  work_ticket<Env, State>* ticket_;
};

/// Says that the caller has left, however it leaves: whoever works for it must not wake it any
/// more.
template <class State>
class left_on_exit {
 public:
  explicit left_on_exit(State& state) noexcept : state_{&state} {}
  left_on_exit(const left_on_exit&) = delete;
  left_on_exit& operator=(const left_on_exit&) = delete;
  ~left_on_exit() { static_cast<void>(state_->leave()); }

 private:
  State* state_;
};

/// A context that outlives the caller's: with a key and a stop of its own, and nobody to wake.
class kept_context {
 public:
  explicit kept_context(const call_context& from) : key_{from.idempotency_key}, context_{from} {
    context_.idempotency_key = key_;
    context_.stop = {};
    context_.wake.reset();
  }
  kept_context(const kept_context&) = delete;
  kept_context& operator=(const kept_context&) = delete;

  [[nodiscard]] call_context& get() noexcept { return context_; }
  [[nodiscard]] const call_context& get() const noexcept { return context_; }

 private:
  std::string key_;
  call_context context_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
