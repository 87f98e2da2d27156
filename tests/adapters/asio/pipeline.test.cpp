// SPDX-License-Identifier: MIT
// Every promise of a pipeline, driven through asio::awaitable.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include "resilience/pipeline_drivers.hpp"

namespace pipeline_tests {

/// A wait goes through the executor once, then moves the time.
struct asio_manual_waiter {
  manual_waiter* time;
  asio::awaitable<bool> wait_until(instant moment) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return time->wait_until(moment);
  }
  void wake() noexcept { time->wake(); }
};
static_assert(gabion::coroutine_waiter<asio_manual_waiter>);

struct asio_driver {
  static constexpr const char* name = "asio::awaitable";
  template <class Pipeline, class Function>
  static auto call(Pipeline& pipeline, manual_waiter& waiter, const call_context& context,
                   Function& f) -> gabion::detail::call_result<Function> {
    // asio has no awaitable<T&>
    if constexpr (std::is_reference_v<gabion::detail::call_result<Function>>) {
      const auto by_pointer = [&f](const call_context& c) {
        return &gabion::detail::call_with(f, c);
      };
      return *call(pipeline, waiter, context, by_pointer);
    } else {
      return call_value(pipeline, waiter, context, f);
    }
  }

 private:
  template <class Pipeline, class Function>
  static auto call_value(Pipeline& pipeline, manual_waiter& waiter, const call_context& context,
                         Function& f) -> gabion::detail::call_result<Function> {
    using result_type = gabion::detail::call_result<Function>;
    asio::io_context io;
    asio_manual_waiter posting{&waiter};
    gabion::detail::result_slot<result_type> slot;
    const auto attempt = [&f](const call_context& c) -> asio::awaitable<result_type> {
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      co_return gabion::detail::call_with(f, c);
    };
    const auto whole = [&]() -> asio::awaitable<void> {
      auto guarded = gabion::call_async(pipeline, posting, context, attempt);
      if constexpr (std::is_void_v<result_type>) {
        co_await std::move(guarded);
        slot.keep([] {});
      } else {
        std::remove_const_t<result_type> result = co_await std::move(guarded);
        slot.keep([&] { return std::move(result); });
      }
    };
    asio::co_spawn(io, whole, [&](std::exception_ptr thrown) {
      if (thrown) slot.keep_exception(thrown);
    });
    io.run();
    return slot.take({});
  }
};

}  // namespace pipeline_tests

using namespace pipeline_tests;

using pipeline_drivers = driver_list<asio_driver>;

#include "resilience/pipeline_cases.hpp"
