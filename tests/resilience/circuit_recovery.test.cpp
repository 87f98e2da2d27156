// SPDX-License-Identifier: MIT
// The ways back: ramp, growth by function, modes, records.
#include <string>
#include <vector>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using gabion::circuit_mode;
using gabion::circuit_record;

namespace {

constexpr circuit_breaker_options by_degrees{
    .failures = 2,
    .open_for = std::chrono::seconds{10},
    .successes_to_close = 1,
    .ramp = {.percent = {5, 25, 50}, .step_for = std::chrono::seconds{3}, .step_calls = 4}};

/// Of so many callers, how many are let through; each succeeds.
int let_through(bench& x, int callers) {
  int admitted = 0;
  for (int i = 0; i < callers; ++i) {
    auto a = x.b.try_acquire();
    if (!a) {
      CHECK(a.rejection().reason == circuit_refusal::ramping);
      CHECK(a.rejection().retry_after == 0s);
      continue;
    }
    a->success();
    ++admitted;
  }
  return admitted;
}

void begin_ramp(bench& x) {
  x.fail(2);
  x.time.advance(10s);
  x.succeed();
  REQUIRE(x.state() == circuit_state::ramping);
}

}  // namespace

TEST_CASE("after the probes a growing share of the calls is let through and then all",
          "[circuit_breaker][ramp]") {
  bench x{by_degrees};
  begin_ramp(x);
  CHECK(x.heard.back().from == circuit_state::half_open);
  CHECK(x.heard.back().cause == circuit_cause::probes_succeeded);
  CHECK(x.b.snapshot().ramp_percent == 5);
  CHECK(let_through(x, 300) == 15);  // enough calls, but not the time
  x.time.advance(3s);
  static_cast<void>(x.b.try_acquire());
  CHECK(x.b.snapshot().ramp_percent == 25);
  x.time.advance(3s);  // the time, but not the calls
  CHECK(x.b.snapshot().ramp_percent == 25);
  int admitted = 0;
  while (x.b.snapshot().ramp_percent == 25) admitted += let_through(x, 1);
  CHECK(admitted == 4);
  CHECK(let_through(x, 200) == 100);
  x.time.advance(3s);
  CHECK(x.b.try_acquire());
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.heard.back().cause == circuit_cause::ramp_finished);
  CHECK(x.heard.back().from == circuit_state::ramping);
}

TEST_CASE("of each hundred calls exactly the share is let through", "[circuit_breaker][ramp]") {
  const auto percent = GENERATE(1, 2, 7, 33, 50, 99);
  bench x{{.failures = 2,
           .open_for = 10s,
           .successes_to_close = 1,
           .ramp = {.percent = {static_cast<std::uint8_t>(percent)}, .step_for = 1h}}};
  begin_ramp(x);
  for (int hundred = 0; hundred < 3; ++hundred) CHECK(let_through(x, 100) == percent);
}

TEST_CASE("while ramping the rules of the closed state open it", "[circuit_breaker][ramp]") {
  const auto options =
      GENERATE(circuit_breaker_options{by_degrees},
               circuit_breaker_options{.failures = 0,
                                       .window = {.calls = 10, .minimum_calls = 2},
                                       .open_for = 10s,
                                       .successes_to_close = 1,
                                       .ramp = {.percent = {50}, .step_calls = 100}});
  bench x{options};
  begin_ramp(x);
  int failed = 0;
  while (failed < 2)
    if (auto a = x.b.try_acquire()) {
      a->failure();
      ++failed;
    }
  CHECK(x.state() == circuit_state::open);
  CHECK(x.heard.back().from == circuit_state::ramping);
  CHECK(x.heard.back().failed == 2);
}

TEST_CASE("permits of the probes are void once the ramp has begun", "[circuit_breaker][ramp]") {
  bench x{{.failures = 1,
           .open_for = 10s,
           .half_open_permits = 2,
           .successes_to_close = 1,
           .ramp = {.percent = {50}}}};
  x.fail();
  x.time.advance(10s);
  auto slow = x.b.try_acquire();
  x.succeed();
  slow->failure();
  CHECK(x.state() == circuit_state::ramping);
  CHECK(x.counts().late == 1);
}

namespace {

std::vector<gabion::circuit_open_request> asked;

gabion::duration by_attempt(const gabion::circuit_open_request& r) noexcept {
  asked.push_back(r);
  return r.cause == circuit_cause::probe_lost ? gabion::duration{40s}
                                              : r.attempt * gabion::duration{5s};
}
gabion::duration backwards(const gabion::circuit_open_request&) noexcept { return -1h; }

}  // namespace

TEST_CASE("a function of attempt and cause has the last word on the open time",
          "[circuit_breaker][growth]") {
  asked.clear();
  const auto options =
      GENERATE(circuit_breaker_options{.failures = 1,
                                       .open_growth = {.factor_percent = 200, .quiet_for = 1h},
                                       .open_time = by_attempt,
                                       .half_open_for = 30s},
               circuit_breaker_options{.failures = 0,
                                       .window = {.calls = 1},
                                       .open_growth = {.factor_percent = 200, .quiet_for = 1h},
                                       .open_time = by_attempt,
                                       .half_open_for = 30s},
               circuit_breaker_options{.failures = 1,
                                       .time_window = {.span = 10s},
                                       .open_growth = {.factor_percent = 200, .quiet_for = 1h},
                                       .open_time = by_attempt,
                                       .half_open_for = 30s});
  bench x{options};
  x.fail();
  CHECK(x.b.snapshot().retry_after == 5s);
  REQUIRE_FALSE(asked.empty());
  CHECK(asked.back().attempt == 1);
  CHECK(asked.back().planned == 30s);
  x.time.advance(5s);
  x.fail();  // a probe
  CHECK(x.b.snapshot().retry_after == 10s);
  CHECK(asked.back().cause == circuit_cause::probe_failed);
  CHECK(asked.back().planned == 60s);
  CHECK(x.counts().failure == 2);
  x.time.advance(10s);
  const auto lost = x.b.try_acquire();
  x.time.advance(30s);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 40s);
  CHECK_FALSE(x.b.try_acquire());
  CHECK(x.heard.back().cause == circuit_cause::probe_lost);
  CHECK(x.heard.back().open_for == 40s);
  CHECK(x.heard.back().attempt == 3);
}

TEST_CASE("an open time that is not above zero is a nanosecond", "[circuit_breaker][growth]") {
  bench x{{.failures = 1, .open_time = backwards}};
  x.fail();
  CHECK_FALSE(x.b.try_acquire());
  x.time.advance(1ns);
  CHECK(x.b.try_acquire());
}

TEST_CASE("isolated rejects every call until the mode changes", "[circuit_breaker][mode]") {
  bench x{three_in_a_row};
  auto old = x.b.try_acquire();
  x.b.set_mode(circuit_mode::isolated);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.heard.back().cause == circuit_cause::mode_changed);
  x.time.advance(24h * 365);
  const auto refused = x.b.try_acquire();
  CHECK(refused.rejection().reason == circuit_refusal::isolated);
  CHECK(refused.rejection().retry_after == 0s);
  CHECK_FALSE(x.b.trip(1s));
  x.b.reset();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.mode() == circuit_mode::isolated);
  old->failure();
  CHECK(x.counts() == circuit_counts{.late = 1, .rejected = 1});
  x.b.set_mode(circuit_mode::normal);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.try_acquire());
}

TEST_CASE("each change of mode begins afresh and makes permits void", "[circuit_breaker][mode]") {
  const auto mode =
      GENERATE(circuit_mode::isolated, circuit_mode::disabled, circuit_mode::metrics_only);
  bench x{{.failures = 2, .window = {.calls = 10}}};
  x.fail();
  auto before = x.b.try_acquire();
  x.b.set_mode(mode);
  auto during = x.b.try_acquire();
  x.b.set_mode(circuit_mode::normal);
  before->failure();
  during->failure();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().consecutive_failures == 0);
  CHECK(x.b.snapshot().window_calls == 0);
  CHECK(x.counts().late == (mode == circuit_mode::isolated ? 1U : 2U));
  x.fail();
  CHECK(x.b.snapshot().window_calls == 1);
}

TEST_CASE("a breaker that is open closes with a mode that lets calls through",
          "[circuit_breaker][mode]") {
  bench x{three_in_a_row};
  x.fail(3);
  x.b.set_mode(circuit_mode::metrics_only);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.heard.back().to == circuit_state::closed);
  x.succeed();
  CHECK(x.counts().success == 1);
}

TEST_CASE("tripped by hand it opens for the time and says why", "[circuit_breaker][mode]") {
  bench x{three_in_a_row};
  auto old = x.b.try_acquire();
  CHECK(x.b.trip(7s, circuit_cause::health_check));
  CHECK(x.heard.back().cause == circuit_cause::health_check);
  CHECK(x.heard.back().open_for == 7s);
  CHECK(x.b.try_acquire().rejection().retry_after == 7s);
  old->failure();
  CHECK(x.counts().late == 1);
  x.time.advance(7s);
  auto probe = x.b.try_acquire();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.trip((gabion::duration::max)()));
  CHECK(x.b.snapshot().retry_after > 24h);
  x.b.reset(circuit_cause::health_check);
  CHECK(x.heard.back().cause == circuit_cause::health_check);
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("what is saved goes on where it was", "[circuit_breaker][record]") {
  const circuit_breaker_options o{.failures = 3,
                                  .open_for = 10s,
                                  .open_growth = {.factor_percent = 200, .quiet_for = 1h},
                                  .successes_to_close = 2,
                                  .half_open_calls = 3,
                                  .ramp = {.percent = {10, 50}}};
  bench x{o};
  bench y{o};
  SECTION("closed with failures in a row") {
    x.fail(2);
    y.b.restore(x.b.save());
    CHECK(y.heard.empty());
    y.fail();
    CHECK(y.state() == circuit_state::open);
  }
  SECTION("half-open with what the probes said") {
    x.fail(3);
    x.time.advance(10s);
    x.succeed();
    x.fail();
    y.b.restore(x.b.save());
    CHECK(y.heard.back().cause == circuit_cause::restored);
    CHECK(y.state() == circuit_state::half_open);
    CHECK(y.b.snapshot().probes_succeeded == 1);
    CHECK(y.b.snapshot().probes_failed == 1);
    y.fail();
    CHECK(y.b.snapshot().retry_after == 20s);
  }
  SECTION("ramping") {
    x.b.restore({.state = circuit_state::ramping, .ramp_step = 1});
    CHECK(x.b.snapshot().ramp_percent == 50);
    CHECK(x.b.save() == circuit_record{.state = circuit_state::ramping, .ramp_step = 1});
    x.b.restore({.state = circuit_state::ramping, .ramp_step = 7});
    CHECK(x.b.save().ramp_step == 1);
  }
  SECTION("a mode") {
    x.b.set_mode(circuit_mode::isolated);
    y.b.restore(x.b.save());
    CHECK(y.b.mode() == circuit_mode::isolated);
    CHECK_FALSE(y.b.try_acquire());
  }
  SECTION("permits that were out are void") {
    auto old = y.b.try_acquire();
    y.b.restore({});
    old->failure();
    CHECK(y.counts().late == 1);
  }
}

TEST_CASE("a record that is none is refused and changes nothing", "[circuit_breaker][record]") {
  bench x{three_in_a_row};
  const auto refusal = [&](const circuit_record& r) -> std::string {
    try {
      x.b.restore(r);
      return {};
    } catch (const gabion::error& e) {
      CHECK(e.code() == gabion::errc::invalid_argument);
      return e.what();
    }
  };
  const auto names = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(names(refusal({.version = 2}), "circuit_record.version is 2; allowed: 1"));
  CHECK(names(refusal({.version = 0}), "circuit_record.version is 0"));
  CHECK(names(refusal({.mode = static_cast<circuit_mode>(4)}),
              "circuit_record.mode is 4; allowed: 0 to 3"));
  CHECK(names(refusal({.state = static_cast<circuit_state>(4)}),
              "circuit_record.state is 4; allowed: 0 to 3"));
  CHECK(names(refusal({.state = circuit_state::open, .open_left = -1ns}),
              "open_left is -1 ns; allowed: 0 ns or more"));
  CHECK(names(refusal({.open_left = 1ns}),
              "open_left is 1 ns; allowed: 0 ns unless the state is open"));
  CHECK(names(refusal({.consecutive_failures = 65'536}),
              "consecutive_failures is 65536; allowed: 0 to 65535"));
  CHECK(
      names(refusal({.probes_succeeded = 1'024}), "probes_succeeded is 1024; allowed: 0 to 1023"));
  CHECK(names(refusal({.probes_failed = 1'024}), "probes_failed is 1024; allowed: 0 to 1023"));
  CHECK(names(refusal({.ramp_step = 8}), "ramp_step is 8; allowed: 0 to 7"));
  CHECK(x.b.snapshot().generation == 0);
  CHECK(refusal({.state = circuit_state::open,
                 .open_left = (gabion::duration::max)(),
                 .consecutive_failures = 65'535,
                 .probes_succeeded = 1'023,
                 .probes_failed = 1'023,
                 .ramp_step = 7})
            .empty());
}
