// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>

// What a function returns that has not run yet.
struct task {
  struct promise_type {
    task get_return_object() noexcept { return {}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(int /*value*/) noexcept {}
    void unhandled_exception() noexcept {}
  };
};

struct awaitable {
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> /*caller*/) noexcept {}
  int await_resume() noexcept { return 1; }
};
