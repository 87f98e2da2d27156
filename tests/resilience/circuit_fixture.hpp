// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace circuit_tests {

using namespace std::chrono_literals;
using gabion::circuit_breaker_options;
using gabion::circuit_cause;
using gabion::circuit_counts;
using gabion::circuit_refusal;
using gabion::circuit_state;
using gabion::circuit_transition;

using events = std::vector<circuit_transition>;
struct recorder {
  events* log;
  void operator()(const circuit_transition& t) const { log->push_back(t); }
};
using breaker = gabion::basic_circuit_breaker<gabion::testing::manual_clock, recorder>;

/// A breaker, its time, and what its listener heard.
struct bench {
  gabion::testing::manual_time time{};
  events heard{};
  breaker b;

  explicit bench(const circuit_breaker_options& o) : b{o, time.clock(), recorder{&heard}} {}

  void fail(int times = 1) {
    for (int i = 0; i < times; ++i) b.try_acquire()->failure();
  }
  void succeed(int times = 1) {
    for (int i = 0; i < times; ++i) b.try_acquire()->success();
  }
  [[nodiscard]] circuit_state state() const { return b.state(); }
  [[nodiscard]] circuit_counts counts() const { return b.snapshot().counts; }
};

inline constexpr circuit_breaker_options three_in_a_row{.failures = 3,
                                                        .open_for = std::chrono::seconds{60}};
inline constexpr circuit_breaker_options half_of_ten{
    .failures = 0,
    .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 10},
    .open_for = std::chrono::seconds{60}};

}  // namespace circuit_tests
