// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>

/// A coroutine's result that is not driven by anybody: what a library's task type looks like.
struct task {
  struct promise_type {
    task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<>) const {}
  void await_resume() const {}
  std::coroutine_handle<promise_type> handle{};
};
