// SPDX-License-Identifier: MIT
// What policies make of each other in a pipeline, and of judgements.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <gabion/resilience.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/advancing_sleeper.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_state;
using gabion::testing::manual_time;

TEST_CASE("R6: waiting in one's own rate limiter is no slow call", "[fault][!shouldfail]") {
  manual_time time;
  gabion_test::advancing_sleeper sleeper{&time};
  gabion::basic_circuit_breaker breaker{
      gabion::circuit_breaker_options{
          .failures = 0,
          .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 10, .slow_percent = 50},
          .slow_after = 200ms,
          .open_for = 1h},
      time.clock()};
  gabion::gcra quota{{.interval = 1s}};
  auto guarded = gabion::pipeline(time.clock(), breaker, gabion::paced{quota, 10s});
  for (int i = 0; i < 20 && breaker.state() == circuit_state::closed; ++i)
    guarded.call(sleeper, gabion::call_context{}, [&time] { time.advance(30ms); });
  REQUIRE(sleeper.waits.size() >= 5);
  CHECK(breaker.state() == circuit_state::closed);
}

namespace {

/// What is left of a breaker after 50 calls whose client library cancels its own operation at the
/// deadline.
circuit_state after_hanging(const std::error_code& thrown) {
  manual_time time;
  gabion::basic_circuit_breaker breaker{gabion::circuit_breaker_options{.failures = 3},
                                        time.clock()};
  gabion::timeout_policy timeout{{.limit = 1s}};
  auto guarded = gabion::pipeline(time.clock(), breaker, timeout);
  for (int i = 0; i < 50 && breaker.state() == circuit_state::closed; ++i) try {
      guarded.call([&](const gabion::call_context& context) {
        time.advance_to(context.until.when());
        throw std::system_error{thrown};
      });
    } catch (const std::system_error&) {}
  return breaker.state();
}

}  // namespace

TEST_CASE("R7: a call that hangs until its deadline is a timeout and not cancelled by its caller",
          "[fault][!shouldfail]") {
  CHECK(after_hanging(std::make_error_code(std::errc::operation_canceled)) == circuit_state::open);
}

TEST_CASE("R14: a policy can have a judgement of its own", "[fault][!shouldfail]") {
  const auto can_have = [](auto& policy, auto judgement) {
    return requires { judged_by(policy, judgement); };
  };
  const auto no_retry = gabion::failure_if{[](int) { return false; }};
  gabion::retry_policy retry;
  CHECK(can_have(retry, no_retry));
}

TEST_CASE("R14a: a retry can be told to repeat only what may be repeated", "[fault][!shouldfail]") {
  const auto can_say = [](auto options) { return requires { options.only_repeatable; }; };
  CHECK(can_say(gabion::retry_options{}));
}

TEST_CASE("R15: callers that are told one wait do not come back at one moment",
          "[fault][!shouldfail]") {
  const gabion::instant now{1h};
  std::set<gabion::instant> moments;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    gabion::basic_retry machine{gabion::retry_options{}, gabion::xoshiro256{seed}};
    static_cast<void>(machine.begin(now));
    const auto step = machine.next({gabion::attempt_verdict::retryable, 5s}, now);
    REQUIRE(step.attempt_at.has_value());
    REQUIRE(*step.attempt_at >= now + 5s);
    moments.insert(*step.attempt_at);
  }
  CHECK(moments.size() > 900);
}

TEST_CASE("R15a: callers that a breaker tells its open time do not come back at one moment",
          "[fault][!shouldfail]") {
  const gabion::instant now{1h};
  std::set<gabion::instant> moments;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    gabion::basic_retry machine{
        gabion::retry_options{.rejections = gabion::rejection_handling::wait},
        gabion::xoshiro256{seed}};
    static_cast<void>(machine.begin(now));
    const auto step = machine.next({gabion::attempt_verdict::rejected, 5s}, now);
    REQUIRE(step.attempt_at.has_value());
    REQUIRE(*step.attempt_at >= now + 5s);
    moments.insert(*step.attempt_at);
  }
  CHECK(moments.size() > 900);
}

TEST_CASE("R16: a judgement that throws means the same in a breaker and in a pipeline",
          "[fault][!shouldfail]") {
  const auto judge = gabion::failure_if{[](int) -> bool { throw std::runtime_error{"no idea"}; }};
  gabion::circuit_breaker alone{{}};
  gabion::circuit_breaker piped{{}};
  CHECK_THROWS_AS(alone.call(judge, [] { return 1; }), std::runtime_error);
  CHECK_THROWS_AS(gabion::pipeline(piped).call(judge, [] { return 1; }), std::runtime_error);
  CHECK(alone.snapshot().counts == piped.snapshot().counts);
}

TEST_CASE("R16a: a pipeline of named policies can be called if it is const",
          "[fault][!shouldfail]") {
  gabion::circuit_breaker breaker{{}};
  auto guarded = gabion::pipeline(breaker);
  const auto callable = [](const auto& p) { return requires { p.call([] { return 1; }); }; };
  CHECK(callable(guarded));
}

TEST_CASE("R16b: the snapshot of a registry is const", "[fault][!shouldfail]") {
  const auto recipe = [](std::string_view) { return gabion::circuit_breaker_options{}; };
  gabion::basic_circuit_registry registry{gabion::keyed_registry_options{}, recipe};
  const auto has_snapshot = [](const auto& r) { return requires { r.snapshot(); }; };
  CHECK(has_snapshot(registry));
}

TEST_CASE("R16c: the views of an outlier ejection are const", "[fault][!shouldfail]") {
  const auto has_views = [](const auto& set) {
    return requires {
      set.fleet();
      set.snapshot(gabion::outlier_host{}, gabion::instant{});
    };
  };
  CHECK(has_views(gabion::outlier_ejection{}));
}

TEST_CASE("R16d: a cache that throws does not take the place of a success",
          "[fault][!shouldfail]") {
  gabion::last_good<std::string, int> cache;
  gabion::basic_last_good_fallback last_good{
      cache, [](const gabion::call_context&) -> std::string { throw std::bad_alloc{}; }};
  auto guarded = gabion::pipeline(last_good);
  std::optional<int> answer;
  CHECK_NOTHROW(answer = guarded.call([] { return 7; }));
  CHECK(answer == 7);
}

TEST_CASE("R16e: a cache that throws does not take the place of the failure that it answers",
          "[fault][!shouldfail]") {
  gabion::last_good<std::string, int> cache;
  gabion::basic_last_good_fallback last_good{
      cache, [](const gabion::call_context&) -> std::string { throw std::bad_alloc{}; }};
  auto guarded = gabion::pipeline(last_good);
  CHECK_THROWS_AS(guarded.call([]() -> int { throw std::runtime_error{"down"}; }),
                  std::runtime_error);
}
