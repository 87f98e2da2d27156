// SPDX-License-Identifier: MIT
// Sequences that the model was needed to find, and the window alone against a list of outcomes.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gabion/resilience/detail/circuit_window.hpp>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {

struct words {
  std::vector<std::string>* heard;
  void operator()(const circuit_transition& t) const {
    heard->push_back(std::string{to_string(t.cause)});
  }
  void operator()(const gabion::circuit_recorded&) const { heard->push_back("recorded"); }
  void operator()(const gabion::circuit_late&) const { heard->push_back("late"); }
};

}  // namespace

// What circuit_sequences.cpp has found, each as short as it got.

TEST_CASE("the call that opens it by the window is told as recorded and not as late",
          "[circuit_breaker][events]") {
  gabion::testing::manual_time time;
  std::vector<std::string> heard;
  gabion::basic_circuit_breaker b{
      circuit_breaker_options{.failures = 5, .window = {.calls = 7, .minimum_calls = 1}},
      time.clock(), words{&heard}};
  b.try_acquire()->failure();
  CHECK(heard == std::vector<std::string>{"failure rate", "recorded"});
  CHECK(b.snapshot().counts == circuit_counts{.failure = 1});
}

TEST_CASE("the row is the cause if it and the window are met by the same failure",
          "[circuit_breaker][rules]") {
  bench x{{.failures = 3, .window = {.calls = 4, .minimum_calls = 3}}};
  x.fail(3);
  REQUIRE(x.heard.size() == 1);
  CHECK(x.heard[0].cause == circuit_cause::consecutive_failures);
  CHECK(x.heard[0].failed == 3);
  CHECK(x.heard[0].calls == 3);
}

TEST_CASE("lost probes count as an opening though the open time after them is over as well",
          "[circuit_breaker][record]") {
  bench x{{.failures = 1, .open_for = 1s, .open_growth = {.factor_percent = 200, .quiet_for = 1h}}};
  x.fail();
  x.time.advance(1s);
  const auto lost = x.b.try_acquire();
  x.time.advance(1h);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().attempt == 2);
  CHECK(x.b.save().attempt == 2);
}

TEST_CASE("a stated failure leaves nothing in a window that was off",
          "[circuit_breaker][reconfigure]") {
  bench x{{.failures = 5}};
  x.b.try_acquire()->failure(1h);
  x.b.reconfigure({.failures = 5, .window = {.calls = 8, .minimum_calls = 1}});
  CHECK(x.b.snapshot().window_calls == 0);
  CHECK(x.counts() == circuit_counts{.failure = 1});
}

TEST_CASE("the window is exact when its ticket wraps", "[circuit_breaker][window]") {
  // A ticket of 7 bits wraps every 128 outcomes.
  using window = gabion::detail::circuit_window<gabion::native_env, 7>;
  for (std::uint32_t calls = 1; calls <= 64; ++calls) {
    window w{{.calls = calls, .failure_percent = 100, .minimum_calls = calls}};
    window::tally_type tally{0};
    std::deque<bool> last;
    std::mt19937_64 random{calls};
    std::uint64_t retired = 0;
    static_cast<void>(w.restart(tally, 3));
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
      const bool failed = random() % 3 == 0;
      last.push_back(failed);
      if (last.size() > calls) last.pop_front();
      const auto failures = static_cast<std::uint32_t>(std::count(last.begin(), last.end(), true));
      const auto step = w.record(tally, 3, failed);
      REQUIRE(step.counted());
      if (step.retires()) retired += w.unretired(step.before).calls;
      REQUIRE(w.sum(step.after).calls == last.size());
      REQUIRE(w.sum(step.after).failed == failures);
      REQUIRE(retired + w.unretired(step.after).calls == i);
      if (step.tripped()) {
        REQUIRE(failures == calls);
        retired += w.restart(tally, 3).calls;
        last.clear();
      }
    }
  }
}
