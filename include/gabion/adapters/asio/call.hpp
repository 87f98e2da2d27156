// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <system_error>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>

#include <gabion/adapters/asio/waiter.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline_coroutine.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {
namespace asio_adapter {

/// A judge that knows an asio operation that was cancelled, whose error code is of a category of
/// asio's own.
template <class Judge = gabion::detail::judge_by_traits>
struct judge : Judge {
  using Judge::operator();

  [[nodiscard]] static verdict judge_exception(const std::exception_ptr& thrown) {
    verdict how = verdict::failure;
    gabion::detail::inspect<refused_error>(thrown, [&](const std::system_error& e) {
      if (e.code() == ::asio::error::operation_aborted ||
          e.code() == std::errc::operation_canceled || e.code() == make_error_code(errc::cancelled))
        how = verdict::cancelled;
    });
    return how;
  }
};

/// Calls f, which returns an asio::awaitable, through a pipeline on that executor: `call_async`
/// with a waiter of asio's.
///
/// Cancelling the coroutine ends a wait at once, and the call with errc::cancelled; so does a stop
/// requested through the context. An attempt that was cancelled counts as cancelled. The executor
/// must be the one that the coroutine runs on, and no two of its handlers may run at the same time.
/// Name the context and f before the call: see docs/pipeline.md about g++ 12.
/// \code co_await call(co_await asio::this_coro::executor, guarded, context, send); \endcode
template <class... Policies, class Predicate, class Function>
  requires pipeline_callable<std::decay_t<Function>>
[[nodiscard]] auto call(const ::asio::any_io_executor& executor,
                        basic_pipeline<steady_clock, Policies...>& pipeline,
                        const call_context& context, failure_if<Predicate> judged, Function&& f) {
  return gabion::call_async(pipeline, waiter{executor, context.stop}, context,
                            judge<failure_if<Predicate>>{std::move(judged)},
                            std::forward<Function>(f));
}
/// The same, judged by `outcome_traits`.
template <class... Policies, class Function>
  requires pipeline_callable<std::decay_t<Function>>
[[nodiscard]] auto call(const ::asio::any_io_executor& executor,
                        basic_pipeline<steady_clock, Policies...>& pipeline,
                        const call_context& context, Function&& f) {
  return gabion::call_async(pipeline, waiter{executor, context.stop}, context, judge<>{},
                            std::forward<Function>(f));
}
/// The same without a deadline or a stop token.
template <class... Policies, class Function>
  requires pipeline_callable<std::decay_t<Function>>
[[nodiscard]] auto call(const ::asio::any_io_executor& executor,
                        basic_pipeline<steady_clock, Policies...>& pipeline, Function&& f) {
  return asio_adapter::call(executor, pipeline, call_context{}, std::forward<Function>(f));
}

}  // namespace asio_adapter
}  // namespace v0
}  // namespace gabion
