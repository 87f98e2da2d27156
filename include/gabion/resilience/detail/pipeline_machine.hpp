// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/resilience/detail/run_stack.hpp>
#include <gabion/resilience/detail/step_clock.hpp>
#include <gabion/resilience/pipeline_step.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion::inline v0::detail {

template <class Run, class Slot, class Now>
concept settles_result = Slot::shown &&
    requires(Run& run, Slot& slot, call_outcome& outcome, call_context& context, const Now& now) {
  run.settle_result(slot.value(), outcome, context, now);
};

/// One call's way through all policies: the run of each that it is inside of, and where it waits.
///
/// Going in, a policy is asked from the outermost to the innermost; coming back, each that was passed is told, from the innermost
/// to the outermost. A policy that says `again` ends its way up: what lies below is made afresh. Level i waits in phase 2i when it
/// wants in and in phase 2i + 1 before it goes again.
template <clock Clock, class Layers, class... Policies>
class pipeline_machine {
 public:
  using now_type = step_clock<Clock>;
  static constexpr std::size_t depth = sizeof...(Policies);

  pipeline_machine(const Clock& clock, Layers& layers, const call_context& context)
      : clock_{&clock}, layers_{&layers}, context_{context}, runs_{layers} {}
  pipeline_machine(const pipeline_machine&) = delete;
  pipeline_machine& operator=(const pipeline_machine&) = delete;

  template <class Slot>
  pipeline_step begin(Slot& slot) {
    const now_type now{*clock_};
    if (context_.stop.stop_requested()) return refuse<0>({errc::cancelled}, slot, now);
    if (expired(now)) return refuse<0>({errc::timeout}, slot, now);
    return onwards(descend<0>(slot, now), slot);
  }

  template <class Slot>
  pipeline_step report(const call_outcome& outcome, Slot& slot) {
    const now_type now{*clock_};
    outcome_ = outcome;
    return onwards(leave<depth>(slot, now), slot);
  }

  template <class Slot>
  pipeline_step resume(Slot& slot) {
    return onwards(resume_once(slot), slot);
  }

  template <class Slot>
  pipeline_step cancel(Slot& slot) {
    const now_type now{*clock_};
    given_up_ = true;
    return end_at<0>({errc::cancelled}, slot, now);
  }

  [[nodiscard]] call_context& context() noexcept { return context_; }
  [[nodiscard]] const call_context& context() const noexcept { return context_; }
  [[nodiscard]] const call_outcome& outcome() const noexcept { return outcome_; }

 private:
  using kind = pipeline_step::kind;
  static constexpr std::size_t not_waiting = 2 * depth;

  template <std::size_t Level, class Slot>
  pipeline_step descend(Slot& slot, const now_type& now) {
    if constexpr (Level == depth) {
      phase_ = not_waiting;
      return {kind::attempt};
    } else {
      return ask<Level>(slot, now);
    }
  }

  template <std::size_t Level, class Slot>
  pipeline_step ask(Slot& slot, const now_type& now) {
    const entry_step entry = runs_.template at<Level>().run.enter(context_, now);
    if (entry.what == entry_step::kind::pass) return descend<Level + 1>(slot, now);
    if (entry.what == entry_step::kind::wait) {
      if (context_.stop.stop_requested()) return end_at<Level>({errc::cancelled}, slot, now, 2 * Level);
      if (expired(now)) return end_at<Level>({errc::timeout}, slot, now, 2 * Level);
      return wait(2 * Level, (std::min)(entry.until, context_.until.when()));
    }
    runs_.template at<Level>().renew(*layers_);
    return refuse<Level>(entry.why, slot, now);
  }

  /// What lies above `Level` is told that the call was refused there.
  template <std::size_t Level, class Slot>
  pipeline_step refuse(const refusal& why, Slot& slot, const now_type& now) {
    outcome_ = call_outcome{why.code == errc::cancelled ? verdict::cancelled : verdict::failure, why};
    if (why.retry_after > duration::zero()) outcome_.retry_after = why.retry_after;
    slot.clear();
    return leave<Level>(slot, now);
  }

  /// Tells the levels below `Level`, from the innermost to the outermost.
  template <std::size_t Level, class Slot>
  pipeline_step leave(Slot& slot, const now_type& now) {
    if constexpr (Level == 0) {
      phase_ = not_waiting;
      return {kind::done};
    } else {
      auto& run = runs_.template at<Level - 1>().run;
      const bool was_refused = outcome_.refused.has_value();
      if constexpr (settles_result<decltype(run), Slot, now_type>) run.settle_result(slot.value(), outcome_, context_, now);
      const exit_step exit = run.leave(outcome_, context_, now);
      if (!was_refused && outcome_.refused) slot.clear();
      if (exit.what == exit_step::kind::again && may_go_again(exit.at, slot, now)) {
        slot.clear();
        return wait(2 * Level - 1, exit.at);
      }
      runs_.template at<Level - 1>().renew(*layers_);
      return leave<Level - 1>(slot, now);
    }
  }

  template <class Slot>
  [[nodiscard]] bool may_go_again(instant at, Slot& slot, const now_type& now) {
    if (given_up_) return false;
    if (context_.stop.stop_requested()) {
      outcome_ = call_outcome{verdict::cancelled, refusal{errc::cancelled}};
      slot.clear();
      return false;
    }
    return context_.until.is_never() || !context_.until.expired((std::max)(at, now()));
  }

  pipeline_step wait(std::size_t phase, instant until) noexcept {
    phase_ = phase;
    until_ = until;
    return {kind::wait, until};
  }

  /// Goes again at once where there is nothing to wait for. A loop, so that many attempts need no more stack than one.
  template <class Slot>
  pipeline_step onwards(pipeline_step step, Slot& slot) {
    while (step.what == kind::wait && phase_ % 2 == 1 && until_ <= clock_->now()) step = resume_once(slot);
    return step;
  }

  template <class Slot>
  pipeline_step resume_once(Slot& slot) {
    const now_type now{*clock_};
    if (context_.stop.stop_requested()) return end_at<0>({errc::cancelled}, slot, now);
    if (expired(now)) return end_at<0>({errc::timeout}, slot, now);
    return resume_at<0>(slot, now);
  }

  template <std::size_t Level, class Slot>
  pipeline_step resume_at(Slot& slot, const now_type& now) {
    if constexpr (Level == depth) {
      return {kind::attempt};
    } else {
      if (phase_ == 2 * Level) return ask<Level>(slot, now);
      if (phase_ == 2 * Level + 1) return now() < until_ ? wait(phase_, until_) : descend<Level + 1>(slot, now);
      return resume_at<Level + 1>(slot, now);
    }
  }

  /// Ends the wait, or the attempt, that is going on. Who wanted in is out; who wanted to go again is told.
  template <std::size_t Level, class Slot>
  pipeline_step end_at(const refusal& why, Slot& slot, const now_type& now) {
    return end_at<Level>(why, slot, now, phase_);
  }
  template <std::size_t Level, class Slot>
  pipeline_step end_at(const refusal& why, Slot& slot, const now_type& now, std::size_t phase) {
    if constexpr (Level == depth) {
      return refuse<depth>(why, slot, now);
    } else {
      if (phase == 2 * Level) {
        runs_.template at<Level>().renew(*layers_);
        return refuse<Level>(why, slot, now);
      }
      if (phase == 2 * Level + 1) return refuse<Level + 1>(why, slot, now);
      return end_at<Level + 1>(why, slot, now, phase);
    }
  }

  [[nodiscard]] bool expired(const now_type& now) const noexcept {
    return !context_.until.is_never() && context_.until.expired(now());
  }

  const Clock* clock_;
  Layers* layers_;
  call_context context_;
  call_outcome outcome_{};
  std::size_t phase_ = not_waiting;
  instant until_{};
  bool given_up_ = false;
  run_stack<0, Layers, Policies...> runs_;
};

}  // namespace gabion::inline v0::detail
