// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {
namespace asio_adapter {

/// Awaits an operation, but no longer than the context's deadline: then the operation is cancelled,
/// waited for, and refused_error (errc::timeout) thrown. This is what makes the deadlines of a
/// pipeline's timeouts bite on asio operations.
///
/// What the operation returns or throws goes on unchanged, at once. One that does not heed
/// cancellation is waited for all the same. Its result must be default-constructible, as for
/// asio::co_spawn.
template <class Result>
  requires std::is_void_v<Result> || std::default_initializable<Result>
[[nodiscard]] ::asio::awaitable<Result> within(call_context context,
                                               ::asio::awaitable<Result> operation) {
  if (context.until.is_never()) co_return co_await std::move(operation);
  namespace experimental = ::asio::experimental;
  const auto executor = co_await ::asio::this_coro::executor;
  ::asio::steady_timer timer{executor, context.until.when()};
  // Not operator||, which would let a failure wait for the timer.
  auto race = experimental::make_parallel_group(
      ::asio::co_spawn(executor, std::move(operation), experimental::deferred),
      timer.async_wait(experimental::deferred));
  const auto settle = [](bool timer_was_first, const std::exception_ptr& thrown,
                         ::asio::error_code timer_ended) {
    if (thrown && timer_was_first && !timer_ended)
      gabion::detail::raise<refused_error>(refusal{errc::timeout});
    if (thrown) std::rethrow_exception(thrown);
  };
  if constexpr (std::is_void_v<Result>) {
    auto [order, thrown, timer_ended] =
        co_await race.async_wait(experimental::wait_for_one(), ::asio::use_awaitable);
    settle(order[0] == 1, thrown, timer_ended);
  } else {
    auto [order, thrown, result, timer_ended] =
        co_await race.async_wait(experimental::wait_for_one(), ::asio::use_awaitable);
    settle(order[0] == 1, thrown, timer_ended);
    co_return std::move(result);
  }
}

}  // namespace asio_adapter
}  // namespace v0
}  // namespace gabion
