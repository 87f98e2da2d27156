// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/shadow_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_state;

namespace {

struct recorder {
  std::vector<gabion::circuit_transition>* log;
  void operator()(const gabion::circuit_transition& t) const { log->push_back(t); }
};
using shadow_type = gabion::basic_shadow_breaker<gabion::testing::manual_clock, recorder>;

struct bench {
  gabion::testing::manual_time time{};
  std::vector<gabion::circuit_transition> heard{};
  shadow_type b;
  bench(std::uint32_t live, std::uint32_t candidate)
      : b{{.failures = live, .open_for = 60s, .successes_to_close = 1, .name = "live"},
          {.failures = candidate, .open_for = 10s, .successes_to_close = 1},
          time.clock(),
          recorder{&heard}} {}
  void fail(int n = 1) {
    for (int i = 0; i < n; ++i) b.try_acquire()->failure();
  }
};

}  // namespace

TEST_CASE("a candidate that would have opened changes nothing for the calls", "[shadow_breaker]") {
  bench x{5, 2};
  x.fail(4);
  CHECK(x.b.live().state() == circuit_state::closed);
  CHECK(x.heard.empty());
  const auto r = x.b.report();
  CHECK(r.live == circuit_state::closed);
  CHECK(r.candidate == circuit_state::open);
  CHECK(r.calls == 4);
  CHECK(r.would_have_opened == 1);
  CHECK(r.would_have_rejected == 2);
  CHECK(r.rejected_bad == 2);
  CHECK(r.live_rejected == 0);
  CHECK(r.live_opened == 0);
}

TEST_CASE("the report says when and why the candidate would have changed", "[shadow_breaker]") {
  bench x{5, 2};
  x.time.advance(1500ms);
  x.fail(2);
  x.time.advance(10s);
  x.b.try_acquire()->success();
  const auto r = x.b.report();
  REQUIRE(r.transition_count == 3);
  CHECK(r.transitions[0].to == circuit_state::open);
  CHECK(r.transitions[0].at == 1500ms);
  CHECK(r.transitions[0].cause == gabion::circuit_cause::consecutive_failures);
  CHECK(r.transitions[1].to == circuit_state::half_open);
  CHECK(r.transitions[2].to == circuit_state::closed);
  CHECK(r.transitions[2].at == 11'500ms);
  const std::string text = to_string(r);
  CHECK(
      text.find(
          "would have gone from closed to open at 1.500 s: consecutive failures, 2 of 2 calls\n") !=
      std::string::npos);
}

TEST_CASE("good calls that the candidate would have rejected are what it would have cost",
          "[shadow_breaker]") {
  bench x{5, 1};
  x.fail(1);
  for (int i = 0; i < 3; ++i) x.b.try_acquire()->success();
  x.b.try_acquire()->ignore();
  { const auto dropped = x.b.try_acquire(); }
  const auto r = x.b.report();
  CHECK(r.would_have_rejected == 5);
  CHECK(r.rejected_good == 3);
  CHECK(r.rejected_bad == 0);
  CHECK(x.b.live().snapshot().counts.success == 3);
  // what it would have rejected it has not seen
  CHECK(x.b.candidate().snapshot().counts.success == 0);
}

TEST_CASE("an open live breaker hides outcomes from the candidate and the report counts them",
          "[shadow_breaker]") {
  bench x{1, 3};
  x.fail(1);
  for (int i = 0; i < 4; ++i) CHECK_FALSE(static_cast<bool>(x.b.try_acquire()));
  const auto r = x.b.report();
  CHECK(r.live == circuit_state::open);
  CHECK(r.candidate == circuit_state::closed);
  CHECK(r.live_rejected == 4);
  CHECK(r.only_live_rejected == 4);
  CHECK(r.live_opened == 1);
  CHECK(x.b.candidate().snapshot().counts.settled() == 1);
  CHECK(x.heard.size() == 1);
  CHECK(x.heard[0].name == "live");
}

TEST_CASE("equal configurations agree in everything", "[shadow_breaker]") {
  gabion::testing::manual_time time;
  const gabion::circuit_breaker_options same{
      .failures = 2, .open_for = 5s, .successes_to_close = 1};
  gabion::basic_shadow_breaker<gabion::testing::manual_clock> b{same, same, time.clock()};
  for (int i = 0; i < 1000; ++i) {
    if (auto a = b.try_acquire()) (i * 7 % 11) < 5 ? a->failure() : a->success();
    time.advance(700ms);
    REQUIRE(b.live().state() == b.candidate().state());
  }
  const auto r = b.report();
  CHECK(r.live_opened > 10);
  CHECK(r.live_opened == r.would_have_opened);
  CHECK(r.would_have_rejected == 0);
  CHECK(r.only_live_rejected == 0);
}

TEST_CASE("only the last transitions are kept and all openings are counted", "[shadow_breaker]") {
  bench x{1'000, 1};
  for (int i = 0; i < 50; ++i) {
    x.fail(1);
    x.time.advance(10s);
  }
  const auto r = x.b.report();
  CHECK(r.would_have_opened == 50);
  REQUIRE(r.transition_count == gabion::shadow_report::max_transitions);
  CHECK(r.transitions[15].to == circuit_state::open);
  CHECK(r.transitions[15].at == 490s);
}

TEST_CASE("a shadow permit settles once and moves", "[shadow_breaker]") {
  bench x{5, 5};
  auto a = x.b.try_acquire().permit();
  auto b = std::move(a);
  CHECK_FALSE(static_cast<bool>(a));
  b.failure();
  b.failure();
  b.failure(7s);
  CHECK(x.b.live().snapshot().counts.failure == 1);
  CHECK(x.b.candidate().snapshot().counts.failure == 1);
}

TEST_CASE("a stated time goes to both", "[shadow_breaker]") {
  bench x{5, 5};
  x.b.try_acquire()->failure(7s);
  CHECK(x.b.live().state() == circuit_state::open);
  CHECK(x.b.candidate().state() == circuit_state::open);
}

TEST_CASE("a shadow breaker calls and is a policy of a pipeline", "[shadow_breaker]") {
  bench x{2, 1};
  CHECK(x.b.call([] { return 3; }) == 3);
  auto way = gabion::pipeline(x.b);
  CHECK_FALSE(way.call([] { return std::optional<int>{}; }).has_value());
  CHECK(way.call([] { return std::optional<int>{1}; }) == 1);
  CHECK(x.b.report().rejected_good == 1);
}

TEST_CASE("options of both are checked", "[shadow_breaker][bounds]") {
  CHECK_THROWS_AS((gabion::shadow_breaker{{.failures = 0}, {}}), gabion::error);
  CHECK_THROWS_AS((gabion::shadow_breaker{{}, {.failures = 0}}), gabion::error);
}

TEST_CASE("many threads use one shadow breaker and the counts add up",
          "[shadow_breaker][threads]") {
  gabion::testing::manual_time time;
  gabion::basic_shadow_breaker<gabion::testing::manual_clock> b{
      {.failures = 4, .open_for = 1ms, .successes_to_close = 1},
      {.failures = 2, .open_for = 1ms, .successes_to_close = 1},
      time.clock()};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 10'000; ++i) {
        if (auto a = b.try_acquire())
          (i / 8 + t) % 3 == 0 ? a->failure() : a->success();
        else
          time.advance(100us);
        if (i % 100 == 0) static_cast<void>(b.report());
      }
    });
  for (auto& t : threads) t.join();
  const auto r = b.report();
  const auto live = b.live().snapshot().counts;
  const auto candidate = b.candidate().snapshot().counts;
  CHECK(r.calls == 40'000);
  CHECK(r.calls == live.settled() + live.rejected);
  CHECK(r.live_rejected == live.rejected);
  CHECK(live.settled() == candidate.settled() + r.would_have_rejected);
  CHECK(r.would_have_rejected == r.rejected_good + r.rejected_bad);
}
