// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/delay_source.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/hedge_state.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/hedge.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/spawner.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

/// What a hedge has seen so far.
struct hedge_counts {
  std::uint64_t hedges = 0;  ///< attempts beside the first ones
  std::uint64_t won = 0;     ///< calls whose result came from one of those
  std::uint64_t late = 0;    ///< results that came after the call had ended, and were dropped
  friend bool operator==(const hedge_counts&, const hedge_counts&) = default;
};

/// Makes a slow call a second time beside the first, and takes what comes first: see
/// `hedge_machine` for how it decides.
///
/// Every attempt runs on a thread of the spawner; the caller waits. The budget is asked before each
/// attempt beside the first; share it with the retries of the same backend. A call is hedged only
/// if its context says that it may be made twice, unless the options insist. The losers are told to
/// stop through the context that they are given; their results are dropped and counted.
///
/// f is moved into one allocation that lives as long as the last of caller and attempts (each
/// attempt that takes a context has one more for its stop token), and is called by several threads
/// at the same time, as const. What it refers to must outlive the losers: capture by value. Safe to
/// use from several threads; it may be destroyed before the losers end; spawner and budget must
/// outlive it. Neither copied nor moved.
template <spawner Spawner, attempt_budget Budget, delay_source Delay = fixed_delay,
          clock Clock = steady_clock, env Env = native_env>
class basic_hedge {
  static_assert(explain_spawner<Spawner>() && explain_attempt_budget<Budget>() &&
                explain_delay_source<Delay>());

 public:
  static constexpr bool has_budget = !std::same_as<Budget, unlimited_budget>;

  /// Throws error(invalid_argument) that names the option and its range.
  basic_hedge(const hedge_options& options, Spawner& spawner, Budget& budget, Delay delay = Delay{},
              Clock clock = Clock{})
      : options_{(gabion::validate(options), options)},
        spawner_{&spawner},
        budget_{&budget},
        delay_{std::move(delay)},
        clock_{std::move(clock)},
        tally_{new detail::hedge_tally<Env>} {}
  basic_hedge(const basic_hedge&) = delete;
  basic_hedge& operator=(const basic_hedge&) = delete;

  /// Calls f, which takes nothing or `const call_context&`, and returns exactly what one of its
  /// calls returns: the first that is not a failure, or else the last. If that one threw, its
  /// exception goes on unchanged. Given up, it answers errc::timeout or errc::cancelled;
  /// errc::overloaded if the spawner took none: as a result if its type can say so, otherwise as
  /// refused_error.
  template <pipeline_callable Function>
  auto call(const call_context& context, Function f) {
    basic_blocking_waiter<Clock> waiter{context.stop, clock_};
    return call_in(waiter, context, std::move(f));
  }

  /// The same, waiting in a waiter of yours, which must go by this object's clock, and with a
  /// judgement of yours (see failure_if).
  template <waiter Waiter, pipeline_callable Function, class Judge = detail::judge_by_traits>
  detail::call_result<const Function> call_in(Waiter& waiter, const call_context& context,
                                              Function f, Judge judge = {}) {
    using result_type = detail::call_result<const Function>;
    using state_type = detail::hedge_state<result_type, Function, Judge, Clock, Env>;
    static_assert(!std::is_reference_v<result_type>,
                  "hedge: the function must return a value, not a reference");
    static_assert(detail::explain_blocking<result_type>());
    const std::optional<duration> known = delay_.delay();
    const hedge_machine machine{options_, context.repeatable(), known.value_or(options_.delay),
                                context.until};
    const detail::state_ref<state_type> state{new state_type{
        tally_, clock_, machine, context, std::move(f), std::move(judge), wake_ref{waiter}}};
    const detail::left_on_exit left{*state};  // also by an exception of spawner or waiter
    budget_->note(budget_event::call, [this] { return clock_.now(); });
    const hedge_step last = drive(waiter, context, *state);
    settle(last, state->failures());
    if (last.why == hedge_end::won || last.why == hedge_end::failed)
      return state->take(last.attempt);
    return detail::refused_call<result_type>(refusal{code_of(last.why)},
                                             "the hedged call was given up");
  }

  [[nodiscard]] hedge_counts counts() const noexcept {
    const auto read = [](const auto& c) { return c.load(std::memory_order_relaxed); };
    return {read(tally_->hedges), read(tally_->won), read(tally_->late)};
  }
  [[nodiscard]] const hedge_options& options() const noexcept { return options_; }

 private:
  template <class Waiter, class State>
  hedge_step drive(Waiter& waiter, const call_context& context, State& state) {
    for (;;) {
      if (context.stop.stop_requested()) state.cancel();
      const hedge_step step = state.next(clock_.now(), *budget_);
      switch (step.what) {
        case hedge_step::kind::start:
          if (spawner_->spawn(state.work(step.attempt)) && step.attempt > 1)
            tally_->add(tally_->hedges);
          break;
        case hedge_step::kind::cancel: state.stop(step.attempt); break;
        case hedge_step::kind::wait:
          if (!waiter.wait_until(step.until)) state.cancel();
          break;
        case hedge_step::kind::done: return step;
      }
    }
  }

  void settle(const hedge_step& last, std::uint32_t failures) {
    const auto now = [this] { return clock_.now(); };
    for (; failures > 0; --failures) budget_->note(budget_event::failure, now);
    if (last.why != hedge_end::won) return;
    budget_->note(budget_event::success, now);
    if (last.attempt > 1) tally_->add(tally_->won);
  }

  [[nodiscard]] static constexpr errc code_of(hedge_end why) noexcept {
    if (why == hedge_end::deadline) return errc::timeout;
    return why == hedge_end::cancelled ? errc::cancelled : errc::overloaded;
  }

  hedge_options options_;
  Spawner* spawner_;
  Budget* budget_;
  Delay delay_;
  Clock clock_;
  detail::state_ref<detail::hedge_tally<Env>> tally_;
};

}  // namespace v0
}  // namespace gabion
