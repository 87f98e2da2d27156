// SPDX-License-Identifier: MIT
// Policies that write down what happens to them, a waiter that moves the time, and every way to
// drive a pipeline.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/pipeline_coroutine.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace pipeline_tests {

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::call_outcome;
using gabion::duration;
using gabion::entry_step;
using gabion::errc;
using gabion::exit_step;
using gabion::instant;
using gabion::policy_kind;
using gabion::refusal;
using gabion::verdict;

using diary = std::vector<std::string>;

/// Says what a policy answers; without a member set it passes and hands up.
template <policy_kind Kind = policy_kind::other>
class recorder {
 public:
  static constexpr policy_kind kind = Kind;

  recorder(std::string called, diary& book) : name{std::move(called)}, log{&book} {}

  std::string name;
  diary* log;
  std::function<entry_step(call_context&, instant)> on_enter{};
  std::function<exit_step(call_outcome&, call_context&, instant)> on_leave{};
  std::optional<gabion::wake_ref> wake{};

  class run {
   public:
    explicit run(recorder& policy) noexcept : policy_{&policy} {}
    run(const run&) = delete;
    run& operator=(const run&) = delete;
    ~run() {
      if (inside_) policy_->log->push_back(policy_->name + " destroyed");
    }

    template <class Now>
    entry_step enter(call_context& context, const Now& now) {
      inside_ = true;
      policy_->wake = context.wake;
      policy_->log->push_back(policy_->name + " enter");
      return policy_->on_enter ? policy_->on_enter(context, now()) : entry_step::pass();
    }
    template <class Now>
    exit_step leave(call_outcome& outcome, call_context& context, const Now& now) {
      policy_->log->push_back(policy_->name + " leave " + std::string{to_string(outcome.verdict)});
      return policy_->on_leave ? policy_->on_leave(outcome, context, now()) : exit_step::up();
    }

   private:
    recorder* policy_;
    bool inside_ = false;
  };
};

/// Goes again after a failure, `attempts` times in all, each time after `wait`.
class simple_retry {
 public:
  static constexpr policy_kind kind = policy_kind::retry;
  explicit simple_retry(std::uint32_t attempts, duration wait = 10ms) noexcept
      : attempts_{attempts}, wait_{wait} {}

  class run {
   public:
    explicit run(simple_retry& policy) noexcept : policy_{&policy} {}
    template <class Now>
    entry_step enter(call_context& context, const Now& /*now*/) noexcept {
      first_ = context.attempt;
      return entry_step::pass();
    }
    template <class Now>
    exit_step leave(call_outcome& outcome, call_context& context, const Now& now) noexcept {
      if (outcome.verdict == verdict::failure && ++made_ < policy_->attempts_) {
        context.attempt = first_ + made_;
        return exit_step::again(now() + policy_->wait_);
      }
      context.attempt = first_;
      return exit_step::up();
    }

   private:
    simple_retry* policy_;
    std::uint32_t first_ = 1;
    std::uint32_t made_ = 0;
  };

 private:
  std::uint32_t attempts_;
  duration wait_;
};

/// Waits by moving the time, unless it is told what to do during the wait.
class manual_waiter {
 public:
  explicit manual_waiter(gabion::testing::manual_time& time) noexcept : time_{&time} {}

  std::vector<duration> waits{};
  std::function<void()> during{};  ///< called in the middle of a wait, before the time moves
  bool interrupted = false;        ///< the answer of a wait: false if set

  bool wait_until(instant moment) {
    waits.push_back(moment - time_->now());
    if (during) during();
    if (interrupted) return false;
    if (!std::exchange(woken_, false)) time_->advance_to(moment);
    return true;
  }
  void wake() noexcept { woken_ = true; }

 private:
  gabion::testing::manual_time* time_;
  bool woken_ = false;
};
static_assert(gabion::waiter<manual_waiter>);

/// The least that is a task: lazy, with one value, awaited by one. Counts the frames.
struct frame_count {
  static inline int made = 0;
  static void* operator new(std::size_t size) {
    ++made;
    return ::operator new(size);
  }
  static void operator delete(void* frame) { ::operator delete(frame); }
};

template <class T>
struct task_result {
  std::optional<T> value{};
  void return_value(T v) { value.emplace(std::move(v)); }
  T take() { return std::move(*value); }
};
template <class T>
struct task_result<T&> {
  T* value = nullptr;
  void return_value(T& v) { value = &v; }
  T& take() { return *value; }
};
template <>
struct task_result<void> {
  void return_void() {}
  void take() {}
};

template <class T>
class task {
 public:
  struct promise_type : task_result<T>, frame_count {
    std::exception_ptr thrown{};
    std::coroutine_handle<> awaiting{std::noop_coroutine()};

    task get_return_object() {
      return task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static auto final_suspend() noexcept {
      struct resume_awaiting : std::suspend_always {
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          return h.promise().awaiting;
        }
      };
      return resume_awaiting{};
    }
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  task(task&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  ~task() {
    if (handle_) handle_.destroy();
  }

  void start() { handle_.resume(); }
  [[nodiscard]] bool done() const { return handle_.done(); }
  T get() {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
    return handle_.promise().take();
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().awaiting = awaiting;
    return handle_;
  }
  T await_resume() { return get(); }

 private:
  explicit task(std::coroutine_handle<promise_type> h) : handle_{h} {}
  std::coroutine_handle<promise_type> handle_;
};

// How a call is driven. `call(pipeline, waiter, context, f)` returns what f returns.

struct blocking_driver {
  static constexpr const char* name = "blocking";
  template <class Pipeline, class Function>
  static auto call(Pipeline& pipeline, manual_waiter& waiter, const call_context& context,
                   Function& f) -> gabion::detail::call_result<Function> {
    return pipeline.call(waiter, context, f);
  }
};

/// The loop that a user of callbacks writes.
struct callback_driver {
  static constexpr const char* name = "callbacks";
  template <class Pipeline, class Function>
  static auto call(Pipeline& pipeline, manual_waiter& waiter, const call_context& context,
                   Function& f) -> gabion::detail::call_result<Function> {
    using result_type = gabion::detail::call_result<Function>;
    auto run = pipeline.template start<result_type>(context);
    run.context().wake.emplace(waiter);
    gabion::pipeline_step step = run.begin();
    while (step.what != gabion::pipeline_step::kind::done) {
      if (step.what == gabion::pipeline_step::kind::wait) {
        step = waiter.wait_until(step.until) ? run.resume() : run.cancel();
        continue;
      }
      try {
        if constexpr (std::is_void_v<result_type>) {
          gabion::detail::call_with(f, run.context());
          step = run.report();
        } else {
          step = run.report(gabion::detail::call_with(f, run.context()));
        }
      } catch (...) {
        step = run.report_exception(std::current_exception());
      }
    }
    return run.finish();
  }
};

/// A waiter whose wait suspends the coroutine; the driver goes on with it.
struct suspending_waiter {
  manual_waiter* time;
  std::coroutine_handle<> waiting{};
  bool came = false;

  struct awaiter {
    suspending_waiter* waiter;
    instant moment;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept { waiter->waiting = h; }
    [[nodiscard]] bool await_resume() const { return waiter->time->wait_until(moment); }
  };
  awaiter wait_until(instant moment) noexcept { return {this, moment}; }
  void wake() noexcept { time->wake(); }
};
static_assert(gabion::coroutine_waiter<suspending_waiter>);

struct task_driver {
  static constexpr const char* name = "task";
  template <class Pipeline, class Function>
  static auto call(Pipeline& pipeline, manual_waiter& waiter, const call_context& context,
                   Function& f) -> gabion::detail::call_result<Function> {
    using result_type = gabion::detail::call_result<Function>;
    suspending_waiter suspending{&waiter};
    const auto attempt = [&f](const call_context& c) -> task<result_type> {
      co_return gabion::detail::call_with(f, c);
    };
    task<result_type> whole = gabion::call_async(pipeline, suspending, context, attempt);
    whole.start();
    while (!whole.done()) std::exchange(suspending.waiting, nullptr).resume();
    return whole.get();
  }
};

}  // namespace pipeline_tests
