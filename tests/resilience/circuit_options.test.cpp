// SPDX-License-Identifier: MIT
#include <string>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using namespace gabion::presets;

namespace {

std::string refusal(const circuit_breaker_options& o) {
  try {
    gabion::circuit_breaker b{o};
    return {};
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::invalid_argument);
    CHECK_FALSE(gabion::valid(o));
    return e.what();
  }
}

bool names(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the presets are those of the tuning matrix", "[circuit_breaker][presets]") {
  struct row {
    circuit_breaker_options o;
    std::uint32_t failures;
    std::chrono::seconds open_for;
    std::uint32_t successes;
  };
  for (const row& r : {row{payment_api(), 3, 60s, 2}, row{user_database(), 5, 30s, 3},
                       row{image_service(), 10, 120s, 5}, row{email_service(), 2, 300s, 1},
                       row{analytics_api(), 15, 60s, 10}}) {
    INFO(std::string{r.o.name});
    bench x{r.o};
    CHECK(x.b.name() == r.o.name);
    x.fail(static_cast<int>(r.failures) - 1);
    CHECK(x.state() == circuit_state::closed);
    x.fail();
    CHECK(x.b.snapshot().retry_after == r.open_for);
    x.time.advance(r.open_for);
    x.succeed(static_cast<int>(r.successes) - 1);
    CHECK(x.state() == circuit_state::half_open);
    x.succeed();
    CHECK(x.state() == circuit_state::closed);
  }
}

TEST_CASE("options can be checked at compile time", "[circuit_breaker][options]") {
  static_assert(gabion::valid(circuit_breaker_options{}));
  static_assert(gabion::valid(payment_api()) && gabion::valid(user_database()) &&
                gabion::valid(image_service()) && gabion::valid(email_service()) &&
                gabion::valid(analytics_api()));
  static_assert(!gabion::valid({.failures = 65'536}));
  SUCCEED();
}

TEST_CASE("an option out of range is refused with its name and value and range",
          "[circuit_breaker][options]") {
  CHECK(names(refusal({.failures = 65'536}),
              "circuit_breaker_options.failures is 65536; allowed: 0 to 65535"));
  CHECK(names(refusal({.failures = 0}), "or the circuit could never open"));
  CHECK(names(refusal({.window = {.calls = 8192}}), "window.calls is 8192; allowed: 0 to 8191"));
  CHECK(names(refusal({.window = {.calls = 10, .failure_percent = 0}}),
              "window.failure_percent is 0; allowed: 1 to 100"));
  CHECK(names(refusal({.window = {.calls = 10, .failure_percent = 101}}),
              "window.failure_percent is 101"));
  CHECK(names(refusal({.window = {.calls = 10, .minimum_calls = 0}}),
              "window.minimum_calls is 0; allowed: at least 1"));
  CHECK(names(refusal({.open_for = 0s}), "open_for is 0 ns; allowed: more than 0 ns"));
  CHECK(names(refusal({.open_for = -1ns}), "open_for is -1 ns"));
  CHECK(names(refusal({.half_open_permits = 0}), "half_open_permits is 0; allowed: 1 to 1023"));
  CHECK(names(refusal({.half_open_permits = 1024}), "half_open_permits is 1024"));
  CHECK(names(refusal({.successes_to_close = 0}), "successes_to_close is 0; allowed: 1 to 1023"));
  CHECK(names(refusal({.successes_to_close = 1024}), "successes_to_close is 1024"));
  CHECK(names(refusal({.half_open_for = -1ns}), "half_open_for is -1 ns; allowed: 0 ns or more"));
  CHECK(names(refusal({.name = "123456789012345678901234567890123456789012345678"}),
              "name is 48 bytes long; allowed: at most 47 bytes"));
}

TEST_CASE("options at the ends of their ranges are taken", "[circuit_breaker][options]") {
  CHECK(refusal({.failures = 65'535}).empty());
  CHECK(refusal({.failures = 0, .window = {.calls = 1, .failure_percent = 1, .minimum_calls = 1}})
            .empty());
  CHECK(refusal({.window = {.calls = 8191, .failure_percent = 100, .minimum_calls = 4'000'000'000}})
            .empty());
  CHECK(refusal({.open_for = 1ns, .half_open_permits = 1023, .successes_to_close = 1023}).empty());
  CHECK(refusal({.half_open_for = (gabion::duration::max)()}).empty());
  CHECK(refusal({.name = "12345678901234567890123456789012345678901234567"}).empty());
}

TEST_CASE("options of the time window are checked on both sides", "[circuit_breaker][options]") {
  using window = gabion::circuit_time_window_options;
  const auto with = [](const window& w) { return refusal({.time_window = w, .slow_after = 1s}); };
  CHECK(names(with({.span = -1ns}),
              "time_window.span is -1 ns; allowed: 0 ns, or at least 1 ns for each bucket"));
  CHECK(names(with({.span = 9ns}), "time_window.span is 9 ns"));
  CHECK(names(with({.span = 1s, .buckets = 0}), "time_window.buckets is 0; allowed: 1 to 1000"));
  CHECK(names(with({.span = 1s, .buckets = 1001}), "time_window.buckets is 1001"));
  CHECK(names(with({.span = 1s, .failure_percent = 101}),
              "time_window.failure_percent is 101; allowed: 0 to 100"));
  CHECK(names(with({.span = 1s, .failure_percent = 0}),
              "time_window.failure_percent is 0; allowed: 1 to 100 unless"));
  CHECK(names(with({.span = 1s, .minimum_calls = 0}),
              "time_window.minimum_calls is 0; allowed: at least 1"));
  CHECK(names(with({.span = 1s, .slow_percent = 101}), "time_window.slow_percent is 101"));
  CHECK(names(with({.span = 1s, .slow_or_failed_percent = 101}),
              "time_window.slow_or_failed_percent is 101"));
  CHECK(with({.span = 10ns,
              .failure_percent = 1,
              .minimum_calls = 1,
              .slow_percent = 100,
              .slow_or_failed_percent = 100})
            .empty());
  CHECK(with({.span = (gabion::duration::max)(),
              .buckets = 1000,
              .failure_percent = 0,
              .slow_percent = 1})
            .empty());
  CHECK(with({.span = 1ns, .buckets = 1, .minimum_calls = 4'000'000'000}).empty());
  CHECK(refusal({.failures = 0, .time_window = {.span = 1s}}).empty());
}

TEST_CASE("options of slow calls are checked on both sides", "[circuit_breaker][options]") {
  CHECK(names(refusal({.slow_after = -1ns}), "slow_after is -1 ns; allowed: 0 ns or more"));
  CHECK(names(refusal({.window = {.calls = 10, .slow_percent = 101}, .slow_after = 1s}),
              "window.slow_percent is 101; allowed: 0 to 100"));
  CHECK(names(refusal({.window = {.calls = 10, .slow_percent = 1}}),
              "window.slow_percent is 1; allowed: 0 unless slow_after is set"));
  CHECK(names(refusal({.window = {.calls = 10, .slow_or_failed_percent = 1}}),
              "window.slow_or_failed_percent is 1; allowed: 0 unless"));
  CHECK(names(refusal({.slow_after = 1s, .count_overdue = true}),
              "count_overdue is 1; allowed: 0 unless a window has"));
  CHECK(names(refusal({.window = {.slow_percent = 1}, .slow_after = 1s, .count_overdue = true}),
              "count_overdue is 1"));
  CHECK(
      refusal(
          {.window = {.calls = 10, .slow_percent = 100}, .slow_after = 1ns, .count_overdue = true})
          .empty());
  CHECK(refusal({.slow_after = (gabion::duration::max)()}).empty());
}

TEST_CASE("options of the open time are checked on both sides", "[circuit_breaker][options]") {
  const auto with = [](const gabion::circuit_growth_options& g) {
    return refusal({.open_growth = g});
  };
  CHECK(names(with({.factor_percent = 99}),
              "open_growth.factor_percent is 99; allowed: 100 to 1000"));
  CHECK(names(with({.factor_percent = 1001}), "open_growth.factor_percent is 1001"));
  CHECK(names(with({.max = 0s}), "open_growth.max is 0 ns; allowed: more than 0 ns"));
  CHECK(
      names(with({.jitter_percent = 101}), "open_growth.jitter_percent is 101; allowed: 0 to 100"));
  CHECK(names(with({.quiet_for = -1ns}), "open_growth.quiet_for is -1 ns; allowed: 0 ns or more"));
  CHECK(with({.factor_percent = 1000,
              .max = 1ns,
              .jitter_percent = 100,
              .quiet_for = (gabion::duration::max)()})
            .empty());
  CHECK(
      names(refusal({.max_stated_open = 0s}), "max_stated_open is 0 ns; allowed: more than 0 ns"));
  CHECK(refusal({.max_stated_open = 1ns}).empty());
}

TEST_CASE("options of the way back are checked on both sides", "[circuit_breaker][options]") {
  CHECK(names(refusal({.successes_to_close = 3, .half_open_calls = 2}),
              "half_open_calls is 2; allowed: 0, or from successes_to_close"));
  CHECK(names(refusal({.half_open_calls = 1024}), "half_open_calls is 1024; allowed: 0 to 1023"));
  CHECK(names(refusal({.half_open_calls = 10, .half_open_failure_percent = 101}),
              "half_open_failure_percent is 101"));
  CHECK(names(refusal({.half_open_failure_percent = 50}),
              "half_open_calls is 0; allowed: 1 to 1023 if half_open_failure_percent"));
  CHECK(refusal({.successes_to_close = 3, .half_open_calls = 3}).empty());
  CHECK(refusal({.successes_to_close = 3, .half_open_calls = 1, .half_open_failure_percent = 100})
            .empty());
  CHECK(refusal({.successes_to_close = 1023, .half_open_calls = 1023}).empty());
  const auto with = [](const gabion::circuit_ramp_options& r) { return refusal({.ramp = r}); };
  CHECK(names(with({.percent = {100}}),
              "ramp.percent is 100; allowed: 1 to 99, each more than the one before"));
  CHECK(names(with({.percent = {5, 5}}), "ramp.percent is 5"));
  CHECK(names(with({.percent = {5, 4}}), "ramp.percent is 4"));
  CHECK(names(with({.percent = {0, 5}}), "ramp.percent is 5"));
  CHECK(names(with({.percent = {5, 0, 7}}), "ramp.percent is 7"));
  CHECK(names(with({.percent = {5}, .step_for = -1ns}),
              "ramp.step_for is -1 ns; allowed: 0 ns or more"));
  CHECK(names(with({.percent = {5}, .step_calls = 1'000'001}),
              "ramp.step_calls is 1000001; allowed: 0 to 1000000"));
  CHECK(with({.percent = {1, 2, 3, 4, 5, 6, 7, 99}, .step_calls = 1'000'000}).empty());
  CHECK(with({.percent = {1}, .step_calls = 0}).empty());
}

TEST_CASE("the name is copied", "[circuit_breaker][options]") {
  std::string name{"short lived"};
  gabion::circuit_breaker b{{.name = name}};
  name.assign("xxxxxxxxxxx");
  CHECK(b.name() == "short lived");
  CHECK(std::string{b.name().data()} == "short lived");  // for those who print with C
}

TEST_CASE("a breaker is neither copied nor moved and a permit only moved",
          "[circuit_breaker][options]") {
  static_assert(!std::is_copy_constructible_v<breaker> && !std::is_move_constructible_v<breaker>);
  static_assert(!std::is_copy_constructible_v<breaker::permit> &&
                std::is_nothrow_move_constructible_v<breaker::permit>);
  static_assert(!std::is_copy_constructible_v<breaker::admission> &&
                std::is_nothrow_move_constructible_v<breaker::admission>);
  SUCCEED();
}
