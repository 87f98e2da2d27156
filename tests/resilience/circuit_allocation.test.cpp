// SPDX-License-Identifier: MIT
// No path of a call allocates. This executable counts every allocation.
#include <cstdint>
#include <optional>

#include "resilience/circuit_fixture.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using gabion_test::allocations_in;

namespace {

struct counter {
  int* heard;
  void operator()(const circuit_transition&) const { ++*heard; }
};

}  // namespace

TEST_CASE("admission and verdict and rejection and transition allocate nothing",
          "[circuit_breaker][allocation]") {
  gabion::testing::manual_time time;
  int heard = 0;
  gabion::basic_circuit_breaker b{
      circuit_breaker_options{
          .failures = 5, .window = {.calls = 100}, .open_for = 60s, .successes_to_close = 1},
      time.clock(), counter{&heard}};
  CHECK(allocations_in([&] {
          for (int round = 0; round < 10; ++round) {
            for (int i = 0; i < 500; ++i) b.try_acquire()->success();
            b.try_acquire()->ignore();
            { const auto dropped = b.try_acquire(); }
            for (int i = 0; i < 5; ++i) b.try_acquire()->failure();
            for (int i = 0; i < 100; ++i) static_cast<void>(b.try_acquire().rejection());
            static_cast<void>(b.call([] { return std::optional<int>{1}; }));
            time.advance(60s);
            static_cast<void>(
                b.call([] { return std::optional<int>{1}; }, [] { return std::optional<int>{2}; }));
            static_cast<void>(b.snapshot());
            b.reset();
          }
        }) == 0);
  CHECK(heard == 30);
}

TEST_CASE("rules under the lock and ramp and modes and events of calls allocate nothing",
          "[circuit_breaker][allocation]") {
  gabion::testing::manual_time time;
  int calls = 0;
  const auto listener = gabion::observers{[&](const circuit_transition&) { ++calls; },
                                          [&](const gabion::circuit_recorded&) { ++calls; },
                                          [&](const gabion::circuit_rejected&) { ++calls; }};
  gabion::basic_circuit_breaker b{
      circuit_breaker_options{.failures = 5,
                              .window = {.calls = 100, .slow_percent = 50},
                              .time_window = {.span = 10s, .slow_or_failed_percent = 50},
                              .slow_after = 1s,
                              .count_overdue = true,
                              .open_for = 60s,
                              .open_growth = {.factor_percent = 200, .jitter_percent = 10},
                              .half_open_calls = 4,
                              .half_open_failure_percent = 50,
                              .ramp = {.percent = {10, 50}}},
      time.clock(), listener};
  CHECK(allocations_in([&] {
          for (int round = 0; round < 10; ++round) {
            for (int i = 0; i < 500; ++i) {
              auto a = b.try_acquire();
              time.advance(10ms);
              if (a) a->success();
            }
            b.try_acquire()->failure(5s);
            static_cast<void>(b.try_acquire());
            time.advance(5s);
            for (int i = 0; i < 600; ++i)
              if (auto a = b.try_acquire()) a->success();
            static_cast<void>(b.snapshot());
            static_cast<void>(b.explain());
            static_cast<void>(b.save());
            b.trip(1s);
            b.set_mode(gabion::circuit_mode::isolated);
            static_cast<void>(b.try_acquire());
            b.set_mode(gabion::circuit_mode::normal);
          }
        }) == 0);
  CHECK(calls > 5'000);
}

TEST_CASE("a breaker without a window allocates nothing at all", "[circuit_breaker][allocation]") {
  CHECK(allocations_in([] { gabion::circuit_breaker b{{.failures = 3}}; }) == 0);
  CHECK(allocations_in([] { gabion::circuit_breaker b{{.window = {.calls = 8191}}}; }) == 1);
}
