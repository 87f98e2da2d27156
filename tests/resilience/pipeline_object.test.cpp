// SPDX-License-Identifier: MIT
// The pipeline as an object: what it holds, how it is called, and what its drivers promise alone.
#include <chrono>
#include <optional>
#include <string>
#include <type_traits>

#include <gabion/core/tsc_clock.hpp>
#include <gabion/resilience.hpp>

#include "resilience/pipeline_fixture.hpp"
#include "support/catch.hpp"

using namespace pipeline_tests;

namespace {

struct busy_answer {
  int status;
  duration retry_after;
};

}  // namespace

template <>
struct gabion::outcome_traits<busy_answer> {
  static verdict judge(const busy_answer& answer) {
    return answer.status >= 500 ? verdict::failure : verdict::success;
  }
  static std::optional<duration> retry_after(const busy_answer& answer) {
    return answer.retry_after;
  }
};

namespace {

/// A fallback: -1 for a failure without a result, and 1000 more for one with a result.
struct spare_value {
  static constexpr policy_kind kind = policy_kind::fallback;
  struct run {
    explicit run(spare_value& /*policy*/) {}
    template <class Now>
    static entry_step enter(call_context& /*context*/, const Now& /*now*/) {
      return entry_step::pass();
    }
    template <class Now>
    static exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                           const Now& /*now*/) {
      return exit_step::up();
    }
    template <class Now>
    static void settle_result(std::optional<int>& result, call_outcome& outcome,
                              call_context& /*context*/, const Now& /*now*/) {
      if (outcome.verdict != verdict::failure) return;
      result = result ? *result + 1000 : -1;
      outcome = {};
    }
  };
};

}  // namespace

TEST_CASE("an lvalue policy is used where it is and an rvalue is moved in", "[pipeline][object]") {
  diary log;
  recorder<> here{"here", log};
  auto p = gabion::pipeline(here, recorder<>{"moved", log}, simple_retry{1});
  CHECK(&p.policy<0>() == &here);
  CHECK(p.policy<1>().name == "moved");
  static_assert(std::same_as<decltype(p), gabion::basic_pipeline<gabion::steady_clock, recorder<>&,
                                                                 recorder<>, simple_retry>>);
  auto moved = std::move(p);
  moved.call([] {});
  CHECK(log.front() == "here enter");
  CHECK(log.at(1) == "moved enter");
}

TEST_CASE("insist holds a policy as it was given", "[pipeline][object]") {
  diary log;
  recorder<policy_kind::retry> there{"there", log};
  auto p = gabion::pipeline(gabion::insist(there), gabion::insist(simple_retry{2}));
  CHECK(&p.policy<0>() == &there);
  auto mark = gabion::insist(there);
  auto q = gabion::pipeline(mark, simple_retry{2});
  CHECK(&q.policy<0>() == &there);
}

TEST_CASE("a call is judged by what it is given", "[pipeline][object]") {
  diary log;
  recorder<> seen{"seen", log};
  auto p = gabion::pipeline(seen);
  const gabion::failure_if negative{[](int n) { return n < 0; }};
  CHECK(p.call(negative, [] { return -1; }) == -1);
  CHECK(log.at(1) == "seen leave failure");
  CHECK(p.call(call_context{.attempt = 4}, negative,
               [](const call_context& c) { return static_cast<int>(c.attempt); }) == 4);
  CHECK(log.at(4) == "seen leave success");
}

TEST_CASE("an exception that the judgement leaves out is ignored and goes on unchanged",
          "[pipeline][object]") {
  struct bad_request {};
  diary log;
  recorder<> seen{"seen", log};
  auto p = gabion::pipeline(seen);
  const auto refuse = []() -> int { throw bad_request{}; };
  const auto fail = []() -> int { throw 1; };
  const auto spare = gabion::ignore_exceptions<bad_request>();
  CHECK_THROWS_AS(p.call(spare, refuse), bad_request);
  CHECK(log.at(1) == "seen leave ignored");
  CHECK_THROWS_AS(p.call(spare, fail), int);
  CHECK(log.at(4) == "seen leave failure");
  CHECK_THROWS_AS(p.call(call_context{}, spare, refuse), bad_request);
  CHECK(log.at(7) == "seen leave ignored");
  CHECK_THROWS_AS(p.call(refuse), bad_request);
  CHECK(log.at(10) == "seen leave failure");
  const auto negative =
      gabion::ignore_exceptions<bad_request>(gabion::failure_if{[](int n) { return n < 0; }});
  CHECK(p.call(negative, [] { return -1; }) == -1);
  CHECK(log.at(13) == "seen leave failure");
}

TEST_CASE("a result that states a wait is understood", "[pipeline][object]") {
  diary log;
  recorder<> seen{"seen", log};
  auto p = gabion::pipeline(seen);
  std::optional<duration> stated;
  seen.on_leave = [&](call_outcome& outcome, call_context&, instant) {
    stated = outcome.retry_after;
    return exit_step::up();
  };
  static_cast<void>(p.call([] { return busy_answer{503, 7s}; }));
  CHECK(stated == std::optional<duration>{7s});
  static_cast<void>(p.call([] { return std::error_code{}; }));
  CHECK_FALSE(stated.has_value());
}

TEST_CASE("a run that is dropped gives back everything from the inside out", "[pipeline][object]") {
  diary log;
  recorder<> outer{"outer", log};
  recorder<> inner{"inner", log};
  auto p = gabion::pipeline(outer, inner);
  {
    auto run = p.start<int>();
    CHECK(run.begin().what == gabion::pipeline_step::kind::attempt);
  }
  CHECK(log == diary{"outer enter", "inner enter", "inner destroyed", "outer destroyed"});
}

TEST_CASE("a run may be cancelled while its attempt is out", "[pipeline][object]") {
  diary log;
  recorder<> outer{"outer", log};
  auto p = gabion::pipeline(outer, simple_retry{9});
  auto run = p.start<std::error_code>();
  static_cast<void>(run.begin());
  CHECK(run.cancel().what == gabion::pipeline_step::kind::done);
  CHECK(run.outcome().verdict == verdict::cancelled);
  CHECK(run.finish() == make_error_code(errc::cancelled));
  CHECK(log == diary{"outer enter", "outer leave cancelled", "outer destroyed"});
}

TEST_CASE("without a waiter that can be woken the context offers none", "[pipeline][object]") {
  struct plain_sleeper {
    static bool wait_until(instant /*moment*/) { return true; }
  } sleeper;
  diary log;
  recorder<> seen{"seen", log};
  auto p = gabion::pipeline(seen);
  p.call(sleeper, call_context{}, [] {});
  CHECK_FALSE(seen.wake.has_value());
  p.call([] {});
  CHECK(seen.wake.has_value());
}

TEST_CASE("a policy may see and replace a result", "[pipeline][object]") {
  diary log;
  recorder<> above{"above", log};
  recorder<> below{"below", log};
  auto p = gabion::pipeline(above, spare_value{}, below);
  CHECK(p.call([] { return 5; }) == 5);
  CHECK(p.call(gabion::failure_if{[](int) { return true; }}, [] { return 5; }) == 1005);
  CHECK(p.call([]() -> int { throw std::runtime_error{"down"}; }) == -1);
  below.on_enter = [](call_context&, instant) { return entry_step::refuse({}); };
  log.clear();
  CHECK(p.call([] { return 5; }) == -1);
  CHECK(log.back() == "above destroyed");
  CHECK(log.at(3) == "above leave success");
  CHECK_THROWS_AS(p.call([] {}), gabion::refused_error);
}

TEST_CASE("a coroutine takes one frame for the whole pipeline", "[pipeline][coroutine]") {
  gabion::testing::manual_time time;
  manual_waiter waiter{time};
  suspending_waiter suspending{&waiter};
  diary log;
  recorder<> a{"a", log};
  recorder<> b{"b", log};
  recorder<> c{"c", log};
  recorder<> d{"d", log};
  auto p = gabion::pipeline(time.clock(), a, b, simple_retry{3}, c, d);
  const auto attempt = [n = 0](const call_context&) mutable -> task<int> {
    if (++n < 3) throw std::runtime_error{"down"};
    co_return n;
  };
  frame_count::made = 0;
  task<int> whole = gabion::call_async(p, suspending, attempt);
  CHECK(frame_count::made == 1);
  whole.start();
  while (!whole.done()) std::exchange(suspending.waiting, nullptr).resume();
  CHECK(whole.get() == 3);
  CHECK(frame_count::made == 1 + 3);  // each attempt is a coroutine of the test's own
}

TEST_CASE("a coroutine that is destroyed during a wait gives everything back",
          "[pipeline][coroutine]") {
  gabion::testing::manual_time time;
  manual_waiter waiter{time};
  suspending_waiter suspending{&waiter};
  diary log;
  recorder<> outer{"outer", log};
  auto p = gabion::pipeline(time.clock(), outer, simple_retry{3});
  {
    const auto attempt = []() -> task<std::error_code> {
      co_return std::make_error_code(std::errc::timed_out);
    };
    task<std::error_code> whole = gabion::call_async(p, suspending, attempt);
    whole.start();
    CHECK(suspending.waiting);
  }
  CHECK(log == diary{"outer enter", "outer destroyed"});
}

namespace {

/// Counts its readings.
struct counted_clock {
  [[nodiscard]] static instant now() noexcept { return instant{duration{++readings}}; }
  static inline int readings = 0;
};

template <class Clock>
auto timed_breaker() {
  return gabion::basic_circuit_breaker<Clock>{
      {.time_window = {.span = std::chrono::seconds{10}, .slow_percent = 50},
       .slow_after = std::chrono::seconds{1}}};
}

}  // namespace

TEST_CASE("policies that need the time share one reading on the way in and one on the way out",
          "[pipeline]") {
  auto breaker = timed_breaker<counted_clock>();
  gabion::token_bucket bucket{};
  gabion::timeout_policy limit{};
  auto p = gabion::pipeline(counted_clock{}, breaker, bucket, limit);
  counted_clock::readings = 0;
  CHECK(p.call([] { return counted_clock::readings; }) == 1);
  CHECK(counted_clock::readings == 2);
  const auto failed = p.call([] { return std::make_error_code(std::errc::timed_out); });
  CHECK(failed == std::errc::timed_out);
  CHECK(counted_clock::readings == 4);
}

TEST_CASE("a call that no rule times reads the clock once", "[pipeline]") {
  gabion::basic_circuit_breaker<counted_clock> breaker{{.failures = 0, .window = {.calls = 100}}};
  gabion::token_bucket bucket{};
  gabion::timeout_policy limit{};
  auto p = gabion::pipeline(counted_clock{}, breaker, bucket, limit);
  counted_clock::readings = 0;
  CHECK(p.call([] { return 7; }) == 7);
  CHECK(counted_clock::readings == 1);
}

TEST_CASE("a pipeline and its breaker may go by the counter", "[pipeline]") {
  auto breaker = timed_breaker<gabion::tsc_clock>();
  gabion::token_bucket bucket{};
  gabion::timeout_policy limit{};
  auto p = gabion::pipeline(gabion::tsc_clock{}, breaker, bucket, limit);
  CHECK(p.call([] { return 7; }) == 7);
  CHECK(breaker.snapshot().counts.success == 1);
}
