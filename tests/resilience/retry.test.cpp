// SPDX-License-Identifier: MIT
#include <gabion/resilience/retry.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "core/archetypes.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::attempt_report;
using gabion::attempt_verdict;
using gabion::deadline;
using gabion::duration;
using gabion::instant;
using gabion::rejection_handling;
using gabion::retry_options;
using gabion::retry_step;
using gabion::retry_stop;
using gabion::testing::manual_time;

namespace {

using seeded_retry = gabion::basic_retry<gabion::xoshiro256>;

constexpr attempt_report failed{attempt_verdict::retryable};
constexpr attempt_report rejected{attempt_verdict::rejected};
constexpr gabion::backoff_options plain{.initial = 100ms, .jitter = gabion::backoff_jitter::none};
constexpr instant start{1h};

[[nodiscard]] seeded_retry machine(const retry_options& options, std::uint64_t seed = 1) {
  return seeded_retry{options, gabion::xoshiro256{seed}};
}

[[nodiscard]] retry_step at(duration after_start) { return {start + after_start}; }
[[nodiscard]] retry_step stop(retry_stop why) { return {std::nullopt, why}; }

/// Moves the manual time instead of waiting; can be told to interrupt the n-th wait.
class fake_sleeper {
 public:
  explicit fake_sleeper(manual_time& time, int interrupt_at = -1)
      : time_{&time}, left_{interrupt_at} {}
  bool wait_until(instant moment) {
    if (left_-- == 0) return false;
    waits.push_back(gabion::elapsed(time_->now(), moment));
    time_->advance_to(moment);
    return true;
  }
  std::vector<duration> waits{};

 private:
  manual_time* time_;
  int left_;
};

static_assert(gabion::sleeper<fake_sleeper> && gabion::explain_sleeper<fake_sleeper>());
struct sleeper_without_answer {
  void wait_until(instant) {}
};
static_assert(!gabion::sleeper<sleeper_without_answer> && !gabion::sleeper<int>);

/// Only what the concept asks for.
struct sleeper_archetype {
  sleeper_archetype(const sleeper_archetype&) = delete;
  explicit sleeper_archetype(int) {}
  bool wait_until(instant) { return true; }
};
static_assert(gabion::sleeper<sleeper_archetype>);

}  // namespace

TEST_CASE("the first call counts as an attempt", "[resilience][retry]") {
  auto retry = machine({.max_attempts = 3, .backoff = plain});
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(failed, start) == at(100ms));
  CHECK(retry.next(failed, start + 100ms) == at(300ms));
  CHECK(retry.next(failed, start + 300ms) == stop(retry_stop::exhausted));
  CHECK(retry.attempts() == 3);

  auto once = machine({.max_attempts = 1});
  CHECK(once.begin(start) == at(0s));
  CHECK(once.next(failed, start) == stop(retry_stop::exhausted));
}

TEST_CASE("a retry stops at the first success and at the first fatal failure",
          "[resilience][retry]") {
  auto retry = machine({.max_attempts = 5, .backoff = plain});
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next(failed, start).attempt_at);
  CHECK(retry.next({attempt_verdict::success}, start) == stop(retry_stop::success));
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next({attempt_verdict::fatal}, start) == stop(retry_stop::fatal));
  // a success is one even as the last attempt and after the deadline
  auto last = machine({.max_attempts = 1, .total = 1s});
  CHECK(last.begin(start).attempt_at);
  CHECK(last.next({attempt_verdict::success}, start + 5s) == stop(retry_stop::success));
}

TEST_CASE("each call begins anew with its attempts and its delays", "[resilience][retry]") {
  auto retry = machine({.max_attempts = 3, .backoff = plain});
  for (int call = 0; call < 3; ++call) {
    CHECK(retry.begin(start) == at(0s));
    CHECK(retry.attempts() == 0);
    CHECK(retry.next(failed, start) == at(100ms));
    CHECK(retry.next(failed, start) == at(200ms));
  }
}

TEST_CASE("decorrelated delays begin again with each call", "[resilience][retry]") {
  auto retry = machine(
      {.max_attempts = 1000,
       .backoff = {.initial = 1s, .cap = 1h, .jitter = gabion::backoff_jitter::decorrelated}});
  for (int call = 0; call < 100; ++call) {
    CHECK(retry.begin(start).attempt_at);
    CHECK(*retry.next(failed, start).attempt_at <= start + 3s);
    for (int i = 0; i < 20; ++i) CHECK(retry.next(failed, start).attempt_at);
  }
}

TEST_CASE("the deadline is looked at before a wait and the last wait is cut to it",
          "[resilience][retry]") {
  auto retry = machine({.max_attempts = 10,
                        .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none},
                        .total = 1s,
                        .attempt_time = 50ms});
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.until() == deadline::at(start + 1s));
  CHECK(retry.next(failed, start) == at(400ms));
  // 800 ms would end at 1.2 s: the attempt comes as late as it can and still have its 50 ms
  CHECK(retry.next(failed, start + 400ms) == at(950ms));
  CHECK(retry.next(failed, start + 960ms) == stop(retry_stop::deadline));
}

TEST_CASE(
    "case 58: after a wait that was cut there is one attempt and no more however fast it fails",
    "[resilience][retry]") {
  auto retry = machine({.max_attempts = 10,
                        .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none},
                        .total = 1s,
                        .attempt_time = 50ms});
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(failed, start) == at(400ms));
  CHECK(retry.next(failed, start + 400ms) == at(950ms));
  CHECK(retry.next(failed, start + 950ms) == stop(retry_stop::deadline));
  CHECK(retry.begin(start) == at(0s));  // a new call has all its attempts
  CHECK(retry.next(failed, start) == at(400ms));
}

TEST_CASE("no attempt begins without time for it", "[resilience][retry]") {
  auto retry = machine({.attempt_time = 10ms});
  CHECK(retry.begin(start, deadline::at(start + 10ms)) == at(0s));
  CHECK(retry.begin(start, deadline::at(start + 10ms - 1ns)) == stop(retry_stop::deadline));
  CHECK(retry.begin(start, deadline::at(start)) == stop(retry_stop::deadline));
  CHECK(retry.begin(start, deadline::at(start - 1h)) == stop(retry_stop::deadline));
  auto zero = machine({.attempt_time = 0ns});
  CHECK(zero.begin(start, deadline::at(start)) == stop(retry_stop::deadline));
  CHECK(zero.begin(start, deadline::at(start + 1ns)) == at(0s));
}

TEST_CASE("no attempt begins at the deadline itself however little time it needs",
          "[resilience][retry]") {
  auto retry = machine({.max_attempts = 10,
                        .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none},
                        .total = 1s,
                        .attempt_time = 0ns});
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(failed, start) == at(400ms));
  CHECK(retry.next(failed, start + 400ms) == at(1s - 1ns));
  CHECK(retry.next(failed, start + 1s - 1ns) == stop(retry_stop::deadline));
  const auto told = [](duration d) { return attempt_report{attempt_verdict::retryable, d}; };
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(told(1s), start) == stop(retry_stop::deadline));
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(told(1s - 1ns), start) == at(1s - 1ns));
}

TEST_CASE("the sooner of the two deadlines counts", "[resilience][retry]") {
  auto retry = machine({.total = 1s});
  CHECK(retry.begin(start, deadline::at(start + 5s)).attempt_at);
  CHECK(retry.until() == deadline::at(start + 1s));
  CHECK(retry.begin(start, deadline::at(start + 500ms)).attempt_at);
  CHECK(retry.until() == deadline::at(start + 500ms));
  auto endless = machine({});
  CHECK(endless.begin(start).attempt_at);
  CHECK(endless.until().is_never());
}

TEST_CASE("a stated wait is kept or ends the call but is never cut short", "[resilience][retry]") {
  const auto told = [](duration d) { return attempt_report{attempt_verdict::retryable, d}; };
  auto retry = machine({.max_attempts = 10, .backoff = plain, .total = 10s, .max_retry_after = 4s});
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next(told(2s), start) == at(2s));
  CHECK(retry.next(told(1ns), start + 2s) == at(2200ms));  // the back-off is longer
  CHECK(retry.next(told(-5s), start + 2200ms) == at(2600ms));
  CHECK(retry.next(told(4s), start + 3s) == at(7s));
  CHECK(retry.next(told(3s), start + 7s) == stop(retry_stop::deadline));
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next(told(4s + 1ns), start) == stop(retry_stop::deadline));
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next(told((duration::max)()), start) == stop(retry_stop::deadline));
}

TEST_CASE("a rejection ends the call unless the caller wants to wait for it",
          "[resilience][retry]") {
  auto impatient = machine({.max_attempts = 5, .backoff = plain});
  CHECK(impatient.begin(start).attempt_at);
  CHECK(impatient.next({attempt_verdict::rejected, 1s}, start) == stop(retry_stop::rejected));

  auto patient =
      machine({.max_attempts = 3, .backoff = plain, .rejections = rejection_handling::wait});
  CHECK(patient.begin(start).attempt_at);
  // exactly the stated time, without jitter or back-off
  CHECK(patient.next({attempt_verdict::rejected, 1ms}, start) == at(1ms));
  CHECK(patient.next(rejected, start + 1ms) == at(201ms));
  CHECK(patient.next({attempt_verdict::rejected, 1ms}, start + 201ms) ==
        stop(retry_stop::exhausted));
}

TEST_CASE("cancelling says so and not that attempts are used up", "[resilience][retry]") {
  auto retry = machine({.max_attempts = 2, .backoff = plain});
  CHECK(retry.begin(start).attempt_at);
  CHECK(retry.next(failed, start).attempt_at);
  CHECK(retry.cancel() == stop(retry_stop::cancelled));
}

TEST_CASE("with any options and any reports the promises of a retry hold", "[resilience][retry]") {
  gabion::xoshiro256 random{70};
  for (int run = 0; run < 20'000; ++run) {
    retry_options o;
    o.max_attempts = static_cast<std::uint32_t>(gabion::uniform(random, 1, 8));
    o.backoff.initial =
        duration{static_cast<duration::rep>(gabion::uniform(random, 0, 1'000'000'000))};
    o.backoff.cap =
        o.backoff.initial +
        duration{static_cast<duration::rep>(random() >> gabion::uniform(random, 8, 63))};
    o.backoff.jitter = static_cast<gabion::backoff_jitter>(gabion::uniform(random, 4));
    if (gabion::uniform(random, 3) != 0)
      o.total = duration{static_cast<duration::rep>(gabion::uniform(random, 1, 10'000'000'000))};
    o.attempt_time = duration{static_cast<duration::rep>(gabion::uniform(random, 0, 100'000'000))};
    o.rejections = static_cast<rejection_handling>(gabion::uniform(random, 2));
    auto retry = machine(o, random());

    instant now = start;
    std::uint32_t invocations = 0;
    retry_step step = retry.begin(now);
    while (step.attempt_at) {
      REQUIRE(*step.attempt_at >= now);
      now = *step.attempt_at;
      if (!retry.until().is_never()) REQUIRE(retry.until().remaining(now) >= o.attempt_time);
      ++invocations;
      now += duration{static_cast<duration::rep>(gabion::uniform(random, 0, 1'000'000'000))};
      attempt_report report{static_cast<attempt_verdict>(gabion::uniform(random, 4))};
      if (gabion::uniform(random, 3) == 0)
        report.retry_after =
            duration{static_cast<duration::rep>(random()) >> gabion::uniform(random, 20, 63)};
      step = retry.next(report, now);
      if (report.verdict == attempt_verdict::success) REQUIRE(step == stop(retry_stop::success));
      if (report.verdict == attempt_verdict::fatal) REQUIRE(step == stop(retry_stop::fatal));
      if (step.attempt_at && report.retry_after)
        REQUIRE(*step.attempt_at - now >= *report.retry_after);
      if (step.attempt_at && !report.retry_after) REQUIRE(*step.attempt_at - now <= o.backoff.cap);
    }
    REQUIRE(invocations <= o.max_attempts);
    REQUIRE(invocations == retry.attempts());
  }
}

TEST_CASE("a clock that stands still or goes back harms no retry", "[resilience][retry]") {
  auto retry = machine({.max_attempts = 4, .backoff = plain, .total = 1s});
  CHECK(retry.begin(start) == at(0s));
  CHECK(retry.next(failed, start - 1h) == retry_step{start - 1h + 100ms});
  CHECK(retry.next(failed, start) == at(200ms));
  auto at_the_end = machine({.backoff = plain});
  CHECK(at_the_end.begin((instant::max)()).attempt_at);
  CHECK(at_the_end.next(failed, (instant::max)()) == retry_step{(instant::max)()});
}

TEST_CASE("retry options outside their range are refused by name", "[resilience][retry]") {
  const auto refusal = [](const retry_options& o) -> std::string {
    try {
      gabion::retry_machine{o};
    } catch (const gabion::error& e) {
      CHECK(e.code() == gabion::errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal({.max_attempts = 0}),
             Contains("retry_options.max_attempts is 0; allowed: 1 to 1000"));
  CHECK_THAT(refusal({.max_attempts = 1001}), Contains("1001"));
  CHECK(refusal({.max_attempts = 1000}).empty());
  CHECK_THAT(refusal({.total = 0ns}),
             Contains("retry_options.total is 0 ns; allowed: more than 0 ns"));
  CHECK(refusal({.total = 1ns}).empty());
  CHECK_THAT(refusal({.attempt_time = -1ns}),
             Contains("retry_options.attempt_time is -1 ns; allowed: 0 ns or more"));
  CHECK_THAT(refusal({.max_retry_after = -1ns}),
             Contains("retry_options.max_retry_after is -1 ns"));
  CHECK_THAT(refusal({.backoff = {.initial = -1ns}}),
             Contains("retry_options.backoff.initial is -1 ns"));
}

TEST_CASE("a blocking call is tried until it succeeds", "[resilience][retry]") {
  manual_time time;
  fake_sleeper sleeper{time};
  auto retry = machine({.max_attempts = 5, .backoff = plain, .total = 10s});
  std::vector<std::uint32_t> numbers;
  const auto send = [&](const gabion::attempt_context& attempt) {
    numbers.push_back(attempt.number);
    CHECK(attempt.until == retry.until());
    time.advance(10ms);
    return attempt.number < 3 ? std::make_error_code(std::errc::timed_out) : std::error_code{};
  };
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, send);
  CHECK(result.why == retry_stop::success);
  CHECK(result.attempts == 3);
  CHECK(result.last == std::error_code{});
  CHECK(numbers == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(sleeper.waits == std::vector<duration>{0ns, 100ms, 200ms});
}

TEST_CASE("a blocking call that gives up returns its last result as it was",
          "[resilience][retry]") {
  manual_time time;
  fake_sleeper sleeper{time};
  auto retry = machine({.max_attempts = 3, .backoff = plain});
  int calls = 0;
  const auto send = [&](const gabion::attempt_context&) {
    return "failure " + std::to_string(++calls);
  };
  const auto never_good = [](const std::string&) { return failed; };
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, send, never_good);
  CHECK(result.why == retry_stop::exhausted);
  CHECK(result.last == "failure 3");
  CHECK(calls == 3);
}

TEST_CASE("a blocking call without time is not made", "[resilience][retry]") {
  manual_time time;
  fake_sleeper sleeper{time};
  auto retry = machine({});
  const auto send = [](const gabion::attempt_context&) -> std::error_code {
    throw std::logic_error{"called"};
  };
  const auto result = gabion::retry_call(retry, time.clock(), sleeper, send,
                                         gabion::classify_by_traits{}, deadline::at(time.now()));
  CHECK(result.why == retry_stop::deadline);
  CHECK(result.attempts == 0);
  CHECK_FALSE(result.last);
}

TEST_CASE("an interrupted wait ends the call at once as cancelled", "[resilience][retry]") {
  manual_time time;
  auto retry = machine({.max_attempts = 3, .backoff = plain});
  int calls = 0;
  const auto send = [&](const gabion::attempt_context&) {
    ++calls;
    return std::make_error_code(std::errc::timed_out);
  };
  fake_sleeper during_back_off{time, 1};
  const auto result = gabion::retry_call(retry, time.clock(), during_back_off, send);
  CHECK(result.why == retry_stop::cancelled);
  CHECK(calls == 1);
  CHECK(result.last == std::make_error_code(std::errc::timed_out));
  fake_sleeper before_the_first{time, 0};
  CHECK(gabion::retry_call(retry, time.clock(), before_the_first, send).why ==
        retry_stop::cancelled);
  CHECK(calls == 1);
}

TEST_CASE("an exception of the call passes through unchanged", "[resilience][retry]") {
  manual_time time;
  fake_sleeper sleeper{time};
  auto retry = machine({.max_attempts = 3});
  const auto send = [](const gabion::attempt_context&) -> std::error_code { throw 42; };
  CHECK_THROWS_AS(gabion::retry_call(retry, time.clock(), sleeper, send), int);
}

TEST_CASE("results are classified by their traits", "[resilience][retry]") {
  const gabion::classify_by_traits classify;
  CHECK(classify(std::error_code{}).verdict == attempt_verdict::success);
  CHECK(classify(std::make_error_code(std::errc::timed_out)).verdict == attempt_verdict::retryable);
  CHECK(classify(make_error_code(gabion::errc::circuit_open)).verdict == attempt_verdict::rejected);
  CHECK(classify(std::optional<int>{}).verdict == attempt_verdict::retryable);
  CHECK(classify(std::optional<int>{1}).verdict == attempt_verdict::success);
}

TEST_CASE("the retry asks no more of its parts than their archetypes have",
          "[resilience][archetype]") {
  gabion::basic_retry retry{retry_options{}, archetype::random_source::make()};
  sleeper_archetype sleeper{0};
  const auto send = [](const gabion::attempt_context&) { return 7; };
  CHECK(gabion::retry_call(retry, archetype::clock::make(), sleeper, send).last == 7);
}
