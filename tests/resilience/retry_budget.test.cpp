// SPDX-License-Identifier: MIT
#include <gabion/resilience/retry_budget.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::budget_event;
using gabion::extra_attempt;
using gabion::instant;
using gabion::retry_budget;
using gabion::retry_budget_options;
using gabion::windowed_retry_budget;
using gabion::windowed_retry_budget_options;
using gabion::testing::manual_time;

namespace {

constexpr instant start{1h};

/// A clock that must not be read.
constexpr auto never_read = []() -> instant { throw std::logic_error{"the clock was read"}; };

template <class Budget>
bool failure_may_retry(Budget& b) {
  b.note(budget_event::failure, never_read);
  return b.try_spend(extra_attempt::retry, [] { return start; });
}

template <class Options, class Budget>
std::string refusal(const Options& o) {
  try {
    Budget{o};
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::invalid_argument);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("case 61: ten tokens allow four failures to retry and not a fifth", "[retry][budget]") {
  retry_budget b{{.tokens = 10, .percent = 10, .per_second = 0}};
  for (int i = 0; i < 4; ++i) CHECK(failure_may_retry(b));
  CHECK_FALSE(failure_may_retry(b));
  CHECK(b.tokens() == 5);
}

TEST_CASE("case 61: from empty fifty successes allow no retry and the fifty-first does",
          "[retry][budget]") {
  retry_budget b{{.tokens = 10, .percent = 10, .per_second = 0}};
  for (int i = 0; i < 100; ++i) b.note(budget_event::failure, never_read);
  CHECK(b.tokens() == 0);
  const auto may_retry = [&] { return b.try_spend(extra_attempt::retry, [] { return start; }); };
  for (int i = 0; i < 50; ++i) b.note(budget_event::success, never_read);
  CHECK_FALSE(may_retry());
  b.note(budget_event::success, never_read);
  CHECK(may_retry());
}

TEST_CASE("a budget never holds more than its tokens nor less than none", "[retry][budget]") {
  retry_budget b{{.tokens = 3, .percent = 1000, .per_second = 0}};
  for (int i = 0; i < 10; ++i) b.note(budget_event::success, never_read);
  CHECK(b.tokens() == 3);
  CHECK(failure_may_retry(b));
  CHECK_FALSE(failure_may_retry(b));
  for (int i = 0; i < 10; ++i) b.note(budget_event::failure, never_read);
  CHECK(b.tokens() == 0);
  b.note(budget_event::success, never_read);  // ten tokens at once
  CHECK(b.tokens() == 3);
  b.note(budget_event::call, never_read);
  CHECK(b.tokens() == 3);
}

TEST_CASE("a hedge costs a token and leaves more than half for the retries", "[retry][budget]") {
  retry_budget b{{.tokens = 10, .percent = 10, .per_second = 0}};
  const auto may_hedge = [&] { return b.try_spend(extra_attempt::hedge, [] { return start; }); };
  for (int i = 0; i < 4; ++i) CHECK(may_hedge());
  CHECK_FALSE(may_hedge());
  CHECK(b.tokens() == 6);
  CHECK(b.try_spend(extra_attempt::retry, never_read));
  CHECK_FALSE(failure_may_retry(b));  // retries and hedges draw on the same tokens
}

TEST_CASE("the tokens are counted exactly with any order of events", "[retry][budget][property]") {
  gabion::xoshiro256 random{61};
  for (int run = 0; run < 300; ++run) {
    const retry_budget_options o{
        .tokens = static_cast<std::uint32_t>(gabion::uniform(random, 2, 50)),
        .percent = static_cast<std::uint32_t>(gabion::uniform(random, 1, 1000)),
        .per_second = 0};
    retry_budget b{o};
    std::int64_t model = std::int64_t{o.tokens} * 100;
    const std::int64_t full = model;
    for (int i = 0; i < 200; ++i) {
      switch (gabion::uniform(random, 3)) {
        case 0:
          b.note(budget_event::success, never_read);
          model = std::min(full, model + o.percent);
          break;
        case 1:
          b.note(budget_event::failure, never_read);
          model = std::max(std::int64_t{0}, model - 100);
          break;
        default: {
          const bool granted = model - 100 > full / 2;
          REQUIRE(b.try_spend(extra_attempt::hedge, [] { return start; }) == granted);
          if (granted) model -= 100;
        }
      }
      REQUIRE(b.tokens() == model / 100);
      REQUIRE(b.try_spend(extra_attempt::retry, [] { return start; }) == (model > full / 2));
    }
  }
}

TEST_CASE("a reserve lets so many attempts a second through when the tokens are gone",
          "[retry][budget]") {
  retry_budget b{{.tokens = 2, .percent = 1, .per_second = 3}};
  for (int i = 0; i < 10; ++i) b.note(budget_event::failure, never_read);
  manual_time time;
  const auto now = [&] { return time.now(); };
  const auto granted = [&] {
    int n = 0;
    while (b.try_spend(extra_attempt::retry, now)) ++n;
    return n;
  };
  CHECK(granted() == 3);
  time.advance(332ms);
  CHECK(granted() == 0);
  time.advance(2ms);
  CHECK(granted() == 1);
  time.advance(1s);
  CHECK(granted() == 3);
  time.advance(24h);  // nothing is saved up
  CHECK(granted() == 3);
  time.advance(-5s);  // a clock that went back does not stop it
  CHECK(granted() == 3);
  time.advance(-500ms);
  CHECK(granted() == 0);
}

TEST_CASE("the clock is not read while there are tokens or no reserve", "[retry][budget]") {
  retry_budget full{{}};
  CHECK(full.try_spend(extra_attempt::retry, never_read));
  CHECK(full.try_spend(extra_attempt::hedge, never_read));
  retry_budget empty{{.tokens = 2, .per_second = 0}};
  for (int i = 0; i < 5; ++i) empty.note(budget_event::failure, never_read);
  CHECK_FALSE(empty.try_spend(extra_attempt::retry, never_read));
}

TEST_CASE("case 62: a deposit can be used for its time and is gone after", "[retry][budget]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  windowed_retry_budget b{{.percent = 100, .per_second = 0, .keep = 1s}};
  b.note(budget_event::call, now);
  SECTION("at 901 ms it is there") {
    time.advance(901ms);
    CHECK(b.available(time.now()) == 1);
    CHECK(b.try_spend(extra_attempt::retry, now));
    CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
  }
  SECTION("to the end of its time it is there") {
    time.advance(1s);
    CHECK(b.try_spend(extra_attempt::hedge, now));
  }
  SECTION("a tenth later it is gone") {
    time.advance(1100ms);
    CHECK(b.available(time.now()) == 0);
    CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
  }
  SECTION("after three seconds it is gone") {
    time.advance(3s);
    CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
  }
}

TEST_CASE(
    "case 62: after a day of rest a windowed budget begins anew without going through the day",
    "[retry][budget]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  windowed_retry_budget b{{.percent = 100, .per_second = 0, .keep = 10ms}};
  for (int i = 0; i < 50; ++i) b.note(budget_event::call, now);
  for (int day = 0; day < 1000; ++day) {  // 86 million periods each, so that a walk would be seen
    time.advance(24h);
    CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
    b.note(budget_event::call, now);
    CHECK(b.available(time.now()) == 1);
    CHECK(b.try_spend(extra_attempt::retry, now));
  }
}

TEST_CASE("a windowed budget is worth its share of the calls", "[retry][budget]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  windowed_retry_budget b{{.percent = 20, .per_second = 0, .keep = 10s}};
  int granted = 0;
  for (int i = 0; i < 1000; ++i) {
    b.note(budget_event::call, now);
    while (b.try_spend(extra_attempt::retry, now)) ++granted;
    time.advance(1ms);
  }
  CHECK(granted == 200);
}

TEST_CASE("few calls bring their share too however far apart they are", "[retry][budget]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  windowed_retry_budget b{{.percent = 20, .per_second = 0, .keep = 10s}};
  int granted = 0;
  for (int i = 0; i < 50; ++i) {
    b.note(budget_event::call, now);
    if (b.try_spend(extra_attempt::retry, now)) ++granted;
    time.advance(1min);
  }
  CHECK(granted == 10);
}

TEST_CASE("a windowed budget agrees with a list of deposits that expire",
          "[retry][budget][property]") {
  gabion::xoshiro256 random{62};
  for (int run = 0; run < 100; ++run) {
    manual_time time;
    const auto now = [&] { return time.now(); };
    windowed_retry_budget b{{.percent = 100, .per_second = 0, .keep = 1s}};
    std::deque<std::int64_t> deposits;  // the tenth of a second that each was made in
    const auto tenth = [&] { return gabion::duration{time.now().time_since_epoch()} / 100ms; };
    for (int i = 0; i < 300; ++i) {
      time.advance(
          gabion::duration{static_cast<std::int64_t>(gabion::uniform(random, 200'000'000))});
      while (!deposits.empty() && tenth() - deposits.front() > 10) deposits.pop_front();
      if (gabion::uniform(random, 2) == 0) {
        b.note(budget_event::call, now);
        deposits.push_back(tenth());
      } else {
        REQUIRE(b.try_spend(extra_attempt::retry, now) == !deposits.empty());
        if (!deposits.empty()) deposits.pop_front();
      }
      REQUIRE(b.available(time.now()) == deposits.size());
    }
  }
}

TEST_CASE("a windowed budget does not gain by a clock that goes back", "[retry][budget]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  windowed_retry_budget b{{.percent = 100, .per_second = 0, .keep = 1s}};
  b.note(budget_event::call, now);
  time.advance(-5s);
  CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
  b.note(budget_event::call, now);
  time.advance(5s);
  CHECK(b.available(time.now()) <= 2);
  int granted = 0;
  while (b.try_spend(extra_attempt::retry, now)) ++granted;
  CHECK(granted <= 2);
}

TEST_CASE("a windowed budget has a reserve too", "[retry][budget]") {
  windowed_retry_budget b{{.per_second = 2}};
  const auto now = [] { return start; };
  CHECK(b.try_spend(extra_attempt::retry, now));
  CHECK(b.try_spend(extra_attempt::hedge, now));
  CHECK_FALSE(b.try_spend(extra_attempt::retry, now));
}

TEST_CASE("budget options outside their range are refused by name", "[retry][budget]") {
  using Catch::Matchers::Contains;
  const auto refused = refusal<retry_budget_options, retry_budget>;
  CHECK_THAT(refused({.tokens = 1}),
             Contains("retry_budget_options.tokens is 1; allowed: 2 to 1000000"));
  CHECK_THAT(refused({.tokens = 1'000'001}), Contains("1000001"));
  CHECK(refused({.tokens = 2}).empty());
  CHECK(refused({.tokens = 1'000'000}).empty());
  CHECK_THAT(refused({.percent = 0}),
             Contains("retry_budget_options.percent is 0; allowed: 1 to 1000"));
  CHECK_THAT(refused({.percent = 1001}), Contains("1001"));
  CHECK(refused({.percent = 1}).empty());
  CHECK(refused({.percent = 1000}).empty());
  CHECK_THAT(refused({.per_second = 1'000'001}),
             Contains("retry_budget_options.per_second is 1000001"));
  CHECK(refused({.per_second = 0}).empty());
  CHECK(refused({.per_second = 1'000'000}).empty());
  static_assert(gabion::valid(retry_budget_options{}) &&
                !gabion::valid(retry_budget_options{.tokens = 1}));
  static_assert(!gabion::valid(retry_budget_options{.percent = 0}) &&
                gabion::valid(retry_budget_options{.per_second = 0}));
}

TEST_CASE("windowed budget options outside their range are refused by name", "[retry][budget]") {
  using Catch::Matchers::Contains;
  const auto refused = refusal<windowed_retry_budget_options, windowed_retry_budget>;
  CHECK_THAT(refused({.percent = 0}),
             Contains("windowed_retry_budget_options.percent is 0; allowed: 1 to 1000"));
  CHECK_THAT(refused({.percent = 1001}), Contains("1001"));
  CHECK(refused({.percent = 1000}).empty());
  CHECK_THAT(refused({.per_second = 1'000'001}),
             Contains("windowed_retry_budget_options.per_second is 1000001"));
  CHECK_THAT(refused({.keep = 10ms - 1ns}),
             Contains("windowed_retry_budget_options.keep is 9999999 ns; allowed: 10 ms to 1 h"));
  CHECK_THAT(refused({.keep = 1h + 1ns}), Contains("3600000000001"));
  CHECK(refused({.keep = 10ms}).empty());
  CHECK(refused({.keep = 1h}).empty());
  static_assert(gabion::valid(windowed_retry_budget_options{}) &&
                !gabion::valid(windowed_retry_budget_options{.keep = 0ns}));
}
