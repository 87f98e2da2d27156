// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/pipeline_result.hpp>
#include <gabion/resilience/detail/shared_state.hpp>
#include <gabion/resilience/detail/spawned_call.hpp>
#include <gabion/resilience/hedge.hpp>
#include <gabion/resilience/pipeline_run.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The counts of a hedge, shared with the attempts that may outlive it.
template <class Env>
struct hedge_tally {
  using counter = typename Env::template atomic<std::uint64_t>;
  counter hedges{0};
  counter won{0};
  counter late{0};
  [[nodiscard]] use_count<Env>& uses() noexcept { return uses_; }
  static void add(counter& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }

 private:
  use_count<Env> uses_{};
};

/// What the caller and the attempts of one hedged call share: the machine under a mutex, and a
/// place for each attempt's result, which only that attempt touches until the machine has taken it,
/// and only the caller after.
template <class Result, class Function, class Judge, class Clock, class Env>
class hedge_state {
 public:
  hedge_state(state_ref<hedge_tally<Env>> tally, Clock clock, const hedge_machine& machine,
              const call_context& context, Function&& f, Judge&& judge, wake_ref caller)
      : tally_{std::move(tally)},
        clock_{std::move(clock)},
        context_{context},
        machine_{machine},
        f_{std::move(f)},
        judge_{std::move(judge)},
        caller_{caller} {}
  hedge_state(const hedge_state&) = delete;
  hedge_state& operator=(const hedge_state&) = delete;

  // Of the caller.

  /// Once it says done nobody wakes the caller any more.
  template <attempt_budget Budget>
  hedge_step next(instant now, Budget& budget) {
    const std::lock_guard lock{mutex_};
    const hedge_step step = machine_.next(now, budget);
    if (step.what == hedge_step::kind::done) caller_.reset();
    return step;
  }
  /// The work of that attempt, which is about to start.
  [[nodiscard]] work_handle<Env, hedge_state> work(std::uint32_t attempt) {
    seat& s = at(attempt);
    s.ticket.state = this;
    s.ticket.number = attempt;
    if constexpr (takes_context<const Function>) s.stop = std::stop_source{};
    return work_handle<Env, hedge_state>{s.ticket};
  }
  void stop(std::uint32_t attempt) noexcept { at(attempt).stop.request_stop(); }
  void cancel() {
    const std::lock_guard lock{mutex_};
    machine_.cancel();
  }
  /// The caller has gone, whatever has become of the call: nobody wakes it, and what still runs is
  /// told to stop.
  void leave() noexcept {
    {
      const std::lock_guard lock{mutex_};
      if (!caller_) return;
      machine_.cancel();
      caller_.reset();
    }
    for (seat& s : seats_) s.stop.request_stop();
  }
  /// The result goes to the caller; nothing of it stays with the attempts that are still out.
  [[nodiscard]] Result take(std::uint32_t attempt) {
    const cleared_on_exit after{at(attempt).slot};
    return after.slot.take({.refused = refusal{}});
  }
  [[nodiscard]] std::uint32_t failures() {
    const std::lock_guard lock{mutex_};
    return machine_.failures();
  }

  // Of an attempt.

  void run(std::uint32_t attempt) noexcept {
    seat& s = at(attempt);
    call_context context = context_.get();
    context.attempt += attempt - 1;
    context.stop = s.stop.get_token();
    bool good = false;
    s.slot.keep_exception(detail::captured([&] {
      s.slot.keep(
          [&]() -> Result { return detail::call_with(std::as_const(f_), std::as_const(context)); });
      good = accepts(*s.slot.value());
    }));
    if (tell([&](instant now) { return machine_.ended(attempt, good, now); })) return;
    s.slot.clear();
    tally_->add(tally_->late);
  }
  void dropped(std::uint32_t attempt) noexcept {
    static_cast<void>(tell([&](instant) {
      machine_.not_started(attempt);
      return true;
    }));
  }
  [[nodiscard]] use_count<Env>& uses() noexcept { return uses_; }

 private:
  struct seat {
    work_ticket<Env, hedge_state> ticket{};
    std::stop_source stop{std::nostopstate};
    result_slot<Result> slot{};
  };

  struct cleared_on_exit {
    result_slot<Result>& slot;
    ~cleared_on_exit() { slot.clear(); }
  };

  [[nodiscard]] seat& at(std::uint32_t attempt) noexcept { return seats_[attempt - 1]; }

  [[nodiscard]] bool accepts(const typename result_slot<Result>::kept_type& result) {
    if constexpr (std::is_void_v<Result>) {
      return true;
    } else {
      Judge mine{judge_};  // attempts end at the same time
      return accepts_verdict(mine(std::as_const(result)));
    }
  }
  /// A caller's mistake is an answer; what was cancelled is none.
  [[nodiscard]] static constexpr bool accepts_verdict(verdict v) noexcept {
    return v == verdict::success || v == verdict::ignored;
  }

  /// Tells the machine and wakes the caller. Waking is safe under the mutex: it never blocks, and
  /// the caller is held back by it.
  template <class Event>
  [[nodiscard]] bool tell(const Event& event) {
    const instant now = clock_.now();
    const std::lock_guard lock{mutex_};
    const bool counts = event(now);
    if (counts && caller_) caller_->wake();
    return counts;
  }

  state_ref<hedge_tally<Env>> tally_;
  Clock clock_;
  kept_context context_;
  typename Env::mutex mutex_{};
  hedge_machine machine_;
  const Function f_;
  const Judge judge_;
  std::optional<wake_ref> caller_;
  std::array<seat, 11> seats_{};
  use_count<Env> uses_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
