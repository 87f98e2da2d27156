// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <asio/awaitable.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/core/error.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion::inline v0::asio_adapter {

/// Awaits an operation, but no longer than the context's deadline: then the operation is cancelled, waited for, and
/// refused_error (errc::timeout) thrown. This is what makes the deadlines of a pipeline's timeouts bite on asio operations.
/// An operation that does not heed cancellation is waited for all the same.
template <class Result>
[[nodiscard]] ::asio::awaitable<Result> within(call_context context, ::asio::awaitable<Result> operation) {
  if (context.until.is_never()) co_return co_await std::move(operation);
  using namespace ::asio::experimental::awaitable_operators;
  ::asio::steady_timer timer{co_await ::asio::this_coro::executor, context.until.when()};
  auto first = co_await (std::move(operation) || timer.async_wait(::asio::use_awaitable));
  if (first.index() == 1) detail::raise<refused_error>(refusal{errc::timeout});
  if constexpr (!std::is_void_v<Result>) co_return std::get<0>(std::move(first));
}

}  // namespace gabion::inline v0::asio_adapter
