// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/detail/pipeline_layer.hpp>
#include <gabion/resilience/detail/pipeline_machine.hpp>
#include <gabion/resilience/detail/pipeline_order.hpp>
#include <gabion/resilience/insist.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

/// Policies around a call, the outermost first, as one type without a virtual call. Make it with
/// `pipeline(...)`.
///
/// It keeps no state of its own: all that it does to its policies is thread-safe as they are, so
/// one object serves any number of threads and coroutines. Nothing here allocates. The clock is
/// read at most once on the way in, and on the way out only if a policy asks. An order of policies
/// that is known to do harm does not compile; `insist` overrules it.
template <clock Clock, class... Policies>
class basic_pipeline {
  static_assert((explain_policy<typename detail::policy_of<Policies>::type>() && ...));
  static_assert((std::move_constructible<Policies> && ...),
                "pipeline: a policy that cannot be moved was given as a temporary. Give it a name "
                "and give that: it is used where "
                "it is, and must outlive the pipeline");
  static_assert(detail::explain_order<Policies...>());

  using layers_type = std::tuple<detail::pipeline_layer<Policies>...>;
  using machine_type =
      detail::pipeline_machine<Clock, layers_type, typename detail::policy_of<Policies>::type...>;

 public:
  /// One call, for a driver of your own.
  template <class Result, class Judge = detail::judge_by_traits>
  using run = pipeline_run<Result, Judge, machine_type>;

  template <class... Given>
    requires(sizeof...(Given) == sizeof...(Policies))
  constexpr explicit basic_pipeline(Clock clock, Given&&... policies)
      : clock_{std::move(clock)},
        layers_{detail::pipeline_layer<Policies>{std::forward<Given>(policies)}...} {}

  /// Calls f through the policies on this thread, waiting where they say so, and returns exactly
  /// what f returns.
  ///
  /// f takes nothing or `const call_context&`. Its result is judged by `outcome_traits`; an
  /// exception is a failure and, if it is the last word, goes on unchanged. A call that a policy
  /// refuses ends as `outcome_traits<Result>::rejected(...)` if the type has it, otherwise with
  /// refused_error; so does one whose deadline has passed (errc::timeout) or whose caller has
  /// requested a stop (errc::cancelled), which ends a wait at once.
  template <pipeline_callable Function>
  detail::call_result<Function> call(Function&& f) {
    return call_blocking(detail::no_context{}, detail::judge_by_traits{}, f);
  }
  /// The same with a judgement of its own: `failure_if` for results, `ignore_exceptions` for
  /// exceptions.
  template <detail::circuit_judgement Judge, pipeline_callable Function>
  detail::call_result<Function> call(Judge judge, Function&& f) {
    return call_blocking(detail::no_context{}, std::move(judge), f);
  }
  /// The same with a deadline, a stop token and whatever else the context says.
  template <pipeline_callable Function>
  detail::call_result<Function> call(const call_context& context, Function&& f) {
    return call(context, detail::judge_by_traits{}, f);
  }
  template <class Judge, pipeline_callable Function>
  detail::call_result<Function> call(const call_context& context, Judge judge, Function&& f) {
    return call_blocking(context, std::move(judge), f);
  }
  /// The same, waiting in a waiter of yours, which must go by this pipeline's clock. A policy
  /// queues only if it can be woken.
  template <sleeper Sleeper, pipeline_callable Function>
  detail::call_result<Function> call(Sleeper& waiter, const call_context& context, Function&& f) {
    return call(waiter, context, detail::judge_by_traits{}, f);
  }
  template <sleeper Sleeper, class Judge, pipeline_callable Function>
  detail::call_result<Function> call(Sleeper& waiter, const call_context& context, Judge judge,
                                     Function&& f) {
    return call_in(waiter, context, std::move(judge), f);
  }

  /// One call for a driver of your own: see `pipeline_run`. `Result` is what an attempt returns.
  /// Without a `wake` in the context no policy queues the call.
  template <class Result>
  [[nodiscard]] run<Result> start(const call_context& context = {}) {
    return start<Result>(context, detail::judge_by_traits{});
  }
  template <class Result, class Judge>
  [[nodiscard]] run<Result, Judge> start(const call_context& context, Judge judge) {
    static_assert(explain_result<Result>());
    return {clock_, layers_, context, std::move(judge)};
  }

  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  /// The policy at that place, 0 for the outermost.
  template <std::size_t Place>
  [[nodiscard]] auto& policy() noexcept {
    return std::get<Place>(layers_).get();
  }

 private:
  using kind = pipeline_step::kind;

  /// Whether a blocking call needs its waiter from the start, because it may be woken before it
  /// waits. Otherwise the waiter is created only if the call has to wait.
  template <class Function>
  static constexpr bool wakes_early =
      detail::takes_context<Function> ||
      (detail::may_wait<typename policy_traits<typename detail::policy_of<Policies>::type>::run> ||
       ...);

  template <class Context, class Judge, class Function>
  [[gnu::always_inline]] detail::call_result<Function> call_blocking(const Context& context,
                                                                     Judge judge, Function& f) {
    if constexpr (wakes_early<Function>) {
      basic_blocking_waiter<Clock> waiter{stop_of(context), clock_};
      return call_in(waiter, context, std::move(judge), f);
    } else {
      using result_type = detail::call_result<Function>;
      static_assert(explain_result<result_type>());
      run<result_type, Judge> once{clock_, layers_, context, std::move(judge)};
      pipeline_step step = once.begin();
      if (step.what == kind::attempt) [[likely]]
        step = once.attempt(f);
      if (step.what != kind::done) [[unlikely]]
        wait_and_go_on(once, step, f);
      return once.finish();
    }
  }
  template <class Run, class Function>
  [[gnu::noinline]] void wait_and_go_on(Run& once, pipeline_step step, Function& f) {
    basic_blocking_waiter<Clock> waiter{once.context().stop, clock_};
    once.context().wake.emplace(waiter);
    drive(once, step, waiter, f);
    once.context().wake.reset();
  }
  template <class Sleeper, class Context, class Judge, class Function>
  detail::call_result<Function> call_in(Sleeper& waiter, const Context& context, Judge judge,
                                        Function& f) {
    using result_type = detail::call_result<Function>;
    static_assert(explain_result<result_type>());
    run<result_type, Judge> once{clock_, layers_, context, std::move(judge)};
    if constexpr (wakeable<Sleeper>) once.context().wake.emplace(waiter);
    drive(once, once.begin(), waiter, f);
    return once.finish();
  }
  template <class Run, class Sleeper, class Function>
  [[gnu::always_inline]] static void drive(Run& once, pipeline_step step, Sleeper& waiter,
                                           Function& f) {
    while (step.what != kind::done) {
      if (step.what == kind::attempt)
        step = once.attempt(f);
      else
        step = waiter.wait_until(step.until) ? once.resume() : once.cancel();
    }
  }
  [[nodiscard]] static std::stop_token stop_of(const call_context& context) noexcept {
    return context.stop;
  }
  [[nodiscard]] static std::stop_token stop_of(detail::no_context /*none*/) noexcept { return {}; }

  /// Says in words why calls with that result cannot be made.
  template <class Result>
  static consteval bool explain_result() {
    static_assert(!std::is_reference_v<Result> ||
                      ((policy_traits<typename detail::policy_of<Policies>::type>::kind !=
                        policy_kind::fallback) &&
                       ...),
                  "pipeline: a fallback cannot answer for a call that returns a reference. Return "
                  "a value or a pointer");
    return true;
  }

  [[no_unique_address]] Clock clock_;
  layers_type layers_;
};

/// Puts policies around a call, the outermost first. An lvalue is used where it is and must outlive
/// the pipeline, an rvalue is moved into it. \code auto guarded = pipeline(retry, breaker,
/// limiter); guarded.call(send); \endcode
template <class... Policies>
  requires(sizeof...(Policies) > 0 && !detail::has_hedge<Policies...>)
[[nodiscard]] constexpr auto pipeline(Policies&&... policies) {
  return basic_pipeline<steady_clock, detail::given_policy<Policies>...>{
      steady_clock{}, std::forward<Policies>(policies)...};
}
/// The same by a clock of yours, which must be the policies' clock too.
template <clock Clock, class... Policies>
  requires(sizeof...(Policies) > 0 && !detail::has_hedge<Policies...>)
[[nodiscard]] constexpr auto pipeline(Clock clock, Policies&&... policies) {
  return basic_pipeline<Clock, detail::given_policy<Policies>...>{
      std::move(clock), std::forward<Policies>(policies)...};
}

}  // namespace v0
}  // namespace gabion
