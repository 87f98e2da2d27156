// SPDX-License-Identifier: MIT
#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {

struct by_reference {
  std::function<void(const circuit_transition&)>* f;
  void operator()(const circuit_transition& t) const { (*f)(t); }
};
using any_breaker = gabion::basic_circuit_breaker<gabion::testing::manual_clock, by_reference>;

}  // namespace

TEST_CASE("each transition says from where to where and why and when",
          "[circuit_breaker][events]") {
  bench x{{.failures = 2, .open_for = 60s, .successes_to_close = 1, .name = "inventory"}};
  const auto start = x.time.now();
  x.fail(2);
  x.time.advance(61s);
  x.succeed();
  REQUIRE(x.heard.size() == 3);
  const circuit_transition& opened = x.heard[0];
  CHECK(opened.name == "inventory");
  CHECK(opened.from == circuit_state::closed);
  CHECK(opened.to == circuit_state::open);
  CHECK(opened.cause == circuit_cause::consecutive_failures);
  CHECK(opened.generation == 1);
  CHECK(opened.at == start);
  CHECK(opened.failed == 2);
  CHECK(opened.missed == 0);
  CHECK(x.heard[1].to == circuit_state::half_open);
  CHECK(x.heard[1].cause == circuit_cause::open_time_over);
  CHECK(x.heard[1].at == start + 61s);
  CHECK(x.heard[2].to == circuit_state::closed);
  CHECK(x.heard[2].generation == 3);
}

TEST_CASE("case 34: calls that change no state emit no transition", "[circuit_breaker][events]") {
  bench x{three_in_a_row};
  x.fail(3);
  for (int i = 0; i < 10; ++i) CHECK_FALSE(x.b.try_acquire());
  CHECK(x.heard.size() == 1);
}

TEST_CASE("case 52: a listener may call anything and what it causes comes after what it is told",
          "[circuit_breaker][events]") {
  gabion::testing::manual_time time;
  std::function<void(const circuit_transition&)> f;
  any_breaker b{{.failures = 1, .open_for = 60s}, time.clock(), by_reference{&f}};
  std::vector<circuit_state> told;
  int depth = 0;
  int deepest = 0;
  f = [&](const circuit_transition& t) {
    deepest = (std::max)(deepest, ++depth);
    told.push_back(t.to);
    CHECK(b.snapshot().generation >= t.generation);
    static_cast<void>(b.state());
    if (told.size() == 1) {
      CHECK_FALSE(b.try_acquire());
      b.reset();
      b.try_acquire()->failure();
    }
    --depth;
  };
  b.try_acquire()->failure();
  CHECK(told == std::vector{circuit_state::open, circuit_state::closed, circuit_state::open});
  CHECK(deepest == 1);
}

TEST_CASE("case 53: a listener that throws affects neither the call nor the state and is counted",
          "[circuit_breaker][events]") {
  gabion::testing::manual_time time;
  std::function<void(const circuit_transition&)> f = [](const circuit_transition&) {
    throw std::runtime_error{"listener"};
  };
  any_breaker b{
      {.failures = 1, .open_for = 60s, .successes_to_close = 1}, time.clock(), by_reference{&f}};
  CHECK_NOTHROW(b.try_acquire()->failure());
  CHECK(b.state() == circuit_state::open);
  // even one whose code says success
  f = [](const circuit_transition&) { throw std::system_error{std::error_code{}}; };
  time.advance(60s);
  CHECK(b.call([] { return 3; }) == 3);
  CHECK(b.state() == circuit_state::closed);
  CHECK(b.snapshot().listener_failures == 3);
  CHECK(b.snapshot().counts.settled() == 2);
}

TEST_CASE("sixteen events wait for a slow listener and the seventeenth pushes out the oldest",
          "[circuit_breaker][events]") {
  const int waiting = GENERATE(16, 17, 20, 60);
  gabion::testing::manual_time time;
  std::function<void(const circuit_transition&)> f;
  any_breaker b{{.failures = 1, .open_for = 60s}, time.clock(), by_reference{&f}};
  events told;
  f = [&](const circuit_transition& t) {
    told.push_back(t);
    if (told.size() > 1) return;
    for (int i = 0; i < waiting; ++i) i % 2 == 0 ? b.reset() : b.try_acquire()->failure();
  };
  b.try_acquire()->failure();
  const auto missed = static_cast<std::uint64_t>(waiting - 16);
  CHECK(told.size() == 17);
  CHECK(told[1].missed == missed);
  CHECK(told[1].generation == 2 + missed);
  for (std::size_t i = 2; i < told.size(); ++i) {
    CHECK(told[i].missed == 0);
    CHECK(told[i].generation == told[i - 1].generation + 1);
  }
  CHECK(b.snapshot().events_missed == missed);
}

TEST_CASE("without a listener there is no queue", "[circuit_breaker][events]") {
  CHECK(std::is_empty_v<gabion::detail::circuit_events<gabion::native_env, gabion::no_observer>>);
  CHECK(sizeof(gabion::circuit_breaker) < sizeof(breaker));
}

TEST_CASE("a listener may stand behind the clock or in its place or be one of several",
          "[circuit_breaker][events]") {
  gabion::testing::manual_time time;
  int heard = 0;
  const auto count = [&heard](const circuit_transition&) { ++heard; };
  gabion::basic_circuit_breaker behind{circuit_breaker_options{.failures = 1}, time.clock(), count};
  gabion::basic_circuit_breaker in_place{circuit_breaker_options{.failures = 1}, count};
  gabion::basic_circuit_breaker several{circuit_breaker_options{.failures = 1},
                                        gabion::observers{count, [](const int&) {}}};
  behind.try_acquire()->failure();
  in_place.try_acquire()->failure();
  several.try_acquire()->failure();
  CHECK(heard == 3);
}
