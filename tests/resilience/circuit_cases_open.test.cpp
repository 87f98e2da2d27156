// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {
constexpr circuit_breaker_options one_failure{.failures = 1, .open_for = std::chrono::seconds{60}};
}

TEST_CASE("case 23: a rejection says what is left of the open time", "[circuit_breaker][open]") {
  bench x{one_failure};
  CHECK(x.b.snapshot().retry_after == 0s);
  x.fail();
  const auto at_once = x.b.try_acquire();
  REQUIRE_FALSE(at_once);
  CHECK(at_once.rejection().reason == circuit_refusal::open);
  CHECK(at_once.rejection().retry_after == 60s);
  x.time.advance(60s - 1ns);
  const auto at_last = x.b.try_acquire();
  REQUIRE_FALSE(at_last);
  CHECK(at_last.rejection().retry_after == 1ns);
  CHECK(x.b.snapshot().retry_after == 1ns);
  x.time.advance(1h);  // long after its end, and still not negative
  CHECK(x.b.snapshot().retry_after == 0s);
  const auto probe = x.b.try_acquire();
  REQUIRE(probe);
  CHECK(x.b.try_acquire().rejection().retry_after == 0s);
  CHECK(x.b.snapshot().retry_after == 0s);
  x.b.reset();
  CHECK(x.b.snapshot().retry_after == 0s);
}

TEST_CASE("the open time ends at its last moment and not a nanosecond earlier",
          "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(60s - 1ns);
  CHECK(x.state() == circuit_state::open);
  CHECK_FALSE(x.b.try_acquire());
  x.time.advance(1ns);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.try_acquire());
}

TEST_CASE("the state reads half-open when the open time is over though nobody has called",
          "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(24h);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().state == circuit_state::half_open);
  CHECK(x.b.snapshot().retry_after == 0s);
  CHECK(x.heard.size() == 1);  // the transition is the first caller's
}

TEST_CASE(
    "cases 24 and 25: results that arrive while open change neither state nor deadline and are "
    "counted as late",
    "[circuit_breaker][open]") {
  bench x{one_failure};
  auto good = x.b.try_acquire();
  auto bad = x.b.try_acquire();
  auto ignored = x.b.try_acquire();
  x.fail();
  x.time.advance(10s);
  good->success();
  bad->failure();
  ignored->ignore();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 50s);
  CHECK(x.heard.size() == 1);
  CHECK(x.counts().late == 3);
}

TEST_CASE("case 26: while open and half-open the snapshot keeps the window that opened it",
          "[circuit_breaker][open]") {
  bench x{half_of_ten};
  x.succeed(5);
  x.fail(5);
  CHECK(x.b.snapshot().window_calls == 10);
  CHECK(x.b.snapshot().window_failed == 5);
  x.time.advance(60s);
  auto probe = x.b.try_acquire();
  CHECK(x.b.snapshot().window_failed == 5);
  probe->success();
  x.succeed();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 0);
}

TEST_CASE("case 27: an open time for ever does not overflow", "[circuit_breaker][open]") {
  bench x{{.failures = 1, .open_for = (gabion::duration::max)()}};
  x.fail();
  x.time.advance(std::chrono::hours{24 * 365 * 200});
  const auto rejected = x.b.try_acquire();
  REQUIRE_FALSE(rejected);
  CHECK(rejected.rejection().retry_after == (gabion::duration::max)());
}

TEST_CASE("a clock that goes back makes the wait longer and nothing else",
          "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(-5s);
  CHECK(x.b.try_acquire().rejection().retry_after == 65s);
  x.time.advance(65s);
  CHECK(x.b.try_acquire());
  for (std::size_t i = 1; i < x.heard.size(); ++i) CHECK(x.heard[i - 1].at <= x.heard[i].at);
}

TEST_CASE("wall time has no part in it", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  x.time.step_wall(24h);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a caller who knows the time need not have it read", "[circuit_breaker][open]") {
  bench x{one_failure};
  x.fail();
  const auto opened = x.time.now();
  CHECK(x.b.try_acquire(opened + 20s).rejection().retry_after == 40s);
  CHECK(x.b.try_acquire(opened + 60s));
}

TEST_CASE("reset closes an open circuit at once", "[circuit_breaker][reset]") {
  bench x{half_of_ten};
  x.fail(10);
  x.b.reset();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 0);
  REQUIRE(x.heard.size() == 2);
  CHECK(x.heard[1].cause == circuit_cause::reset);
}

namespace {

/// Opens again and again out of half-open: the open times, one after the other.
std::vector<gabion::duration> open_times(bench& x, int times) {
  std::vector<gabion::duration> found;
  for (int i = 0; i < times; ++i) {
    x.fail();
    REQUIRE(x.heard.back().to == circuit_state::open);
    found.push_back(x.heard.back().open_for);
    CHECK(x.b.snapshot().retry_after == found.back());
    x.time.advance(found.back());
  }
  return found;
}

}  // namespace

TEST_CASE("case 27: open times of any length and any growth do not overflow",
          "[circuit_breaker][growth]") {
  constexpr auto ever = (gabion::duration::max)();
  bench x{{.failures = 1,
           .open_for = 100h * 24 * 365,
           .open_growth = {.factor_percent = 1000, .max = ever}}};
  for (int i = 0; i < 30; ++i) {
    x.fail();
    CHECK(x.b.snapshot().retry_after > 0s);
    CHECK_FALSE(x.b.try_acquire());
    x.time.set(gabion::instant{1h});
    static_cast<void>(x.b.trip(ever));  // open for ever, and no time passes that could overflow
    x.b.restore({.state = circuit_state::half_open, .attempt = x.b.snapshot().attempt});
  }
  bench y{{.failures = 1, .open_for = 1s, .open_growth = {.factor_percent = 1000, .max = 3s}}};
  CHECK(open_times(y, 4) == std::vector<gabion::duration>{1s, 3s, 3s, 3s});
}

TEST_CASE("case 28: jitter stays within its share and repeats with its seed",
          "[circuit_breaker][growth]") {
  const circuit_breaker_options o{
      .failures = 1,
      .open_for = 10s,
      .open_growth = {.factor_percent = 200, .max = 80s, .jitter_percent = 25, .seed = 7}};
  bench x{o};
  bench y{o};
  const auto times = open_times(x, 100);
  CHECK(times == open_times(y, 100));
  gabion::duration planned = 10s;
  bool differs = false;
  for (const gabion::duration t : times) {
    CHECK(t <= planned);
    CHECK(t >= planned - planned / 4);
    differs = differs || t != planned;
    planned = (std::min)(planned * 2, gabion::duration{80s});
  }
  CHECK(differs);
}

TEST_CASE(
    "both ends of the jitter are possible and what is taken off is cut off to whole nanoseconds",
    "[circuit_breaker][growth]") {
  const auto seen = [](gabion::duration open_for, std::uint32_t percent) {
    bench x{{.failures = 1,
             .open_for = open_for,
             .open_growth = {.jitter_percent = percent, .seed = 28}}};
    const auto times = open_times(x, 200);
    return std::set<gabion::duration>{times.begin(), times.end()};
  };
  CHECK(seen(4ns, 50) == std::set<gabion::duration>{2ns, 3ns, 4ns});
  CHECK(seen(3ns, 50) == std::set<gabion::duration>{2ns, 3ns});
  CHECK(seen(3ns, 33) == std::set<gabion::duration>{3ns});
  CHECK(seen(2ns, 100) == std::set<gabion::duration>{1ns, 2ns});
}

TEST_CASE("case 29: the open time doubles on a quick trip and begins again after a quiet time",
          "[circuit_breaker][growth]") {
  bench x{{.failures = 1,
           .open_for = 1s,
           .open_growth = {.factor_percent = 200, .max = 30s, .quiet_for = 60s},
           .successes_to_close = 1}};
  const auto close_and_wait = [&](gabion::duration quiet) {
    x.succeed();
    REQUIRE(x.state() == circuit_state::closed);
    x.time.advance(quiet);
  };
  CHECK(open_times(x, 3) == std::vector<gabion::duration>{1s, 2s, 4s});
  close_and_wait(60s - 1ns);
  CHECK(open_times(x, 3) == std::vector<gabion::duration>{8s, 16s, 30s});
  CHECK(x.heard.back().attempt == 6);
  close_and_wait(60s);
  CHECK(open_times(x, 1) == std::vector<gabion::duration>{1s});
  x.b.reset();
  CHECK(open_times(x, 1) == std::vector<gabion::duration>{1s});

  bench y{{.failures = 1, .open_for = 1ns, .open_growth = {.factor_percent = 150}}};
  // each rounded up
  CHECK(open_times(y, 5) == std::vector<gabion::duration>{1ns, 2ns, 3ns, 5ns, 8ns});
}

namespace {

struct response {
  int status = 200;
  std::optional<gabion::duration> wait{};
};

}  // namespace

template <>
struct gabion::outcome_traits<response> {
  static verdict judge(const response& r) {
    return r.status >= 500 ? verdict::failure : verdict::success;
  }
  static std::optional<duration> retry_after(const response& r) { return r.wait; }
};

TEST_CASE("case 30: a failure that says for how long opens until then",
          "[circuit_breaker][stated]") {
  const auto options = GENERATE(
      circuit_breaker_options{.failures = 5, .max_stated_open = 60s},
      circuit_breaker_options{.failures = 5, .window = {.calls = 10}, .max_stated_open = 60s},
      circuit_breaker_options{.failures = 5, .slow_after = 1s, .max_stated_open = 60s});
  bench x{options};
  const auto answer = [&](int status, std::optional<gabion::duration> wait) {
    static_cast<void>(x.b.call([&] { return response{status, wait}; }));
  };
  answer(200, 7s);  // a success states nothing
  answer(503, {});
  answer(503, 0s);
  answer(503, -1s);
  CHECK(x.state() == circuit_state::closed);
  answer(503, 7s);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.heard.at(0).cause == circuit_cause::stated);
  CHECK(x.b.try_acquire().rejection().retry_after == 7s);
  CHECK(x.counts().failure == 4);
  x.time.advance(7s);
  answer(503, (gabion::duration::max)());  // a probe, bounded
  CHECK(x.b.snapshot().retry_after == 60s);
  x.time.advance(60s);
  x.b.try_acquire()->settle(gabion::verdict::ignored, 9s);
  CHECK(x.state() == circuit_state::half_open);
  x.b.try_acquire()->failure(9s);
  CHECK(x.b.snapshot().retry_after == 9s);
}

namespace {

/// All ordered events, as words.
struct listener {
  std::vector<std::string>* heard;
  void operator()(const circuit_transition& t) const {
    heard->push_back("to " + std::string{to_string(t.to)});
  }
  void operator()(const gabion::circuit_mode_changed& m) const {
    heard->push_back("mode " + std::string{to_string(m.to)});
  }
  void operator()(const gabion::circuit_would_open& w) const {
    heard->push_back("would " + std::string{to_string(w.cause)});
  }
  void operator()(const gabion::circuit_reset&) const { heard->push_back("reset"); }
  void operator()(const gabion::circuit_recorded&) const { heard->push_back("recorded"); }
  void operator()(const gabion::circuit_rejected&) const { heard->push_back("rejected"); }
};

struct told_bench {
  gabion::testing::manual_time time{};
  std::vector<std::string> heard{};
  gabion::basic_circuit_breaker<gabion::testing::manual_clock, listener> b;
  explicit told_bench(const circuit_breaker_options& o) : b{o, time.clock(), listener{&heard}} {}
};
using words = std::vector<std::string>;

}  // namespace

TEST_CASE("case 31: disabled admits all and records nothing and tells nothing but the change",
          "[circuit_breaker][mode]") {
  told_bench x{{.failures = 2, .window = {.calls = 10}}};
  x.b.set_mode(gabion::circuit_mode::disabled);
  for (int i = 0; i < 20; ++i) x.b.try_acquire()->failure(60s);
  { const auto dropped = x.b.try_acquire(); }
  CHECK(x.b.try_acquire());
  CHECK(x.b.state() == circuit_state::closed);
  CHECK(x.b.snapshot().counts == circuit_counts{});
  CHECK(x.b.snapshot().window_calls == 0);
  CHECK(x.heard == words{"mode disabled"});
  x.b.set_mode(gabion::circuit_mode::disabled);
  CHECK_FALSE(x.b.trip(1s));
  CHECK(x.heard == words{"mode disabled"});
}

TEST_CASE("case 31: metrics only admits all and records and says once that it would have opened",
          "[circuit_breaker][mode]") {
  const auto options = GENERATE(circuit_breaker_options{.failures = 2},
                                circuit_breaker_options{.failures = 2, .slow_after = 1s});
  told_bench x{options};
  x.b.set_mode(gabion::circuit_mode::metrics_only);
  x.heard.clear();
  for (int i = 0; i < 5; ++i) x.b.try_acquire()->failure();
  CHECK(x.b.state() == circuit_state::closed);
  CHECK(x.heard == words{"recorded", "would consecutive failures", "recorded", "recorded",
                         "recorded", "recorded"});
  x.heard.clear();
  x.b.try_acquire()->success();
  for (int i = 0; i < 2; ++i) x.b.try_acquire()->failure();
  CHECK(x.heard == words{"recorded", "recorded", "would consecutive failures", "recorded"});
  CHECK(x.b.snapshot().counts == circuit_counts{.success = 1, .failure = 7});
  CHECK(x.b.snapshot().mode == gabion::circuit_mode::metrics_only);
}

TEST_CASE("case 33: a manual move from closed to half-open goes through open",
          "[circuit_breaker][mode]") {
  bench x{three_in_a_row};
  CHECK(x.b.trip(0s));
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.try_acquire());
  REQUIRE(x.heard.size() == 2);
  CHECK(x.heard[0].to == circuit_state::open);
  CHECK(x.heard[1].from == circuit_state::open);
  CHECK(x.heard[1].to == circuit_state::half_open);
}

TEST_CASE("case 34: opening what is open and closing what is closed are no transitions",
          "[circuit_breaker][mode]") {
  told_bench x{three_in_a_row};
  x.b.reset();
  CHECK(x.heard == words{"reset"});
  CHECK(x.b.trip(10s));
  CHECK(x.b.trip(20s));
  CHECK(x.b.snapshot().retry_after == 20s);
  CHECK(x.b.trip(5s));
  CHECK(x.b.snapshot().retry_after == 20s);
  CHECK(x.heard == words{"reset", "to open"});
}
