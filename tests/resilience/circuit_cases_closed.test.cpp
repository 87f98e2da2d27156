// SPDX-License-Identifier: MIT
#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

TEST_CASE("a breaker is closed when it is made and lets calls through",
          "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.try_acquire());
  CHECK(x.heard.empty());
}

TEST_CASE("it opens at the configured number of failures in a row and not before",
          "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  x.fail(2);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
  REQUIRE(x.heard.size() == 1);
  CHECK(x.heard[0].cause == circuit_cause::consecutive_failures);
  CHECK(x.heard[0].failed == 3);
}

TEST_CASE("one failure opens it if one is allowed", "[circuit_breaker][closed]") {
  bench x{{.failures = 1}};
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 9: a success ends the row of failures", "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  x.fail();
  x.succeed();
  x.fail(2);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 10: failures in a row count however far apart they are",
          "[circuit_breaker][closed]") {
  bench x{{.failures = 5}};
  for (int i = 0; i < 5; ++i) {
    CHECK(x.state() == circuit_state::closed);
    x.fail();
    x.time.advance(24h);
  }
  CHECK(x.heard.size() == 1);
}

TEST_CASE("an ignored call and a dropped permit neither end nor lengthen the row",
          "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  x.fail(2);
  x.b.try_acquire()->ignore();
  { const auto dropped = x.b.try_acquire(); }
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.counts() == circuit_counts{.failure = 2, .ignored = 1, .abandoned = 1});
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 1: the window opens on the record that reaches the percentage in whatever order",
          "[circuit_breaker][window]") {
  // Every order of 5 failures and 5 successes: exactly the 10th record trips, because equality
  // trips.
  for (unsigned order = 0; order < 1U << 10; ++order) {
    if (__builtin_popcount(order) != 5) continue;
    bench x{half_of_ten};
    for (unsigned i = 0; i < 10; ++i) {
      REQUIRE(x.state() == circuit_state::closed);
      (order >> i & 1U) != 0 ? x.fail() : x.succeed();
    }
    REQUIRE(x.state() == circuit_state::open);
    REQUIRE(x.heard.size() == 1);
    REQUIRE(x.heard[0].cause == circuit_cause::failure_rate);
    REQUIRE(x.heard[0].failed == 5);
    REQUIRE(x.heard[0].calls == 10);
  }
}

TEST_CASE("case 2: the window stays closed just below the percentage",
          "[circuit_breaker][window]") {
  bench x{half_of_ten};
  x.fail(4);
  x.succeed(6);
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("a percentage is never rounded up to the threshold", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 200, .failure_percent = 50, .minimum_calls = 200}}};
  x.succeed(101);
  x.fail(99);  // 49.5 %
  CHECK(x.state() == circuit_state::closed);
  x.fail();  // the oldest success leaves: 100 of 200
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a percentage over time is never rounded to the threshold either",
          "[circuit_breaker][time_window]") {
  bench x{{.failures = 0,
           .time_window = {.span = 10s, .failure_percent = 50, .minimum_calls = 200'000}}};
  x.succeed(100'001);
  x.fail(99'999);  // 49.9995 %
  CHECK(x.state() == circuit_state::closed);
  x.fail();  // 100,000 of 200,001
  CHECK(x.state() == circuit_state::closed);
  x.fail();  // 100,001 of 200,002
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("failures count alike however fast they come back", "[circuit_breaker][window]") {
  const auto takes = GENERATE(0ns, 50us, 10ms, 10s);
  const auto timed = GENERATE(false, true);
  bench x{{.failures = 0,
           .window = {.calls = timed ? 0U : 20U, .failure_percent = 50, .minimum_calls = 20},
           .time_window = {.span = timed ? 24h : 0h, .failure_percent = 50, .minimum_calls = 20},
           .slow_after = 1s}};
  const auto call = [&](gabion::duration how_long, bool failed) {
    auto admitted = x.b.try_acquire();
    x.time.advance(how_long);
    failed ? admitted->failure() : admitted->success();
  };
  // it knows the other side as one that takes 10 ms
  for (int i = 0; i < 10; ++i) call(10ms, false);
  for (int i = 0; i < 9; ++i) call(takes, true);
  CHECK(x.state() == circuit_state::closed);
  call(takes, true);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 4: below the minimum of calls nothing opens it and at the minimum it does",
          "[circuit_breaker][window]") {
  bench x{half_of_ten};
  x.fail(9);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 9);
  CHECK(x.b.snapshot().window_failed == 9);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 5: a minimum above the window means the window", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 1000}}};
  x.fail(9);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 7: two of three failures open on the second failure of any three",
          "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 3, .failure_percent = 66, .minimum_calls = 3}}};
  x.fail();
  x.succeed();
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("case 8: three of four never opens on strict alternation", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 4, .failure_percent = 75, .minimum_calls = 4}}};
  for (int i = 0; i < 40; ++i) i % 2 == 0 ? x.succeed() : x.fail();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_failed == 2);
}

TEST_CASE("the window slides: a good past does not hide an outage", "[circuit_breaker][window]") {
  bench x{half_of_ten};
  x.succeed(1'000'000);
  x.fail(4);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a window of one call judges each call alone", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 1, .failure_percent = 100, .minimum_calls = 1}}};
  x.succeed(20);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("the largest window and row hold as many as they say", "[circuit_breaker][window]") {
  bench w{
      {.failures = 0, .window = {.calls = 8191, .failure_percent = 100, .minimum_calls = 8191}}};
  w.fail(8190);
  CHECK(w.state() == circuit_state::closed);
  CHECK(w.b.snapshot().window_failed == 8190);
  w.fail();
  CHECK(w.state() == circuit_state::open);

  bench r{{.failures = 65'535}};
  r.fail(65'534);
  CHECK(r.state() == circuit_state::closed);
  r.fail();
  CHECK(r.state() == circuit_state::open);
}

TEST_CASE("with both rules on the first that is met opens", "[circuit_breaker][window]") {
  constexpr circuit_breaker_options both{
      .failures = 3, .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 10}};
  bench row{both};
  row.fail(3);
  REQUIRE(row.heard.size() == 1);
  CHECK(row.heard[0].cause == circuit_cause::consecutive_failures);

  bench rate{both};
  for (int i = 0; i < 5; ++i) {
    rate.succeed();
    rate.fail();
  }
  REQUIRE(rate.heard.size() == 1);
  CHECK(rate.heard[0].cause == circuit_cause::failure_rate);
}

TEST_CASE("cases 21 and 22: calls in flight and rejected calls are not in the window",
          "[circuit_breaker][window]") {
  bench x{half_of_ten};
  std::vector<breaker::admission> in_flight;
  for (int i = 0; i < 20; ++i) in_flight.push_back(x.b.try_acquire());
  x.fail(10);
  CHECK(x.state() == circuit_state::open);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(x.b.try_acquire());
  CHECK(x.b.snapshot().window_calls == 10);
  CHECK(x.counts().rejected == 5);
}

TEST_CASE("reset while closed forgets row and window and is no transition",
          "[circuit_breaker][reset]") {
  bench x{{.failures = 3, .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 10}}};
  x.fail(2);
  x.b.reset();
  CHECK(x.b.snapshot().consecutive_failures == 0);
  CHECK(x.b.snapshot().window_calls == 0);
  x.fail(2);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.heard.empty());
  CHECK(x.counts().failure == 4);
  x.succeed(20);
  CHECK(x.b.snapshot().window_failed == 0);
  CHECK(x.b.snapshot().window_calls == 10);
}

TEST_CASE("case 3: below the minimum the rate is not enough data", "[circuit_breaker][window]") {
  bench x{{.failures = 0,
           .window = {.calls = 20, .minimum_calls = 10},
           .time_window = {.span = 10s, .minimum_calls = 10}}};
  CHECK_FALSE(x.b.snapshot().window.failure_percent().has_value());
  x.fail(9);
  CHECK(x.state() == circuit_state::closed);
  CHECK_FALSE(x.b.snapshot().window.failure_percent().has_value());
  CHECK_FALSE(x.b.snapshot().time_window.failure_percent().has_value());
  x.succeed();
  CHECK(x.b.snapshot().window.failure_percent() == 90);
  CHECK(x.b.snapshot().time_window.failure_percent() == 90);
}

namespace {

constexpr circuit_breaker_options last_ten_seconds{
    .failures = 0,
    .time_window = {.span = 10s, .buckets = 10, .failure_percent = 100, .minimum_calls = 12}};

void call(bench& x, gabion::duration takes, bool failed = false) {
  auto admitted = x.b.try_acquire();
  REQUIRE(admitted);
  x.time.advance(takes);
  failed ? admitted->failure() : admitted->success();
}

}  // namespace

TEST_CASE("case 6: the minimum of a time window is limited by nothing",
          "[circuit_breaker][time_window]") {
  bench x{{.failures = 0, .time_window = {.span = 10s, .buckets = 2, .minimum_calls = 100}}};
  x.fail(99);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.heard.at(0).cause == circuit_cause::timed_failure_rate);
  CHECK(x.heard.at(0).failed == 100);
  CHECK(x.heard.at(0).calls == 100);
}

TEST_CASE("case 11: a call that takes exactly as long as allowed is not slow",
          "[circuit_breaker][slow]") {
  bench x{{.failures = 0,
           .window = {.calls = 4, .failure_percent = 0, .minimum_calls = 1, .slow_percent = 100},
           .slow_after = 1s}};
  call(x, 1s);
  CHECK(x.b.snapshot().window.slow == 0);
  CHECK(x.state() == circuit_state::closed);
  bench y{{.failures = 0,
           .window = {.calls = 4, .failure_percent = 0, .minimum_calls = 1, .slow_percent = 100},
           .slow_after = 1s}};
  call(y, 1s + 1ns);
  CHECK(y.state() == circuit_state::open);
  CHECK(y.heard.at(0).cause == circuit_cause::slow_rate);
}

TEST_CASE("case 12: slow and failed together open it only by the combined rule",
          "[circuit_breaker][slow]") {
  const auto run = [](std::uint32_t both, bool timed) {
    bench x{{.failures = 0,
             .window = {.calls = timed ? 0U : 4U,
                        .failure_percent = 50,
                        .minimum_calls = 4,
                        .slow_percent = 50,
                        .slow_or_failed_percent = both},
             .time_window = {.span = timed ? 10s : 0s,
                             .failure_percent = 50,
                             .minimum_calls = 4,
                             .slow_percent = 50,
                             .slow_or_failed_percent = both},
             .slow_after = 1s}};
    call(x, 2s);
    call(x, 0s, true);
    x.succeed(2);
    return x.heard.empty() ? circuit_cause::reset : x.heard.at(0).cause;
  };
  CHECK(run(0, false) == circuit_cause::reset);
  CHECK(run(50, false) == circuit_cause::slow_or_failed_rate);
  CHECK(run(51, false) == circuit_cause::reset);
  CHECK(run(0, true) == circuit_cause::reset);
  CHECK(run(50, true) == circuit_cause::timed_slow_or_failed_rate);
  CHECK(run(51, true) == circuit_cause::reset);
}

TEST_CASE("case 13: a slow failure counts once as failed and once as slow and once as either",
          "[circuit_breaker][slow]") {
  bench x{{.failures = 0, .window = {.calls = 10}, .time_window = {.span = 10s}, .slow_after = 1s}};
  call(x, 2s, true);
  for (const auto& w : {x.b.snapshot().window, x.b.snapshot().time_window}) {
    CHECK(w.calls == 1);
    CHECK(w.failed == 1);
    CHECK(w.slow == 1);
    CHECK(w.slow_or_failed == 1);
  }
}

TEST_CASE("case 14: an outcome leaves the time window exactly at the age of its span",
          "[circuit_breaker][time_window]") {
  bench x{last_ten_seconds};
  for (int i = 0; i < 10; ++i) {
    x.fail();
    x.time.advance(1s);
  }
  // ten steps of a second: the first is as old as the span
  CHECK(x.b.snapshot().time_window.failed == 9);
  x.time.advance(-1ns);
  CHECK(x.b.snapshot().time_window.failed == 10);
  x.time.advance(1s + 1ns);
  CHECK(x.b.snapshot().time_window.failed == 8);
}

TEST_CASE("case 15: a jump over all buckets clears everything once",
          "[circuit_breaker][time_window]") {
  bench x{last_ten_seconds};
  x.fail(3);
  x.time.advance(24h * 365 * 100);
  CHECK(x.b.snapshot().time_window.calls == 0);
  x.fail();
  CHECK(x.b.snapshot().time_window.failed == 1);
  x.time.advance(10s);
  x.succeed();
  CHECK(x.b.snapshot().time_window.calls == 1);
  CHECK(x.b.snapshot().time_window.failed == 0);
}

TEST_CASE("case 16: a look after an idle time shows nothing old without a new outcome",
          "[circuit_breaker][time_window]") {
  bench x{last_ten_seconds};
  x.fail(5);
  x.time.advance(10s);
  CHECK(x.b.snapshot().time_window.calls == 0);
  CHECK(x.b.explain().rules[0].count == 0);
}

TEST_CASE("case 17: a clock that goes back evicts nothing and doubles nothing",
          "[circuit_breaker][time_window]") {
  bench x{last_ten_seconds};
  for (int i = 0; i < 5; ++i) {
    x.fail();
    x.time.advance(1s);
  }
  x.time.advance(-5s);
  for (int i = 0; i < 10; ++i) CHECK(x.b.snapshot().time_window.failed == 5);
  x.fail();
  CHECK(x.b.snapshot().time_window.failed == 6);
  x.time.advance(5s);
  CHECK(x.b.snapshot().time_window.failed == 6);
  x.time.advance(5s);  // the first is 10 s old
  CHECK(x.b.snapshot().time_window.failed == 5);
  x.time.advance(4s);  // the one that came while the clock was back is in the newest bucket of then
  CHECK(x.b.snapshot().time_window.failed == 0);
}

TEST_CASE("a time window of one bucket and of the finest buckets goes by the given clock alone",
          "[circuit_breaker][time_window]") {
  const auto buckets = GENERATE(1U, 1000U);
  bench x{{.failures = 0, .time_window = {.span = 1us, .buckets = buckets, .minimum_calls = 100}}};
  x.fail(7);
  // real time goes on, its own does not
  for (int i = 0; i < 1'000; ++i) CHECK(x.b.snapshot().time_window.failed == 7);
  x.time.advance(1us - 1ns);
  CHECK(x.b.snapshot().time_window.failed == 7);
  x.time.advance(1ns);
  CHECK(x.b.snapshot().time_window.failed == 0);
}

TEST_CASE("case 18: spans of milliseconds and of a few nanoseconds work",
          "[circuit_breaker][time_window]") {
  bench x{{.failures = 0, .time_window = {.span = 3ms, .minimum_calls = 100}}};
  x.fail(7);
  x.time.advance(2700us);
  CHECK(x.b.snapshot().time_window.failed == 7);
  x.time.advance(300us);
  CHECK(x.b.snapshot().time_window.failed == 0);
  // buckets of 2 ns, 20 ns together
  bench y{{.failures = 0, .time_window = {.span = 25ns, .minimum_calls = 100}}};
  y.fail(7);
  y.time.advance(18ns);
  CHECK(y.b.snapshot().time_window.failed == 7);
  y.time.advance(2ns);
  CHECK(y.b.snapshot().time_window.failed == 0);
}
