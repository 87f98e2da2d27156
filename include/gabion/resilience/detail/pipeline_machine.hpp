// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/detail/run_stack.hpp>
#include <gabion/resilience/detail/step_clock.hpp>
#include <gabion/resilience/pipeline_step.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A run whose `leave` cannot change the outcome.
template <class Run, class Now>
concept run_only_reads = requires(Run& run, const call_outcome& outcome, call_context& context,
                                  const Now& now) { run.leave(outcome, context, now); };

/// Placeholder for a default context, which then need not be copied.
struct no_context {};

/// True if a run may return `wait` and keep the context's `wake`; a run declares otherwise by
/// `never_waits`.
template <class Run>
inline constexpr bool may_wait = true;
template <class Run>
  requires requires { requires Run::never_waits; }
inline constexpr bool may_wait<Run> = false;

template <class Run, class Slot, class Now>
concept settles_result = Slot::shown && requires(Run& run, Slot& slot, call_outcome& outcome,
                                                 call_context& context, const Now& now) {
  run.settle_result(slot.value(), outcome, context, now);
};

/// One call's way through all policies: the run of each that it is inside of, and where it waits.
///
/// Going in, a policy is asked from the outermost to the innermost; coming back, each that was
/// passed is told, from the innermost to the outermost. A policy that says `again` ends its way up:
/// what lies below is made afresh. Level i waits in phase 2i when it wants in and in phase 2i + 1
/// before it goes again.
///
/// The way of a call that passes everywhere and comes back at once is one straight line of code,
/// into which every policy is inlined; whatever else may happen is kept out of it.
template <clock Clock, class Layers, class... Policies>
class pipeline_machine {
 public:
  using now_type = step_clock<Clock>;
  static constexpr std::size_t depth = sizeof...(Policies);

  pipeline_machine(const Clock& clock, Layers& layers, const call_context& context)
      : clock_{&clock}, layers_{&layers}, context_{context}, runs_{layers} {}
  /// Begins a call without a context.
  pipeline_machine(const Clock& clock, Layers& layers, no_context /*none*/)
      : clock_{&clock}, layers_{&layers}, runs_{layers} {}
  pipeline_machine(const pipeline_machine&) = delete;
  pipeline_machine& operator=(const pipeline_machine&) = delete;

  template <class Slot>
  [[gnu::always_inline]] pipeline_step begin(Slot& slot) {
    const now_type now{*clock_};  // a copy goes where it is not inlined: it stays in registers
    if (context_.stop.stop_requested()) [[unlikely]]
      return step_of(refuse<0>({errc::cancelled}, slot, now));
    if (expired(now)) [[unlikely]]
      return step_of(refuse<0>({errc::timeout}, slot, now));
    kind next = descend<0>(slot, now);
    if (next == kind::wait) [[unlikely]]
      next = onwards(next, slot);
    return step_of(next);
  }

  /// Reports the attempt to the policies. `judge` records its result in an outcome, which is a
  /// success before.
  template <class Judge, class Slot>
  [[gnu::always_inline]] pipeline_step report(const Judge& judge, Slot& slot) {
    const now_type now{*clock_};
    judge(outcome_);
    kind next = leave<depth>(outcome_.refused.has_value(), slot, now);
    if (next == kind::wait) [[unlikely]]
      next = onwards(next, slot);
    return step_of(next);
  }
  template <class Slot>
  pipeline_step resume(Slot& slot) {
    return step_of(onwards(resume_once(slot), slot));
  }

  template <class Slot>
  pipeline_step cancel(Slot& slot) {
    const now_type now{*clock_};
    given_up_ = true;
    return step_of(end_at<0>({errc::cancelled}, phase_, slot, now));
  }

  [[nodiscard]] call_context& context() noexcept { return context_; }
  [[nodiscard]] const call_context& context() const noexcept { return context_; }
  [[nodiscard]] const call_outcome& outcome() const noexcept { return outcome_; }

 private:
  using kind = pipeline_step::kind;
  static constexpr std::uint8_t not_waiting = 2 * depth;
  static_assert(depth < 100);

  template <std::size_t Level, class Slot>
  [[gnu::always_inline]] kind descend(Slot& slot, const now_type& now) {
    if constexpr (Level == depth) {
      return kind::attempt;
    } else {
      const entry_step entry = runs_.template at<Level>().run.enter(context_, now);
      if (entry.what == entry_step::kind::pass) [[likely]]
        return descend<Level + 1>(slot, now);
      return not_passed<Level>(entry.what, entry.until, entry.why, slot, now);
    }
  }

  /// The same for a level below one that goes again, or that has waited to get in.
  template <std::size_t Level, class Slot>
  [[gnu::noinline]] kind ask(Slot& slot, const now_type& now) {
    phase_ = not_waiting;
    const entry_step entry = runs_.template at<Level>().run.enter(context_, now);
    return entry.what == entry_step::kind::pass
               ? descend_afresh<Level + 1>(slot, now)
               : not_passed<Level>(entry.what, entry.until, entry.why, slot, now);
  }
  template <std::size_t Level, class Slot>
  kind descend_afresh(Slot& slot, const now_type& now) {
    phase_ = not_waiting;
    if constexpr (Level == depth) {
      return kind::attempt;
    } else {
      runs_.template at<Level>().refresh(*layers_);
      return ask<Level>(slot, now);
    }
  }

  template <std::size_t Level, class Slot>
  [[gnu::noinline]] kind not_passed(entry_step::kind what, instant until, refusal why, Slot& slot,
                                    now_type now) {
    if (what == entry_step::kind::wait) {
      if (context_.stop.stop_requested())
        return end_at<Level>({errc::cancelled}, 2 * Level, slot, now);
      if (expired(now)) return end_at<Level>({errc::timeout}, 2 * Level, slot, now);
      return wait(2 * Level, detail::min_of(until, context_.until.when()));
    }
    runs_.template at<Level>().end(*layers_);
    return refuse<Level>(why, slot, now);
  }

  /// What lies above `Level` is told that the call was refused there.
  template <std::size_t Level, class Slot>
  [[gnu::noinline]] kind refuse(refusal why, Slot& slot, now_type now) {
    phase_ = not_waiting;
    outcome_ =
        call_outcome{why.code == errc::cancelled ? verdict::cancelled : verdict::failure, why};
    if (why.retry_after > duration::zero()) outcome_.retry_after = why.retry_after;
    slot.clear();
    return leave_slowly<Level>(slot, now);
  }

  /// Tells the levels above `Level`, from the innermost to the outermost.
  template <std::size_t Level, class Slot>
  [[gnu::always_inline]] kind leave(bool refused, Slot& slot, const now_type& now) {
    if constexpr (Level == 0) {
      return kind::done;
    } else {
      const exit_step exit = leave_one<Level - 1>(refused, slot, now);
      if (exit.what == exit_step::kind::again) [[unlikely]]
        return wait(2 * Level - 1, exit.at);
      return leave<Level - 1>(refused, slot, now);
    }
  }
  template <std::size_t Level, class Slot>
  kind leave_slowly(Slot& slot, const now_type& now) {
    if constexpr (Level == 0) {
      return kind::done;
    } else {
      bool refused = outcome_.refused.has_value();
      const exit_step exit = leave_one<Level - 1>(refused, slot, now);
      return exit.what == exit_step::kind::again ? wait(2 * Level - 1, exit.at)
                                                 : leave_slowly<Level - 1>(slot, now);
    }
  }

  /// Up, unless the policy wants to go again and may.
  template <std::size_t Level, class Slot>
  [[gnu::always_inline]] exit_step leave_one(bool& refused, Slot& slot, const now_type& now) {
    auto& level = runs_.template at<Level>();
    using run_type = decltype(level.run);
    if constexpr (settles_result<run_type, Slot, now_type>)
      level.run.settle_result(slot.value(), outcome_, context_, now);
    // A run that takes a const outcome gets one, so that it cannot refuse unnoticed.
    constexpr bool reads = run_only_reads<run_type, now_type>;
    const auto& seen = outcome_;
    exit_step exit;
    if constexpr (reads)
      exit = level.run.leave(seen, context_, now);
    else
      exit = level.run.leave(outcome_, context_, now);
    if constexpr (settles_result<run_type, Slot, now_type> || !reads) {
      if (!std::exchange(refused, outcome_.refused.has_value()) && refused) [[unlikely]]
        slot.clear();
    }
    if (exit.what == exit_step::kind::again && may_go_again(exit.at, slot, now)) [[unlikely]]
      return exit;
    level.end(*layers_);
    return exit_step::up();
  }

  template <class Slot>
  [[nodiscard, gnu::noinline]] bool may_go_again(instant at, Slot& slot, now_type now) {
    if (given_up_) return false;
    if (context_.stop.stop_requested()) {
      outcome_ = call_outcome{verdict::cancelled, refusal{errc::cancelled}};
      slot.clear();
      return false;
    }
    if (!context_.until.is_never() && context_.until.expired(detail::max_of(at, now())))
      return false;
    slot.clear();
    outcome_ = call_outcome{};
    return true;
  }

  kind wait(std::size_t phase, instant until) noexcept {
    phase_ = static_cast<std::uint8_t>(phase);
    until_ = until;
    return kind::wait;
  }

  /// Goes again at once where there is nothing to wait for. A loop, so that many attempts need no
  /// more stack than one.
  template <class Slot>
  [[gnu::noinline]] kind onwards(kind next, Slot& slot) {
    while (next == kind::wait && phase_ % 2 == 1 && until_ <= clock_->now())
      next = resume_once(slot);
    return next;
  }

  template <class Slot>
  kind resume_once(Slot& slot) {
    const now_type now{*clock_};
    if (context_.stop.stop_requested()) return end_at<0>({errc::cancelled}, phase_, slot, now);
    if (expired(now)) return end_at<0>({errc::timeout}, phase_, slot, now);
    return resume_at<0>(slot, now);
  }

  template <std::size_t Level, class Slot>
  kind resume_at(Slot& slot, const now_type& now) {
    if constexpr (Level == depth) {
      return kind::attempt;
    } else {
      if (phase_ == 2 * Level) return ask<Level>(slot, now);
      if (phase_ == 2 * Level + 1)
        return now() < until_ ? wait(phase_, until_) : go_again<Level>(slot, now);
      return resume_at<Level + 1>(slot, now);
    }
  }

  template <std::size_t Level, class Slot>
  kind go_again(Slot& slot, const now_type& now) {
    auto& run = runs_.template at<Level>().run;
    if constexpr (requires { run.go_again(context_, now); }) run.go_again(context_, now);
    return descend_afresh<Level + 1>(slot, now);
  }

  /// Ends the wait in that phase, or the attempt. Who wanted in is out; who wanted to go again is
  /// told.
  template <std::size_t Level, class Slot>
  kind end_at(const refusal& why, std::size_t phase, Slot& slot, const now_type& now) {
    if constexpr (Level == depth) {
      return refuse<depth>(why, slot, now);
    } else {
      if (phase == 2 * Level) {
        runs_.template at<Level>().end(*layers_);
        return refuse<Level>(why, slot, now);
      }
      if (phase == 2 * Level + 1) return refuse<Level + 1>(why, slot, now);
      return end_at<Level + 1>(why, phase, slot, now);
    }
  }

  [[nodiscard]] pipeline_step step_of(kind what) const noexcept {
    return {what, what == kind::wait ? until_ : instant{}};
  }
  [[nodiscard]] bool expired(const now_type& now) const noexcept {
    return !context_.until.is_never() && context_.until.expired(now());
  }

  const Clock* clock_;
  Layers* layers_;
  call_context context_{};
  call_outcome outcome_{};
  instant until_;  // while it waits
  std::uint8_t phase_ = not_waiting;
  bool given_up_ = false;
  run_stack<0, Layers, Policies...> runs_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
