// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/pipeline_result.hpp>
#include <gabion/resilience/detail/shared_state.hpp>
#include <gabion/resilience/detail/spawned_call.hpp>
#include <gabion/resilience/pipeline_run.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The counts of a detached timeout, shared with the work that may outlive it.
template <class Env>
struct detached_tally {
  using counter = typename Env::template atomic<std::uint64_t>;
  counter timed_out{0};
  counter late{0};
  counter never_run{0};
  [[nodiscard]] use_count<Env>& uses() noexcept { return uses_; }
  static void add(counter& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }

 private:
  use_count<Env> uses_{};
};

/// What the caller and the work of one detached call share. Whoever comes first under the mutex
/// decides: the caller that leaves, or the work that ends. Only the work touches the result before
/// it has ended, and only the caller after.
template <class Result, class Function, class Permit, class Clock, class Env>
class detached_state {
 public:
  enum class phase : std::uint8_t { queued, running, ended, not_run };
  struct view {
    phase what;
    deadline limit;  ///< how long the caller waits from here on
  };

  detached_state(state_ref<detached_tally<Env>> tally, Clock clock, const call_context& context,
                 deadline queued_until, duration run_limit, Function&& f, Permit&& permit,
                 wake_ref caller)
      : tally_{std::move(tally)},
        clock_{std::move(clock)},
        context_{context},
        until_{(gabion::min)(context.until, queued_until)},
        run_limit_{run_limit},
        f_{std::move(f)},
        permit_{std::move(permit)},
        caller_{caller} {
    ticket_.state = this;
    if constexpr (takes_context<Function>)
      context_.get().stop = (stop_ = std::stop_source{}).get_token();
  }
  detached_state(const detached_state&) = delete;
  detached_state& operator=(const detached_state&) = delete;

  // Of the caller.

  [[nodiscard]] work_handle<Env, detached_state> work() noexcept {
    return work_handle<Env, detached_state>{ticket_};
  }
  [[nodiscard]] view look() {
    const std::lock_guard lock{mutex_};
    return {phase_, until_};
  }
  /// The caller waits no longer; false if the call has ended just before.
  [[nodiscard]] bool leave() {
    {
      const std::lock_guard lock{mutex_};
      if (phase_ == phase::ended) return false;
      caller_.reset();
    }
    if constexpr (takes_context<Function>) stop_.request_stop();
    return true;
  }
  /// What the call returned or threw; after it has ended.
  // (g++ 12 takes an outcome without a refusal for one that is not initialised.)
  [[nodiscard]] Result take() { return slot_.take({.refused = refusal{}}); }

  // Of the work.

  void run(std::uint32_t /*number*/) noexcept {
    if (!may_run()) return dropped(0);
    slot_.keep_exception(detail::captured([&] {
      slot_.keep([&]() -> Result { return detail::call_with(f_, std::as_const(context_.get())); });
    }));
    permit_.reset();
    if (tell(phase::ended)) return;
    slot_.clear();
    tally_->add(tally_->late);
  }
  void dropped(std::uint32_t /*number*/) noexcept {
    permit_.reset();
    tally_->add(tally_->never_run);
    static_cast<void>(tell(phase::not_run));
  }
  [[nodiscard]] use_count<Env>& uses() noexcept { return uses_; }

 private:
  /// Nobody starts what nobody waits for.
  [[nodiscard]] bool may_run() {
    const instant now = clock_.now();
    const std::lock_guard lock{mutex_};
    if (!caller_ || until_.expired(now)) return false;
    const deadline queued = until_;
    context_.get().until = until_ =
        (gabion::min)(context_.get().until, deadline::after(now, run_limit_));
    phase_ = phase::running;
    if (until_ < queued) caller_->wake();
    return true;
  }
  /// Tells the caller; false if it has left. Waking is safe under the mutex: it never blocks, and
  /// the caller is held back by it.
  [[nodiscard]] bool tell(phase what) {
    const std::lock_guard lock{mutex_};
    if (!caller_) return false;
    phase_ = what;
    caller_->wake();
    return true;
  }

  state_ref<detached_tally<Env>> tally_;
  Clock clock_;
  kept_context context_;
  typename Env::mutex mutex_{};
  phase phase_ = phase::queued;
  deadline until_;
  duration run_limit_;
  Function f_;
  std::optional<Permit> permit_;
  std::optional<wake_ref> caller_;
  result_slot<Result> slot_{};
  std::stop_source stop_{std::nostopstate};
  work_ticket<Env, detached_state> ticket_{};
  use_count<Env> uses_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
