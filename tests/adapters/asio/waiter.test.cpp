// SPDX-License-Identifier: MIT
// The waiter on asio's timer. Every wait here would last an hour: what ends it early is what is
// tested.
#include <chrono>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/adapters/asio/call.hpp>
#include <gabion/adapters/asio/within.hpp>

#include "resilience/pipeline_fixture.hpp"
#include "support/catch.hpp"

using namespace pipeline_tests;
namespace on_asio = gabion::asio_adapter;

namespace {

/// Runs what f returns to its end; `meanwhile` runs once everything waits. Gives the code it ended
/// with.
struct ended {
  std::error_code code{};
  duration took{};
};

template <class Coroutine, class Meanwhile>
ended run(asio::io_context& io, Coroutine coroutine, asio::cancellation_slot slot,
          Meanwhile meanwhile) {
  ended result;
  const instant start = gabion::steady_clock::now();
  asio::co_spawn(io, std::move(coroutine),
                 asio::bind_cancellation_slot(slot, [&](std::exception_ptr thrown) {
                   try {
                     if (thrown) std::rethrow_exception(thrown);
                   } catch (const std::system_error& e) {
                     result.code = e.code();
                   }
                 }));
  io.poll();
  meanwhile();
  io.run();
  result.took = gabion::steady_clock::now() - start;
  return result;
}

asio::awaitable<void> fail() {
  throw std::runtime_error{"down"};
  co_return;
}

asio::awaitable<void> take_an_hour() {
  asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

TEST_CASE("cancelling an asio coroutine ends a back-off at once and the call as cancelled",
          "[asio][waiter]") {
  asio::io_context io;
  diary log;
  recorder<> outer{"outer", log};
  auto p = gabion::pipeline(outer, simple_retry{3, 1h});
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    co_await on_asio::call(co_await asio::this_coro::executor, p, &fail);
  };
  const ended result =
      run(io, whole, signal.slot(), [&] { signal.emit(asio::cancellation_type::terminal); });
  CHECK(result.code == make_error_code(errc::cancelled));
  CHECK(result.took < 1min);
  CHECK(log == diary{"outer enter", "outer leave cancelled", "outer destroyed"});
}

TEST_CASE("cancelling an asio coroutine cancels the attempt and nothing goes again",
          "[asio][waiter]") {
  asio::io_context io;
  diary log;
  recorder<> inner{"inner", log};
  auto p = gabion::pipeline(simple_retry{3, 1h}, inner);
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    co_await on_asio::call(co_await asio::this_coro::executor, p, &take_an_hour);
  };
  const ended result =
      run(io, whole, signal.slot(), [&] { signal.emit(asio::cancellation_type::terminal); });
  CHECK(result.code == asio::error::operation_aborted);
  CHECK(log == diary{"inner enter", "inner leave cancelled", "inner destroyed"});
}

TEST_CASE(
    "a coroutine that is cancelled in an attempt that tells so by a code ends as cancelled too",
    "[asio][waiter]") {
  asio::io_context io;
  diary log;
  recorder<> outer{"outer", log};
  auto p = gabion::pipeline(outer, simple_retry{3, 1h});
  asio::cancellation_signal signal;
  int attempts = 0;
  std::error_code told;
  const auto timed_out = [&]() -> asio::awaitable<std::error_code> {
    ++attempts;
    asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
    asio::error_code cut_short;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cut_short));
    co_return std::make_error_code(std::errc::timed_out);
  };
  const auto whole = [&]() -> asio::awaitable<void> {
    told = co_await on_asio::call(co_await asio::this_coro::executor, p, timed_out);
  };
  const ended result =
      run(io, whole, signal.slot(), [&] { signal.emit(asio::cancellation_type::terminal); });
  CHECK(result.code == std::error_code{});
  CHECK(told == make_error_code(errc::cancelled));
  CHECK(attempts == 1);
  CHECK(log == diary{"outer enter", "outer leave cancelled", "outer destroyed"});
}

TEST_CASE("a stop requested from another thread ends a back-off at once", "[asio][waiter]") {
  asio::io_context io;
  auto p = gabion::pipeline(simple_retry{3, 1h});
  std::stop_source stop;
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    // named, as g++ 12 destroys a temporary of this kind twice
    const call_context context{.stop = stop.get_token()};
    co_await on_asio::call(co_await asio::this_coro::executor, p, context, &fail);
  };
  std::thread other;
  const ended result =
      run(io, whole, signal.slot(), [&] { other = std::thread{[&] { stop.request_stop(); }}; });
  other.join();
  CHECK(result.code == make_error_code(errc::cancelled));
  CHECK(result.took < 1min);
}

TEST_CASE("a wake from another thread ends a wait to get in", "[asio][waiter]") {
  asio::io_context io;
  diary log;
  recorder<> queue{"queue", log};
  bool room = false;
  queue.on_enter = [&](call_context&, instant now) {
    return room ? entry_step::pass() : entry_step::wait(now + 1h);
  };
  auto p = gabion::pipeline(queue);
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    const auto nothing = []() -> asio::awaitable<void> { co_return; };
    co_await on_asio::call(co_await asio::this_coro::executor, p, nothing);
  };
  std::thread other;
  const ended result = run(io, whole, signal.slot(), [&] {
    room = true;
    REQUIRE(queue.wake);
    other = std::thread{[&] { queue.wake->wake(); }};
  });
  other.join();
  CHECK_FALSE(result.code);
  CHECK(result.took < 1min);
  CHECK(log == diary{"queue enter", "queue enter", "queue leave success", "queue destroyed"});
}

TEST_CASE("a wake after the waiter is gone does nothing", "[asio][waiter]") {
  asio::io_context io;
  { on_asio::waiter{io.get_executor()}.wake(); }
  CHECK(io.run() == 1);
}

TEST_CASE("case 79: a deadline cuts an asio operation short and shortens what lies below",
          "[asio][within]") {
  asio::io_context io;
  diary log;
  recorder<> attempt_time{"timeout", log};
  attempt_time.on_enter = [](call_context& c, instant now) {
    c.until = (gabion::min)(c.until, gabion::deadline::after(now, 1ms));
    return entry_step::pass();
  };
  auto p = gabion::pipeline(attempt_time);
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    const auto attempt = [](const call_context& c) -> asio::awaitable<void> {
      return on_asio::within(c, take_an_hour());
    };
    co_await on_asio::call(co_await asio::this_coro::executor, p, attempt);
  };
  const ended result = run(io, whole, signal.slot(), [] {});
  CHECK(result.code == make_error_code(errc::timeout));
  CHECK(result.took < 1min);
  CHECK(log.at(1) == "timeout leave failure");
}

TEST_CASE("an operation without a deadline or quicker than it is simply awaited",
          "[asio][within]") {
  asio::io_context io;
  int got = 0;
  const auto whole = [&]() -> asio::awaitable<void> {
    const auto five = []() -> asio::awaitable<int> { co_return 5; };
    const call_context endless{};
    const call_context ample{.until = gabion::deadline::after(gabion::steady_clock::now(), 1h)};
    got += co_await on_asio::within(endless, five());
    got += co_await on_asio::within(ample, five());
  };
  asio::co_spawn(io, whole, asio::detached);
  io.run();
  CHECK(got == 10);
}

TEST_CASE("an operation that fails before the deadline fails at once", "[asio][within]") {
  asio::io_context io;
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    const auto refuse = []() -> asio::awaitable<int> {
      throw std::system_error{std::make_error_code(std::errc::connection_refused)};
      co_return 1;
    };
    const call_context context{.until = gabion::deadline::after(gabion::steady_clock::now(), 1h)};
    static_cast<void>(co_await on_asio::within(context, refuse()));
  };
  const ended result = run(io, whole, signal.slot(), [] {});
  CHECK(result.code == std::errc::connection_refused);
  CHECK(result.took < 1min);
}

TEST_CASE("cancelling an operation that has a deadline is no time-out", "[asio][within]") {
  asio::io_context io;
  asio::cancellation_signal signal;
  const auto whole = [&]() -> asio::awaitable<void> {
    const call_context context{.until = gabion::deadline::after(gabion::steady_clock::now(), 1h)};
    co_await on_asio::within(context, take_an_hour());
  };
  const ended result =
      run(io, whole, signal.slot(), [&] { signal.emit(asio::cancellation_type::terminal); });
  CHECK(result.code == asio::error::operation_aborted);
}
