// SPDX-License-Identifier: MIT
// The adaptive policies where they are meant to stand: around a call, in one pipeline, in manual
// time.
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/chaos.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/vegas_limit.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;

namespace {

struct skipping_sleeper {
  gabion::testing::manual_time* time;
  bool wait_until(instant moment) {
    time->advance_to(moment);
    return true;
  }
};

/// Shedder, throttle, limiter and chaos around a call of 10 ms.
struct service {
  explicit service(const gabion::chaos_options& faults) : chaos{faults, gabion::shared_random{1}} {}

  std::error_code call(call_priority priority = call_priority::normal, duration within = 1h) {
    auto all = gabion::pipeline(time.clock(), shedder, throttle, limiter, chaos);
    skipping_sleeper sleeper{&time};
    const call_context context{.until = gabion::deadline::after(time.now(), within),
                               .priority = priority};
    return all.call(sleeper, context, [&] {
      ++calls;
      time.advance(10ms);
      return answer;
    });
  }

  gabion::testing::manual_time time{};
  gabion::load_gauge gauge{};
  gabion::load_shedder<gabion::load_gauge::handle> shedder{gauge.source()};
  gabion::adaptive_throttle throttle{{.max_reject_percent = 100}, gabion::shared_random{1}};
  gabion::basic_concurrency_limiter<gabion::vegas_limit> limiter{
      gabion::vegas_limit{{.initial_limit = 4}, gabion::xoshiro256{1}},
      {.window = {.span = 0s, .samples = 1}}};
  gabion::chaos chaos;
  std::error_code answer{};
  int calls = 0;
};

}  // namespace

TEST_CASE("through all four a call passes and everyone hears of it", "[adaptive][pipeline]") {
  service s{{}};
  CHECK(s.call() == std::error_code{});
  CHECK(s.calls == 1);
  CHECK(s.limiter.snapshot().counts.success == 1);
  CHECK(s.limiter.in_flight() == 0);
  CHECK(s.throttle.snapshot(s.time.now()).accepts == 1);
}

TEST_CASE("what chaos refuses was never called so the limiter and the throttle learn nothing",
          "[adaptive][pipeline]") {
  service s{{.error_rate = gabion::chaos_always, .error = errc::unavailable}};
  for (int i = 0; i < 20; ++i) CHECK(s.call() == errc::unavailable);
  CHECK(s.calls == 0);
  CHECK(s.limiter.snapshot().counts.ignored == 20);
  CHECK(s.throttle.snapshot(s.time.now()).requests == 0);
}

TEST_CASE("a delay of chaos is time that the limiter measures", "[adaptive][pipeline]") {
  service s{{.latency_rate = gabion::chaos_always, .latency_min = 90ms, .latency_max = 90ms}};
  const instant begin = s.time.now();
  CHECK(s.call() == std::error_code{});
  CHECK(s.time.now() - begin == 100ms);
  CHECK(s.calls == 1);
}

TEST_CASE("a delay past the deadline ends the call and is no sample", "[adaptive][pipeline]") {
  service s{{.latency_rate = gabion::chaos_always, .latency_min = 2s, .latency_max = 2s}};
  CHECK(s.call(call_priority::normal, 1s) == errc::timeout);
  CHECK(s.calls == 0);
  CHECK(s.limiter.in_flight() == 0);
  CHECK(s.limiter.snapshot().counts.success == 0);
}

TEST_CASE("under load the shedder turns away the lower priorities before anything else is asked",
          "[adaptive][pipeline]") {
  service s{{}};
  s.gauge.set(9'200);
  CHECK(s.call(call_priority::normal) == errc::overloaded);
  CHECK(s.call(call_priority::high) == std::error_code{});
  CHECK(s.limiter.snapshot().counts.settled() == 1);
  CHECK(s.shedder.snapshot().shed_total() == 1);
}

TEST_CASE("failures shrink the limit and make the throttle reject", "[adaptive][pipeline]") {
  service s{{}};
  s.answer = std::make_error_code(std::errc::io_error);
  int rejected = 0;
  for (int i = 0; i < 200; ++i) rejected += s.call() == errc::overloaded ? 1 : 0;
  CHECK(s.limiter.limit() == 1);
  CHECK(rejected > 150);
  CHECK(s.calls == 200 - rejected);
  CHECK(s.limiter.in_flight() == 0);
}
