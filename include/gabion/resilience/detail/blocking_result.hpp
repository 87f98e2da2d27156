// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <gabion/core/detail/result_shape.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

template <class T>
concept awaiter_like = requires(T& t) {
  t.await_ready();
  t.await_resume();
};

template <class T>
concept awaited_by_operator = requires(T&& t) { std::forward<T>(t).operator co_await(); } ||
                              requires(T&& t) { operator co_await(std::forward<T>(t)); };

/// The return object of a coroutine.
template <class T>
concept coroutine_object = requires { typename T::promise_type; };

template <class T>
concept coroutine_handle_like = requires(T& t) {
  t.resume();
  t.done();
  t.address();
};

/// std::future, std::shared_future and the like.
template <class T>
concept future_like = requires(T& t) {
  t.wait();
  t.get();
  t.valid();
};

/// A result that is not available yet when the function returns. An expected-like type may have a
/// promise or be awaitable, for early returns, but already contains its value.
template <class T>
concept deferred_result =
    (!has_has_value<T> && (awaiter_like<T> || awaited_by_operator<T> || coroutine_object<T>)) ||
    coroutine_handle_like<T> || future_like<T>;

/// Static-asserts that the function of a blocking call returns its result itself.
template <class Result>
consteval bool explain_blocking() {
  static_assert(
      !deferred_result<std::remove_cvref_t<Result>>,
      "this call blocks, so its function must return the result itself, not an awaitable, a "
      "future or a coroutine, which has not run yet. For coroutines use call_async (with Asio "
      "asio_adapter::call), or acquire a permit and record the verdict later; with a future, "
      "call get() inside the function");
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
