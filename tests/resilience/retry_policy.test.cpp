// SPDX-License-Identifier: MIT
#include <gabion/resilience/retry_policy.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::call_outcome;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::exit_step;
using gabion::instant;
using gabion::retry_counts;
using gabion::retry_options;
using gabion::verdict;
using gabion::testing::manual_time;

namespace {

constexpr gabion::backoff_options plain{.initial = 100ms, .jitter = gabion::backoff_jitter::none};
constexpr auto never_read = []() -> instant { throw std::logic_error{"the clock was read"}; };

struct advancing_sleeper {
  manual_time* time;
  int interrupt_at = -1;
  std::vector<duration> waits{};
  bool wait_until(instant moment) {
    if (interrupt_at == static_cast<int>(waits.size())) return false;
    waits.push_back(gabion::elapsed(time->now(), moment));
    time->advance_to(moment);
    return true;
  }
};

const std::error_code timed_out = std::make_error_code(std::errc::timed_out);

[[nodiscard]] bool again(const exit_step& step) { return step.what == exit_step::kind::again; }

}  // namespace

TEST_CASE("a call without a limit that succeeds at once reads no clock", "[retry][policy]") {
  gabion::retry_policy retry{{}};
  gabion::retry_policy::run run{retry};
  call_context context;
  CHECK(run.enter(context, never_read).what == gabion::entry_step::kind::pass);
  call_outcome good;
  CHECK_FALSE(again(run.leave(good, context, never_read)));
  CHECK(retry.counts() == retry_counts{});
}

TEST_CASE("case 58: in a pipeline the first call counts as an attempt", "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_policy retry{{.max_attempts = 3, .backoff = plain}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  std::vector<std::uint32_t> attempts;
  const auto send = [&](const call_context& c) {
    attempts.push_back(c.attempt);
    return timed_out;
  };
  CHECK(guarded.call(sleeper, call_context{}, send) == timed_out);
  CHECK(attempts == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(sleeper.waits == std::vector<duration>{100ms, 200ms});
  CHECK(retry.counts() == retry_counts{.retries = 2, .exhausted = 1});
}

TEST_CASE("case 58: the total limit is looked at before a wait and the last wait is cut to it",
          "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_policy retry{{.max_attempts = 10,
                              .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none},
                              .total = 1s,
                              .attempt_time = 50ms}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  const instant start = time.now();
  const auto send = [&](const call_context& c) {
    CHECK(c.until == deadline::at(start + 1s));
    time.advance(1ms);
    return timed_out;
  };
  CHECK(guarded.call(sleeper, call_context{}, send) == timed_out);
  // not 800 ms: to 50 ms before the end
  CHECK(sleeper.waits == std::vector<duration>{400ms, 548ms});
  CHECK(retry.counts() == retry_counts{.retries = 2, .no_time = 1});
}

TEST_CASE("each attempt has a limit of its own within that of the call", "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_policy retry{
      {.max_attempts = 3, .backoff = plain, .total = 1s, .attempt_limit = 500ms}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  const instant start = time.now();
  std::vector<duration> left;
  const auto send = [&](const call_context& c) {
    left.push_back(c.until.remaining(time.now()));
    time.advance_to(c.until.when() - 1ns);
    return timed_out;
  };
  call_context context;
  context.until = deadline::at(start + 1h);
  CHECK(guarded.call(sleeper, context, send) == timed_out);
  REQUIRE(left.size() == 2);
  CHECK(left[0] == 500ms);
  CHECK(left[1] == 400ms + 1ns);  // what is left of the second
}

TEST_CASE("an attempt whose wait lasts longer than it should has its whole limit all the same",
          "[retry][policy]") {
  manual_time time;
  struct oversleeping {
    manual_time* time;
    bool wait_until(instant moment) const {
      time->advance_to(moment + 50ms);
      return true;
    }
  } sleeper{&time};
  gabion::retry_policy retry{
      {.max_attempts = 3, .backoff = plain, .total = 1s, .attempt_limit = 20ms}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  std::vector<duration> left;
  const auto send = [&](const call_context& c) {
    left.push_back(c.until.remaining(time.now()));
    return timed_out;
  };
  CHECK(guarded.call(sleeper, call_context{}, send) == timed_out);
  CHECK(left == std::vector<duration>{20ms, 20ms, 20ms});
  CHECK(retry.counts() == retry_counts{.retries = 2, .exhausted = 1});
}

TEST_CASE("case 60: a stop during a back-off ends the call at once as cancelled",
          "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time, 0};
  gabion::retry_policy retry{{.max_attempts = 5, .backoff = plain}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  const instant start = time.now();
  CHECK(guarded.call(sleeper, call_context{}, [] { return timed_out; }) == errc::cancelled);
  CHECK(time.now() == start);
  CHECK(retry.counts().exhausted == 0);
}

TEST_CASE("a call that the caller has given up is not tried again", "[retry][policy]") {
  manual_time time;
  gabion::retry_policy retry{{.max_attempts = 5, .backoff = plain}};
  gabion::retry_policy::run run{retry};
  std::stop_source stop;
  call_context context{.stop = stop.get_token()};
  const auto now = [&] { return time.now(); };
  CHECK(run.enter(context, now).what == gabion::entry_step::kind::pass);
  stop.request_stop();
  call_outcome failed{verdict::failure};
  CHECK_FALSE(again(run.leave(failed, context, now)));
  CHECK(context.attempt == 1);
}

TEST_CASE("only failures are retried and each reads as what it is", "[retry][policy]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  gabion::retry_policy retry{{.max_attempts = 5, .backoff = plain}};
  const auto retried = [&](call_outcome outcome) {
    gabion::retry_policy::run run{retry};
    call_context context;
    CHECK(run.enter(context, now).what == gabion::entry_step::kind::pass);
    return again(run.leave(outcome, context, now));
  };
  CHECK(retried({verdict::failure}));
  CHECK_FALSE(retried({verdict::ignored}));
  CHECK_FALSE(retried({verdict::cancelled}));
  // an attempt that ran out of time
  CHECK(retried({verdict::failure, gabion::refusal{errc::timeout}}));
  for (const errc code : {errc::circuit_open, errc::rate_limited, errc::overloaded, errc::rejected})
    CHECK_FALSE(retried({verdict::failure, gabion::refusal{code}}));
  CHECK_FALSE(retried({verdict::failure, gabion::refusal{errc::cancelled}}));
}

TEST_CASE("what the other side asks for is waited for or ends the call", "[retry][policy]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  gabion::retry_policy retry{{.max_attempts = 5, .backoff = plain, .max_retry_after = 3s}};
  gabion::retry_policy::run run{retry};
  call_context context;
  CHECK(run.enter(context, now).what == gabion::entry_step::kind::pass);
  call_outcome busy{verdict::failure, {}, 2s};
  CHECK(run.leave(busy, context, now).at == time.now() + 2s);
  busy.retry_after = 3s + 1ns;
  CHECK_FALSE(again(run.leave(busy, context, now)));
  CHECK(retry.counts().no_time == 1);
}

TEST_CASE("case 79: an expired deadline fails without calling", "[retry][policy]") {
  manual_time time;
  gabion::retry_policy retry{{}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  call_context context;
  context.until = deadline::at(time.now());
  int calls = 0;
  CHECK(guarded.call(context, [&] { return ++calls, std::error_code{}; }) == errc::timeout);
  CHECK(calls == 0);
  gabion::retry_policy::run run{retry};
  const auto step = run.enter(context, [&] { return time.now(); });
  CHECK(step.what == gabion::entry_step::kind::refuse);
  CHECK(step.why.code == errc::timeout);
}

TEST_CASE("case 79: no retry follows if the whole remainder was used", "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_policy retry{
      {.max_attempts = 5, .backoff = {.initial = 0ns, .jitter = gabion::backoff_jitter::none}}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  call_context context;
  context.until = deadline::at(time.now() + 1s);
  int calls = 0;
  const auto send = [&](const call_context& c) {
    ++calls;
    time.advance_to(c.until.when());
    return timed_out;
  };
  CHECK(guarded.call(sleeper, context, send) == timed_out);
  CHECK(calls == 1);
  CHECK(sleeper.waits.empty());
}

TEST_CASE("a shared budget ends retries while the backend is down and pays them back by successes",
          "[retry][policy][budget]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_budget budget{{.tokens = 10, .percent = 100, .per_second = 0}};
  gabion::basic_retry_policy first{retry_options{.max_attempts = 100, .backoff = plain}, budget};
  gabion::basic_retry_policy second{retry_options{.max_attempts = 100, .backoff = plain}, budget};
  static_assert(decltype(first)::has_budget && !gabion::retry_policy::has_budget);
  auto one = gabion::pipeline(time.clock(), first);
  auto two = gabion::pipeline(time.clock(), second);
  int calls = 0;
  const auto fail = [&] { return ++calls, timed_out; };
  CHECK(one.call(sleeper, call_context{}, fail) == timed_out);
  CHECK(calls == 5);  // four retries of ten tokens
  CHECK(two.call(sleeper, call_context{}, fail) == timed_out);
  CHECK(calls == 6);  // the budget is one for both
  CHECK(second.counts() == retry_counts{.no_budget = 1});
  for (int i = 0; i < 10; ++i)
    CHECK_FALSE(one.call(sleeper, call_context{}, [] { return std::error_code{}; }));
  CHECK(budget.tokens() == 10);
  calls = 0;
  CHECK(two.call(sleeper, call_context{}, fail) == timed_out);
  CHECK(calls == 5);
}

TEST_CASE("an exception of the last attempt goes on unchanged", "[retry][policy]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  gabion::retry_policy retry{{.max_attempts = 3, .backoff = plain}};
  auto guarded = gabion::pipeline(time.clock(), retry);
  int calls = 0;
  const auto send = [&]() -> int {
    if (++calls < 3) throw std::runtime_error{"away"};
    throw calls;
  };
  CHECK_THROWS_AS(guarded.call(sleeper, call_context{}, send), int);
  CHECK(calls == 3);
  calls = 0;
  const auto recovers = [&] {
    if (++calls < 3) throw std::runtime_error{"away"};
    return 7;
  };
  CHECK(guarded.call(sleeper, call_context{}, recovers) == 7);
}

TEST_CASE("in one thread the same seed gives the same delays and another one others",
          "[retry][policy]") {
  manual_time time;
  const auto waits = [&](std::uint64_t seed) {
    advancing_sleeper sleeper{&time};
    gabion::retry_policy retry{{.max_attempts = 20, .backoff = {.initial = 1s, .cap = 1h}}, seed};
    auto guarded = gabion::pipeline(time.clock(), retry);
    CHECK(guarded.call(sleeper, call_context{}, [] { return timed_out; }) == timed_out);
    return sleeper.waits;
  };
  CHECK(waits(1) == waits(1));
  CHECK(waits(1) != waits(2));
}

TEST_CASE("a retry puts the context back as it was", "[retry][policy]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  gabion::retry_policy retry{
      {.max_attempts = 2, .backoff = plain, .total = 10s, .attempt_limit = 1s}};
  gabion::retry_policy::run run{retry};
  const deadline before = deadline::at(time.now() + 1h);
  call_context context{.until = before, .attempt = 4};
  CHECK(run.enter(context, now).what == gabion::entry_step::kind::pass);
  CHECK(context.until == deadline::at(time.now() + 1s));
  call_outcome failed{verdict::failure};
  const exit_step step = run.leave(failed, context, now);
  REQUIRE(again(step));
  CHECK(context.attempt == 5);
  CHECK(context.until == deadline::at(time.now() + 10s));
  time.advance_to(step.at + 1ms);
  run.go_again(context, now);
  CHECK(context.until == deadline::at(time.now() + 1s));
  CHECK_FALSE(again(run.leave(failed, context, now)));
  CHECK(context.attempt == 4);
  CHECK(context.until == before);
}

TEST_CASE("a retry policy refuses what a retry refuses", "[retry][policy]") {
  CHECK_THROWS_AS((gabion::retry_policy{{.max_attempts = 0}}), gabion::error);
  CHECK_THROWS_AS((gabion::retry_policy{{.attempt_limit = 0ns}}), gabion::error);
  static_assert(gabion::valid(retry_options{}) &&
                !gabion::valid(retry_options{.max_attempts = 1001}));
  static_assert(!gabion::valid(retry_options{.attempt_limit = 0ns}) &&
                gabion::valid(retry_options{.attempt_limit = 1ns}));
  static_assert(!gabion::valid(retry_options{.total = 0ns}) &&
                !gabion::valid(retry_options{.attempt_time = -1ns}));
  static_assert(!gabion::valid(retry_options{.max_retry_after = -1ns}) &&
                !gabion::valid(retry_options{.backoff = {.initial = -1ns}}));
}
