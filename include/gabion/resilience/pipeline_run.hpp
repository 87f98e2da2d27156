// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/pipeline_machine.hpp>
#include <gabion/resilience/detail/pipeline_result.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline_step.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

template <class Function>
concept takes_context = std::invocable<Function&, const call_context&>;

/// Calls f with the context if it takes one.
template <class Function>
decltype(auto) call_with(Function& f, const call_context& context) {
  if constexpr (takes_context<Function>)
    return f(context);
  else
    return f();
}

/// Not asked of `call_with`, whose body would be looked at for what cannot be called at all.
template <class Function>
struct call_result_of {};
template <class Function>
  requires std::invocable<Function&> && (!takes_context<Function>)
struct call_result_of<Function> : std::invoke_result<Function&> {};
template <takes_context Function>
struct call_result_of<Function> : std::invoke_result<Function&, const call_context&> {};
template <class Function>
using call_result = typename call_result_of<Function>::type;

}  // namespace detail

/// Something that a pipeline can call: it takes nothing, or `const call_context&`.
template <class Function>
concept pipeline_callable = detail::takes_context<Function> || std::invocable<Function&>;

/// One call through a pipeline, for whoever makes the attempts and does the waiting. It never
/// waits, sleeps or allocates.
///
/// `begin()` says what to do first. After an attempt call `report` or `report_exception`, after a
/// wait `resume`, which may also come too early; to give up, `cancel`. Each answers with the next
/// step. When one says `done`, `finish()` gives the result. Dropped before, the call counts as
/// abandoned and everything it holds is given back. For one thread at a time; the pipeline must
/// outlive it. Neither copied nor moved.
template <class Result, class Judge, class Machine>
class pipeline_run {
 public:
  /// `Context` is `call_context`; internally also `detail::no_context`.
  template <class Clock, class Layers, class Context>
  pipeline_run(const Clock& clock, Layers& layers, const Context& context, Judge judge)
      : judge_{std::move(judge)}, machine_{clock, layers, context} {}

  pipeline_step begin() { return machine_.begin(slot_); }

  /// The attempt has returned this.
  template <std::convertible_to<Result> Returned>
    requires(!std::is_void_v<Result>)
  pipeline_step report(Returned&& result) {
    keep(std::forward<Returned>(result));
    return report_kept();
  }
  /// The attempt, which returns nothing, has ended like this.
  pipeline_step report(verdict how = verdict::success)
    requires std::is_void_v<Result>
  {
    slot_.keep([] {});
    return machine_.report([how](call_outcome& outcome) { outcome.verdict = how; }, slot_);
  }
  /// The attempt has thrown: a failure, but cancelled if it is a system_error that says so, or
  /// whatever the judge's `verdict judge_exception(const std::exception_ptr&)` says, if it has one.
  /// May be called in the handler.
  pipeline_step report_exception(std::exception_ptr thrown) {
    slot_.keep_exception(std::move(thrown));
    return report_kept_exception();
  }
  /// Makes the attempt here and now: f takes nothing or `const call_context&`.
  template <pipeline_callable Function>
  [[gnu::always_inline]] pipeline_step attempt(Function& f) {
    static_assert(detail::explain_blocking<detail::call_result<Function>>());
    const auto call = [&]() -> Result { return detail::call_with(f, std::as_const(context())); };
    if (!slot_.keep_or_catch(call)) [[unlikely]]
      return report_kept_exception();
    return report_kept();
  }

  /// The two halves of `report`, for a driver in whose handler no judgement of the user's should
  /// run.
  template <std::convertible_to<Result> Returned>
    requires(!std::is_void_v<Result>)
  void keep(Returned&& result) {
    slot_.keep([&]() -> Result { return std::forward<Returned>(result); });
  }
  void keep()
    requires std::is_void_v<Result>
  {
    slot_.keep([] {});
  }
  [[gnu::always_inline]] pipeline_step report_kept() {
    return machine_.report(
        [&]([[maybe_unused]] call_outcome& outcome) {
          if constexpr (std::is_reference_v<Result>)
            detail::judge_result(outcome, std::as_const(*slot_.value()->to), judge_);
          else if constexpr (!std::is_void_v<Result>)
            detail::judge_result(outcome, std::as_const(*slot_.value()), judge_);
        },
        slot_);
  }

  /// The wait is over or was cut short by a wake. Ends the call if a stop was requested or its
  /// deadline has passed.
  pipeline_step resume() { return machine_.resume(slot_); }
  /// The caller gives up, during a wait or an attempt: the call ends with errc::cancelled.
  pipeline_step cancel() { return machine_.cancel(slot_); }

  /// What the attempt may want to know; deadline and number are the attempt's.
  [[nodiscard]] call_context& context() noexcept { return machine_.context(); }
  [[nodiscard]] const call_context& context() const noexcept { return machine_.context(); }
  /// How it went, once it is done.
  [[nodiscard]] const call_outcome& outcome() const noexcept { return machine_.outcome(); }

  /// After `done`, once: what the call returned, or, as a result or a refused_error, why it was
  /// refused, or what it threw.
  [[nodiscard]] Result finish() { return slot_.take(machine_.outcome()); }

 private:
  [[gnu::noinline]] pipeline_step report_kept_exception() {
    const call_outcome how = detail::outcome_of_exception(slot_.exception(), judge_);
    return machine_.report([&how](call_outcome& outcome) { outcome = how; }, slot_);
  }

  [[no_unique_address]] Judge judge_;
  detail::result_slot<Result> slot_{};
  Machine machine_;
};

}  // namespace v0
}  // namespace gabion
