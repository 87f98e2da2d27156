// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <memory>
#include <stop_token>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/coroutine_waiter.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {
namespace asio_adapter {

/// Lets an asio coroutine wait in a pipeline, on a steady_timer.
///
/// A wait ends early, and is cancelled, when the coroutine is cancelled through its cancellation
/// slot; a stop requested through the token that it was made with ends it too. `wake` is safe from
/// any thread: it posts to the executor. That executor must be the coroutine's and must not run two
/// handlers at a time: a single-threaded context or a strand. One wait at a time; make one for each
/// call, or use it for one call after the other. Allocates once when made, and as asio does while
/// waiting.
class waiter {
 public:
  explicit waiter(const ::asio::any_io_executor& executor, std::stop_token stop = {})
      : state_{std::make_shared<state>(executor)}, stop_{std::move(stop)} {}

  /// True when the moment has come, or when it was woken; false if the coroutine was cancelled or a
  /// stop was requested.
  [[nodiscard]] ::asio::awaitable<bool> wait_until(instant moment) {
    const auto cancelled = [](const ::asio::cancellation_state& s) {
      return s.cancelled() != ::asio::cancellation_type::none;
    };
    if (cancelled(co_await ::asio::this_coro::cancellation_state) || stop_.stop_requested())
      co_return false;
    if (!state_->woken && steady_clock::now() < moment) {
      state_->timer.expires_at(moment);
      const std::stop_callback on_stop{stop_, [this] { wake(); }};
      ::asio::error_code cut_short;
      co_await state_->timer.async_wait(::asio::redirect_error(::asio::use_awaitable, cut_short));
    }
    state_->woken = false;
    co_return !cancelled(co_await ::asio::this_coro::cancellation_state) && !stop_.stop_requested();
  }

  /// A coroutine that was cancelled before, in an attempt that did not say so by an exception,
  /// cannot even begin to wait.
  [[nodiscard]] static bool was_cancelled(const std::exception_ptr& thrown) {
    bool cancelled = false;
    gabion::detail::inspect<refused_error>(thrown, [&](const std::system_error& e) {
      cancelled = e.code() == ::asio::error::operation_aborted;
    });
    return cancelled;
  }

  /// Ends the wait that is going on, or else the next one.
  void wake() {
    ::asio::post(state_->timer.get_executor(), [state = state_] {
      state->woken = true;
      state->timer.cancel();
    });
  }

 private:
  // Shared with what was posted, which may come after the waiter is gone.
  struct state {
    explicit state(const ::asio::any_io_executor& executor) : timer{executor} {}
    ::asio::steady_timer timer;
    bool woken = false;
  };

  std::shared_ptr<state> state_;
  std::stop_token stop_;
};

static_assert(coroutine_waiter<waiter>);

}  // namespace asio_adapter
}  // namespace v0
}  // namespace gabion
