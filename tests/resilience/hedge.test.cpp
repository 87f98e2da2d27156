// SPDX-License-Identifier: MIT
#include <gabion/resilience/hedge.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/retry_budget.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::deadline;
using gabion::duration;
using gabion::hedge_end;
using gabion::hedge_machine;
using gabion::hedge_options;
using gabion::hedge_step;
using gabion::instant;
using kind = gabion::hedge_step::kind;

namespace {

constexpr instant start{1h};

[[nodiscard]] hedge_step begin(std::uint32_t attempt) {
  return {.what = kind::start, .attempt = attempt};
}
[[nodiscard]] hedge_step cancel(std::uint32_t attempt) {
  return {.what = kind::cancel, .attempt = attempt};
}
[[nodiscard]] hedge_step wait(duration after_start) {
  return {.what = kind::wait, .until = start + after_start};
}
[[nodiscard]] hedge_step for_ever() { return {.what = kind::wait, .until = (instant::max)()}; }
[[nodiscard]] hedge_step done(std::uint32_t attempt, hedge_end why) {
  return {.what = kind::done, .attempt = attempt, .why = why};
}

/// A machine that is asked at times after `start`.
struct bench {
  explicit bench(const hedge_options& o = {}, bool repeatable = true,
                 deadline until = deadline::never())
      : machine{o, repeatable, o.delay, until} {}

  [[nodiscard]] hedge_step at(duration after) { return machine.next(start + after, budget); }
  bool ended(std::uint32_t attempt, bool good, duration after) {
    return machine.ended(attempt, good, start + after);
  }

  gabion::unlimited_budget budget{};
  hedge_machine machine;
};

}  // namespace

TEST_CASE("case 74: no second attempt starts if the first returns before the delay", "[hedge]") {
  bench b;
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(0ms) == wait(100ms));
  CHECK(b.at(99ms) == wait(100ms));
  CHECK(b.ended(1, true, 99ms));
  CHECK(b.at(99ms) == done(1, hedge_end::won));
  CHECK(b.at(1h) == done(1, hedge_end::won));
  CHECK(b.machine.started() == 1);
}

TEST_CASE("case 74: after the delay a second attempt starts and the loser is cancelled",
          "[hedge]") {
  bench b;
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(100ms) == begin(2));
  CHECK(b.at(100ms) == for_ever());
  SECTION("the hedge wins") {
    CHECK(b.ended(2, true, 150ms));
    CHECK(b.at(150ms) == cancel(1));
    CHECK(b.at(150ms) == done(2, hedge_end::won));
    CHECK_FALSE(b.ended(1, true, 151ms));  // too late
    CHECK(b.at(151ms) == done(2, hedge_end::won));
  }
  SECTION("the first wins") {
    CHECK(b.ended(1, true, 150ms));
    CHECK_FALSE(b.ended(2, true, 150ms));
    CHECK(b.at(150ms) == cancel(2));
    CHECK(b.at(150ms) == done(1, hedge_end::won));
  }
}

TEST_CASE("case 74: if all fail the last to end is the answer", "[hedge]") {
  bench b{{.on_failure = false}};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(100ms) == begin(2));
  CHECK(b.ended(2, false, 120ms));
  CHECK(b.at(120ms) == for_ever());
  CHECK(b.ended(1, false, 130ms));
  CHECK(b.at(130ms) == done(1, hedge_end::failed));
  CHECK(b.machine.failures() == 2);
}

TEST_CASE("a failure before the delay starts the next attempt at once", "[hedge]") {
  bench b{{.max_hedges = 2}};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.ended(1, false, 10ms));
  CHECK(b.at(10ms) == begin(2));
  CHECK(b.at(10ms) == wait(110ms));
  CHECK(b.ended(2, false, 20ms));
  CHECK(b.at(20ms) == begin(3));
  CHECK(b.ended(3, false, 30ms));
  CHECK(b.at(30ms) == done(3, hedge_end::failed));
}

TEST_CASE("without that option a failure is the answer when nothing else is out", "[hedge]") {
  bench b{{.max_hedges = 5, .on_failure = false}};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.ended(1, false, 10ms));
  CHECK(b.at(10ms) == done(1, hedge_end::failed));
}

TEST_CASE("a further attempt starts after each delay and no more than allowed", "[hedge]") {
  bench b{{.max_hedges = 3, .delay = 50ms}};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(49ms) == wait(50ms));
  CHECK(b.at(50ms) == begin(2));
  CHECK(b.at(60ms) == wait(100ms));
  CHECK(b.at(130ms) == begin(3));  // asked late: the next delay counts from here
  CHECK(b.at(179ms) == wait(180ms));
  CHECK(b.at(180ms) == begin(4));
  CHECK(b.at(1h) == for_ever());
  CHECK(b.ended(3, true, 1h));
  CHECK(b.at(1h) == cancel(1));
  CHECK(b.at(1h) == cancel(2));
  CHECK(b.at(1h) == cancel(4));
  CHECK(b.at(1h) == done(3, hedge_end::won));
}

TEST_CASE("a delay of zero starts all at once", "[hedge]") {
  bench b{{.max_hedges = 10, .delay = 0ms}};
  for (std::uint32_t i = 1; i <= 11; ++i) CHECK(b.at(0ms) == begin(i));
  CHECK(b.at(0ms) == for_ever());
}

TEST_CASE("a call that may not be repeated is not hedged unless the options insist", "[hedge]") {
  bench b{{}, false};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(1h) == for_ever());
  CHECK(b.ended(1, false, 1h));
  CHECK(b.at(1h) == done(1, hedge_end::failed));
  bench insisting{{.insist = true}, false};
  CHECK(insisting.at(0ms) == begin(1));
  CHECK(insisting.at(100ms) == begin(2));
}

TEST_CASE("a budget that refuses ends the hedging of the call but not the call",
          "[hedge][budget]") {
  gabion::retry_budget budget{{.tokens = 4, .per_second = 0}};
  const auto start_two = [&] {
    hedge_machine m{{}, true, 100ms, deadline::never()};
    CHECK(m.next(start, budget) == begin(1));
    return m.next(start + 100ms, budget);
  };
  CHECK(start_two() == begin(2));    // four tokens: three are left, more than half
  CHECK(start_two() == for_ever());  // two would be left
  hedge_machine m{{.max_hedges = 5}, true, 100ms, deadline::never()};
  CHECK(m.next(start, budget) == begin(1));
  CHECK(m.ended(1, false, start + 1ms));
  CHECK(m.next(start + 1ms, budget) == done(1, hedge_end::failed));
  CHECK(budget.tokens() == 3);
}

TEST_CASE("the deadline cancels all attempts and nothing starts behind it", "[hedge]") {
  bench b{{}, true, deadline::at(start + 150ms)};
  CHECK(b.at(0ms) == begin(1));
  CHECK(b.at(100ms) == begin(2));
  CHECK(b.at(101ms) == wait(150ms));
  CHECK(b.at(150ms) == cancel(1));
  CHECK(b.at(150ms) == cancel(2));
  CHECK(b.at(150ms) == done(0, hedge_end::deadline));
  CHECK_FALSE(b.ended(1, true, 151ms));
  bench expired{{}, true, deadline::at(start)};
  CHECK(expired.at(0ms) == done(0, hedge_end::deadline));
  CHECK(expired.machine.started() == 0);
}

TEST_CASE("a caller that gives up cancels all attempts", "[hedge]") {
  bench b;
  CHECK(b.at(0ms) == begin(1));
  b.machine.cancel();
  CHECK(b.at(1ms) == cancel(1));
  CHECK(b.at(1ms) == done(0, hedge_end::cancelled));
  bench won;
  CHECK(won.at(0ms) == begin(1));
  CHECK(won.ended(1, true, 1ms));
  won.machine.cancel();  // too late
  CHECK(won.at(1ms) == done(1, hedge_end::won));
}

TEST_CASE("attempts that cannot be started end the hedging", "[hedge]") {
  bench none;
  CHECK(none.at(0ms) == begin(1));
  none.machine.not_started(1);
  CHECK(none.at(0ms) == done(0, hedge_end::not_run));
  bench second;
  CHECK(second.at(0ms) == begin(1));
  CHECK(second.at(100ms) == begin(2));
  second.machine.not_started(2);
  CHECK(second.at(100ms) == for_ever());
  CHECK(second.ended(1, true, 200ms));
  CHECK(second.at(200ms) == done(1, hedge_end::won));
}

TEST_CASE("a result of an attempt that is unknown or has ended already does not count", "[hedge]") {
  bench b;
  CHECK(b.at(0ms) == begin(1));
  CHECK_FALSE(b.ended(2, true, 1ms));
  CHECK(b.ended(1, false, 1ms));
  CHECK_FALSE(b.ended(1, true, 2ms));
}

TEST_CASE(
    "with any options and events exactly one result is the answer and every loser is cancelled "
    "once",
    "[hedge][property]") {
  gabion::xoshiro256 random{74};
  const auto draw = [&](std::uint64_t below) { return gabion::uniform(random, below); };
  for (int run = 0; run < 20'000; ++run) {
    const hedge_options o{.max_hedges = static_cast<std::uint32_t>(1 + draw(10)),
                          .delay = duration{static_cast<duration::rep>(draw(50))},
                          .on_failure = draw(2) == 0};
    const bool limited = draw(4) == 0;
    bench b{o, draw(4) != 0,
            limited ? deadline::at(start + duration{static_cast<duration::rep>(draw(200))})
                    : deadline::never()};
    std::set<std::uint32_t> running;
    std::set<std::uint32_t> cancelled;
    std::uint32_t accepted = 0;
    std::uint32_t last = 0;
    std::uint32_t started = 0;
    duration now{0};
    for (;;) {
      const hedge_step step = b.at(now);
      if (step.what == kind::start) {
        REQUIRE(step.attempt == ++started);
        running.insert(step.attempt);
      } else if (step.what == kind::cancel) {
        REQUIRE(running.count(step.attempt) == 1);
        REQUIRE(cancelled.insert(step.attempt).second);
      } else if (step.what == kind::done) {
        REQUIRE(running == cancelled);
        if (step.why == hedge_end::won) REQUIRE((accepted == step.attempt && accepted != 0));
        if (step.why == hedge_end::failed)
          REQUIRE((accepted == 0 && last == step.attempt && running.empty()));
        if (step.why == hedge_end::deadline) REQUIRE(limited);
        break;
      } else {
        REQUIRE(step.until > start + now);
        now += duration{static_cast<duration::rep>(1 + draw(30))};
        if (!running.empty() && draw(2) == 0) {
          const auto which =
              std::next(running.begin(), static_cast<std::ptrdiff_t>(draw(running.size())));
          const std::uint32_t attempt = *which;
          const bool good = draw(3) == 0;
          running.erase(which);
          REQUIRE(b.ended(attempt, good, now));
          last = attempt;
          if (good) accepted = attempt;
        }
      }
    }
    for (const std::uint32_t loser : running) REQUIRE_FALSE(b.ended(loser, true, now));
    REQUIRE(started <= o.max_hedges + 1);
  }
}

TEST_CASE("hedge options outside their range are refused by name", "[hedge]") {
  using Catch::Matchers::Contains;
  const auto refusal = [](const hedge_options& o) -> std::string {
    try {
      gabion::validate(o);
    } catch (const gabion::error& e) {
      CHECK(e.code() == gabion::errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  CHECK_THAT(refusal({.max_hedges = 0}),
             Contains("hedge_options.max_hedges is 0; allowed: 1 to 10"));
  CHECK_THAT(refusal({.max_hedges = 11}), Contains("is 11"));
  CHECK(refusal({.max_hedges = 1}).empty());
  CHECK(refusal({.max_hedges = 10}).empty());
  CHECK_THAT(refusal({.delay = -1ns}),
             Contains("hedge_options.delay is -1 ns; allowed: 0 ns or more"));
  CHECK(refusal({.delay = 0ns}).empty());
  static_assert(gabion::valid(hedge_options{}) && !gabion::valid(hedge_options{.max_hedges = 11}));
  static_assert(!gabion::valid(hedge_options{.delay = -1ns}));
}

TEST_CASE("the ends of a hedge have names", "[hedge]") {
  CHECK(to_string(hedge_end::won) == "won");
  CHECK(to_string(hedge_end::failed) == "failed");
  CHECK(to_string(hedge_end::deadline) == "deadline");
  CHECK(to_string(hedge_end::cancelled) == "cancelled");
  CHECK(to_string(hedge_end::not_run) == "not run");
}
