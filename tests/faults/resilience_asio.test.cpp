// SPDX-License-Identifier: MIT
// The calls of the asio adapter.
#include <chrono>
#include <stdexcept>
#include <system_error>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/adapters/asio/call.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/pipeline.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

asio::awaitable<int> one() { co_return 1; }

asio::awaitable<int> hang() {
  asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
  co_await timer.async_wait(asio::use_awaitable);
  co_return 1;
}

}  // namespace

TEST_CASE("R8: the call of asio takes exceptions to ignore", "[fault][!shouldfail]") {
  asio::io_context io;
  gabion::circuit_breaker breaker{{}};
  auto guarded = gabion::pipeline(breaker);
  const auto takes = [&io](auto& pipeline, auto judgement) {
    return requires {
      gabion::asio_adapter::call(asio::any_io_executor{io.get_executor()}, pipeline,
                                 gabion::call_context{}, judgement, one);
    };
  };
  REQUIRE(takes(guarded, gabion::failure_if{[](int) { return false; }}));
  CHECK(takes(guarded, gabion::ignore_exceptions<std::invalid_argument>()));
}

TEST_CASE("R8a: a caller that leaves is no failure whatever the judgement",
          "[fault][!shouldfail]") {
  asio::io_context io;
  gabion::circuit_breaker breaker{{}};
  auto guarded = gabion::pipeline(breaker);
  const gabion::call_context context;
  const auto f = [] { return hang(); };
  const auto send = [&]() -> asio::awaitable<void> {
    gabion::asio_adapter::waiter waiter{co_await asio::this_coro::executor};
    try {
      static_cast<void>(co_await gabion::call_async(
          guarded, waiter, context, gabion::ignore_exceptions<std::invalid_argument>(), f));
    } catch (const std::system_error&) {}
  };
  asio::cancellation_signal leave;
  asio::co_spawn(io, send, asio::bind_cancellation_slot(leave.slot(), asio::detached));
  io.poll();
  leave.emit(asio::cancellation_type::terminal);
  io.run();
  CHECK(breaker.snapshot().counts.failure == 0);
  CHECK(breaker.snapshot().counts.cancelled == 1);
}
