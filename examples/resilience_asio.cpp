// SPDX-License-Identifier: MIT
// Calls of an asio program to another service, guarded by one pipeline: retry, circuit breaker,
// timeout. One coroutine frame is all that it adds. The other service is played by a coroutine that
// follows a script.
#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <string>
#include <system_error>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <gabion/adapters/asio/call.hpp>
#include <gabion/adapters/asio/within.hpp>
#include <gabion/resilience.hpp>

using namespace std::chrono_literals;
namespace guarded = gabion::asio_adapter;

namespace {

enum class reply { answer, error, silence };

/// The other service: answers, fails, or says nothing for an hour.
class price_service {
 public:
  explicit price_service(std::deque<reply> script) : script_{std::move(script)} {}

  asio::awaitable<int> price(gabion::call_context context) {
    std::printf("  attempt %u\n", context.attempt);
    // The deadline that the timeout has put into the context cuts the operation short.
    asio::awaitable<int> operation = answer();
    co_return co_await guarded::within(context, std::move(operation));
  }

 private:
  asio::awaitable<int> answer() {
    const reply next = script_.empty() ? reply::error : script_.front();
    if (!script_.empty()) script_.pop_front();
    if (next == reply::silence) {
      asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (next == reply::error)
      throw std::system_error{std::make_error_code(std::errc::connection_refused)};
    co_return 42;
  }

  std::deque<reply> script_;
};

template <class Pipeline>
asio::awaitable<void> ask(Pipeline& pipeline, price_service& service) {
  // Named, not a temporary inside co_await: g++ 12 destroys such a temporary twice.
  const auto attempt = [&service](const gabion::call_context& context) {
    return service.price(context);
  };
  try {
    const int price = co_await guarded::call(co_await asio::this_coro::executor, pipeline, attempt);
    std::printf("  the price is %d\n", price);
  } catch (const std::system_error& e) {
    std::printf("  no price: %s\n", e.code().message().c_str());
  }
}

}  // namespace

int main() {
  asio::io_context io;
  gabion::retry_policy retry{
      {.max_attempts = 3, .backoff = {.initial = 1ms, .jitter = gabion::backoff_jitter::none}}};
  gabion::circuit_breaker breaker{{.failures = 3, .open_for = 1h, .name = "prices"}};
  gabion::timeout_policy timeout{{.limit = 250ms}};
  auto pipeline = gabion::pipeline(retry, breaker, timeout);

  const auto run = [&](const char* what, auto& with, price_service service) {
    std::printf("%s\n", what);
    asio::co_spawn(io, ask(with, service), [](std::exception_ptr) {});
    io.run();
    io.restart();
  };
  run("silent, then well again:", pipeline, price_service{{reply::silence, reply::answer}});
  run("down:", pipeline, price_service{{}});
  run("still down:", pipeline, price_service{{}});

  std::printf("cancelled during a back-off of an hour:\n");
  gabion::retry_policy patient{
      {.backoff = {.initial = 1h, .cap = 1h, .jitter = gabion::backoff_jitter::none}}};
  auto waiting = gabion::pipeline(patient);
  price_service down{{}};
  asio::cancellation_signal client_left;
  asio::co_spawn(io, ask(waiting, down),
                 asio::bind_cancellation_slot(client_left.slot(), [](std::exception_ptr) {}));
  io.poll();
  client_left.emit(asio::cancellation_type::terminal);
  io.run();
}
