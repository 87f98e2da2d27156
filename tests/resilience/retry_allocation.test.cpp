// SPDX-License-Identifier: MIT
// Which paths allocate and how often. This executable counts every allocation.
#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>

#include <gabion/core/error.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/hedge_call.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_detached.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion_test::allocations_in;

namespace {

struct advancing_sleeper {
  gabion::testing::manual_time* time;
  bool wait_until(gabion::instant moment) {
    time->advance_to(moment);
    return true;
  }
  void wake() {}
};

struct inline_spawner {
  template <class Work>
  bool spawn(Work work) {
    work();
    return true;
  }
};

const std::error_code broken = std::make_error_code(std::errc::connection_reset);

}  // namespace

TEST_CASE(
    "a call through fallback and retry and timeout allocates nothing when it succeeds and when it "
    "is tried again",
    "[retry][allocation]") {
  gabion::testing::manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_budget budget{{.percent = 1000}};
  gabion::basic_retry_policy retry{gabion::retry_options{.max_attempts = 5}, budget};
  gabion::timeout_policy timeout;
  auto placeholder = gabion::fallback([](const gabion::refusal&) { return std::error_code{}; });
  auto guarded = gabion::pipeline(time.clock(), placeholder, retry, timeout);
  CHECK(allocations_in([&] {
          for (int i = 0; i < 1000; ++i) {
            static_cast<void>(
                guarded.call(sleeper, gabion::call_context{}, [] { return std::error_code{}; }));
            int left = i % 4;
            static_cast<void>(guarded.call(sleeper, gabion::call_context{}, [&] {
              return left-- > 0 ? broken : std::error_code{};
            }));
          }
        }) == 0);
  CHECK(retry.counts().retries > 100);
}

TEST_CASE("budgets and the machine of a hedge and a cache of small values allocate nothing",
          "[retry][hedge][allocation]") {
  gabion::testing::manual_time time;
  const auto now = [&] { return time.now(); };
  gabion::retry_budget tokens;
  gabion::windowed_retry_budget windowed;
  gabion::last_good<int, int> cache{{.capacity = 16}};
  CHECK(allocations_in([&] {
          for (int i = 0; i < 1000; ++i) {
            time.advance(1ms);
            for (const auto what : {gabion::budget_event::call, gabion::budget_event::success,
                                    gabion::budget_event::failure}) {
              tokens.note(what, now);
              windowed.note(what, now);
            }
            static_cast<void>(tokens.try_spend(gabion::extra_attempt::hedge, now));
            static_cast<void>(windowed.try_spend(gabion::extra_attempt::retry, now));
            gabion::hedge_machine machine{{}, true, 1ms, gabion::deadline::never()};
            static_cast<void>(machine.next(time.now(), tokens));
            static_cast<void>(machine.ended(1, true, time.now()));
            cache.put(i, i, time.now());
            static_cast<void>(cache.get(i / 2, time.now()));
          }
        }) == 0);
}

TEST_CASE("a detached call is one allocation and one more if it takes a stop token",
          "[timeout][allocation]") {
  inline_spawner spawner;
  gabion::basic_detached_timeout timeout{gabion::detached_timeout_options{}, spawner};
  CHECK(allocations_in([&] { CHECK(timeout.call([] { return std::optional<int>{7}; }) == 7); }) ==
        1);
  CHECK(allocations_in([&] {
          CHECK(timeout.call(
                    {}, [](const gabion::call_context&) { return std::optional<int>{7}; }) == 7);
        }) == 2);
}

TEST_CASE("a hedged call is one allocation and one more for each attempt that takes a stop token",
          "[hedge][allocation]") {
  inline_spawner spawner;
  gabion::unlimited_budget budget;
  gabion::basic_hedge hedge{gabion::hedge_options{}, spawner, budget};
  const gabion::call_context context{.idempotent = true};
  CHECK(allocations_in(
            [&] { CHECK(hedge.call(context, [] { return std::optional<int>{7}; }) == 7); }) == 1);
  const auto second_try = [](const gabion::call_context& c) {
    return c.attempt == 1 ? std::optional<int>{} : std::optional<int>{7};
  };
  CHECK(allocations_in([&] { CHECK(hedge.call(context, second_try) == 7); }) == 3);
}
