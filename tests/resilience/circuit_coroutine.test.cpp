// SPDX-License-Identifier: MIT
// A permit is all that a coroutine needs: it lives in the coroutine's frame across co_await, and a
// destroyed frame returns it.
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {

/// The least that is a task: lazy, with one value, awaited by one.
template <class T>
class task {
 public:
  struct promise_type {
    std::optional<T> value{};
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
    void return_value(T v) { value.emplace(std::move(v)); }
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  task(task&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  ~task() {
    if (handle_) handle_.destroy();
  }

  void start() { handle_.resume(); }
  [[nodiscard]] bool done() const { return handle_.done(); }
  [[nodiscard]] T get() {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
    return std::move(*handle_.promise().value);
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

/// An answer that comes when the test says so.
struct pending_answer {
  std::coroutine_handle<> waiting{};
  std::optional<int> answer{};

  [[nodiscard]] static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { waiting = h; }
  int await_resume() const {
    if (!answer) throw std::runtime_error{"connection lost"};
    return *answer;
  }
  void arrive(std::optional<int> with) {
    answer = with;
    waiting.resume();
  }
};

task<int> ask(pending_answer& remote) { co_return co_await remote; }

/// The coroutine form of `call`, over any task type: this is the caller's own task.
task<int> guarded(breaker& b, pending_answer& remote) {
  auto admitted = b.try_acquire();
  if (!admitted) co_return -1;
  auto permit = std::move(admitted).permit();
  std::exception_ptr thrown;
  int answer = 0;
  try {
    answer = co_await ask(remote);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    permit.failure();
    std::rethrow_exception(thrown);
  }
  permit.success();
  co_return answer;
}

constexpr circuit_breaker_options one_failure{
    .failures = 1, .open_for = std::chrono::seconds{60}, .successes_to_close = 1};

}  // namespace

TEST_CASE("a permit is held across co_await and settled with the answer",
          "[circuit_breaker][coroutine]") {
  bench x{one_failure};
  pending_answer remote;
  auto t = guarded(x.b, remote);
  t.start();
  CHECK_FALSE(t.done());
  CHECK(x.counts().settled() == 0);
  remote.arrive(7);
  REQUIRE(t.done());
  CHECK(t.get() == 7);
  CHECK(x.counts().success == 1);
}

TEST_CASE("an exception out of co_await fails the call and reaches the awaiting side",
          "[circuit_breaker][coroutine]") {
  bench x{one_failure};
  pending_answer remote;
  auto t = guarded(x.b, remote);
  t.start();
  remote.arrive(std::nullopt);
  CHECK_THROWS_AS(t.get(), std::runtime_error);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("destroying a coroutine that waits with a probe gives the permit back",
          "[circuit_breaker][coroutine]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(60s);
  {
    pending_answer remote;
    auto t = guarded(x.b, remote);
    t.start();
    CHECK(x.b.snapshot().probes_out == 1);
  }
  CHECK(x.b.snapshot().probes_out == 0);
  CHECK(x.counts().abandoned == 1);

  pending_answer remote;
  auto t = guarded(x.b, remote);
  t.start();
  remote.arrive(1);
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("a coroutine that was admitted before the trip answers too late",
          "[circuit_breaker][coroutine]") {
  bench x{one_failure};
  pending_answer remote;
  auto t = guarded(x.b, remote);
  t.start();
  x.fail();
  x.time.advance(60s);
  const auto probe = x.b.try_acquire();
  remote.arrive(3);
  CHECK(t.get() == 3);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.counts().late == 1);
}
