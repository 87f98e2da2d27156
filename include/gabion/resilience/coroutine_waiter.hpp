// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// Lets a coroutine wait until a moment: `co_await w.wait_until(moment)` gives a bool, true when
/// the moment has come or it was woken, false if the wait was cancelled. What it returns must be
/// awaitable in the coroutine that waits, which only that coroutine can check. With `void wake()`,
/// safe from any thread, policies may queue the call.
template <class W>
concept coroutine_waiter = requires(W& w, instant moment) {
  w.wait_until(moment);
  requires !std::is_void_v<decltype(w.wait_until(moment))>;
  requires !std::same_as<decltype(w.wait_until(moment)), bool>;
};

/// Names what W lacks to be a coroutine waiter, in words.
template <class W>
consteval bool explain_coroutine_waiter() {
  static_assert(coroutine_waiter<W>,
                "coroutine_waiter: `wait_until(gabion::instant)`, which returns something to "
                "co_await that gives a bool, is missing");
  return coroutine_waiter<W>;
}

}  // namespace v0
}  // namespace gabion
