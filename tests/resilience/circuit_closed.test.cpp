// SPDX-License-Identifier: MIT
#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

TEST_CASE("a breaker is closed when it is made and lets calls through", "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.try_acquire());
  CHECK(x.heard.empty());
}

TEST_CASE("it opens at the configured number of failures in a row and not before", "[circuit_breaker][closed]") {
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

TEST_CASE("a success ends the row of failures", "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  x.fail();
  x.succeed();
  x.fail(2);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("failures in a row count however far apart they are", "[circuit_breaker][closed]") {
  bench x{{.failures = 5}};
  for (int i = 0; i < 5; ++i) {
    CHECK(x.state() == circuit_state::closed);
    x.fail();
    x.time.advance(24h);
  }
  CHECK(x.heard.size() == 1);
}

TEST_CASE("an ignored call and a dropped permit neither end nor lengthen the row", "[circuit_breaker][closed]") {
  bench x{three_in_a_row};
  x.fail(2);
  x.b.try_acquire()->ignore();
  { const auto dropped = x.b.try_acquire(); }
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.counts() == circuit_counts{.failure = 2, .ignored = 1, .abandoned = 1});
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("the window opens on the record that reaches the percentage in whatever order", "[circuit_breaker][window]") {
  // Every order of 5 failures and 5 successes: exactly the 10th record trips, because equality trips.
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

TEST_CASE("the window stays closed just below the percentage", "[circuit_breaker][window]") {
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

TEST_CASE("below the minimum of calls nothing opens it and at the minimum it does", "[circuit_breaker][window]") {
  bench x{half_of_ten};
  x.fail(9);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 9);
  CHECK(x.b.snapshot().window_failed == 9);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a minimum above the window means the window", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 1000}}};
  x.fail(9);
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("two of three failures open on the second failure of any three", "[circuit_breaker][window]") {
  bench x{{.failures = 0, .window = {.calls = 3, .failure_percent = 66, .minimum_calls = 3}}};
  x.fail();
  x.succeed();
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("three of four never opens on strict alternation", "[circuit_breaker][window]") {
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
  bench w{{.failures = 0, .window = {.calls = 8191, .failure_percent = 100, .minimum_calls = 8191}}};
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
  constexpr circuit_breaker_options both{.failures = 3, .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 10}};
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

TEST_CASE("calls in flight and rejected calls are not in the window", "[circuit_breaker][window]") {
  bench x{half_of_ten};
  std::vector<breaker::admission> in_flight;
  for (int i = 0; i < 20; ++i) in_flight.push_back(x.b.try_acquire());
  x.fail(10);
  CHECK(x.state() == circuit_state::open);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(x.b.try_acquire());
  CHECK(x.b.snapshot().window_calls == 10);
  CHECK(x.counts().rejected == 5);
}

TEST_CASE("reset while closed forgets row and window and is no transition", "[circuit_breaker][reset]") {
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
