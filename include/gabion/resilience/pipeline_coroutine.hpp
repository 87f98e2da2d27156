// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/compile_mode.hpp>
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/coroutine_waiter.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/pipeline_run.hpp>

namespace gabion {
inline namespace v0 {

/// What a coroutine task gives when it is awaited. Known without it: the first template argument,
/// as in `task<int>`. Specialise it for other tasks: `using value_type = ...`.
template <class Task>
struct task_traits;
template <template <class...> class Task, class Value, class... More>
struct task_traits<Task<Value, More...>> {
  using value_type = Value;
};

namespace detail {

/// A wait that ended by this exception was cancelled: only a waiter of a task library that tells of
/// it in this way can say.
template <class Waiter>
[[nodiscard]] bool was_cancelled([[maybe_unused]] const std::exception_ptr& thrown) {
  if constexpr (requires { std::remove_reference_t<Waiter>::was_cancelled(thrown); })
    return std::remove_reference_t<Waiter>::was_cancelled(thrown);
  else
    return false;
}

/// The whole pipeline in one coroutine of the user's own task type; everything is awaited under the
/// rules of its promise.
template <class Task, class Waiter, class Pipeline, class Judge, class Function>
Task pipeline_coroutine(Pipeline& pipeline, Waiter waiter, call_context context, Judge judge,
                        Function f) {
  using result_type = typename task_traits<Task>::value_type;
  auto once = pipeline.template start<result_type>(context, std::move(judge));
  if constexpr (wakeable<std::remove_reference_t<Waiter>>) once.context().wake.emplace(waiter);
  pipeline_step step = once.begin();
  while (step.what != pipeline_step::kind::done) {
    std::exception_ptr thrown{};
    if (step.what == pipeline_step::kind::wait) {
      bool came = false;
#ifdef __cpp_exceptions
      try {
#endif
        came = co_await waiter.wait_until(step.until);
#ifdef __cpp_exceptions
      } catch (...) {
        thrown = std::current_exception();
      }
#endif
      if (thrown && !detail::was_cancelled<Waiter>(thrown))
        std::rethrow_exception(std::move(thrown));
      step = came ? once.resume() : once.cancel();
      continue;
    }
#ifdef __cpp_exceptions
    try {
#endif
      if constexpr (std::is_void_v<result_type>) {
        co_await detail::call_with(f, std::as_const(once).context());
        once.keep();
      } else {
        once.keep(co_await detail::call_with(f, std::as_const(once).context()));
      }
#ifdef __cpp_exceptions
    } catch (...) {
      thrown = std::current_exception();
    }
#endif
    step = thrown ? once.report_exception(std::move(thrown)) : once.report_kept();
  }
  co_return once.finish();
}

template <class Function>
using task_of = std::remove_cvref_t<call_result<std::decay_t<Function>>>;

}  // namespace detail

/// Calls the coroutine f through a pipeline and gives back a task of the type that f returns,
/// whatever library it is from.
///
/// As `pipeline.call`, but nothing blocks: f takes nothing or `const call_context&`, and waits are
/// awaited in `waiter`, which goes by the pipeline's clock. One coroutine frame for the whole
/// pipeline. f is moved into the frame; a waiter given as an rvalue too, one given as an lvalue
/// must outlive the call, as the pipeline must. The context's `wake` is set to the waiter if it can
/// be woken.
template <clock Clock, class... Policies, class Waiter, class Judge, class Function>
  requires coroutine_waiter<std::remove_reference_t<Waiter>> &&
           pipeline_callable<std::decay_t<Function>>
detail::task_of<Function> call_async(basic_pipeline<Clock, Policies...>& pipeline, Waiter&& waiter,
                                     const call_context& context, Judge judge, Function&& f) {
  return detail::pipeline_coroutine<detail::task_of<Function>, Waiter>(
      pipeline, std::forward<Waiter>(waiter), context, std::move(judge), std::forward<Function>(f));
}
/// The same, judged by `outcome_traits`.
template <clock Clock, class... Policies, class Waiter, class Function>
  requires coroutine_waiter<std::remove_reference_t<Waiter>> &&
           pipeline_callable<std::decay_t<Function>>
detail::task_of<Function> call_async(basic_pipeline<Clock, Policies...>& pipeline, Waiter&& waiter,
                                     const call_context& context, Function&& f) {
  return gabion::call_async(pipeline, std::forward<Waiter>(waiter), context,
                            detail::judge_by_traits{}, std::forward<Function>(f));
}
/// The same without a deadline or a stop token.
template <clock Clock, class... Policies, class Waiter, class Function>
  requires coroutine_waiter<std::remove_reference_t<Waiter>> &&
           pipeline_callable<std::decay_t<Function>>
detail::task_of<Function> call_async(basic_pipeline<Clock, Policies...>& pipeline, Waiter&& waiter,
                                     Function&& f) {
  return gabion::call_async(pipeline, std::forward<Waiter>(waiter), call_context{},
                            std::forward<Function>(f));
}

}  // namespace v0
}  // namespace gabion
