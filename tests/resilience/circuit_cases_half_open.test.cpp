// SPDX-License-Identifier: MIT
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <string>
#include <string_view>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {

/// Opened, and the open time is over.
struct probing : bench {
  explicit probing(circuit_breaker_options o)
      : bench{[&] {
          o.failures = 1;
          o.open_for = 60s;
          return o;
        }()} {
    fail();
    time.advance(60s);
  }
};

}  // namespace

TEST_CASE("case 36: the caller who turns it half-open uses up a permit",
          "[circuit_breaker][half_open]") {
  probing x{{}};
  const auto probe = x.b.try_acquire();
  CHECK(probe);
  const auto second = x.b.try_acquire();
  REQUIRE_FALSE(second);
  CHECK(second.rejection().reason == circuit_refusal::half_open_full);
  CHECK(second.rejection().retry_after == 0s);
}

TEST_CASE("case 35: exactly as many probes as permits are out", "[circuit_breaker][half_open]") {
  const auto permits = GENERATE(1U, 2U, 7U, 1023U);
  probing x{{.half_open_permits = permits, .successes_to_close = 1023}};
  std::vector<breaker::admission> out;
  for (std::uint32_t i = 0; i < permits; ++i) {
    out.push_back(x.b.try_acquire());
    REQUIRE(out.back());
  }
  for (int i = 0; i < 3; ++i) CHECK_FALSE(x.b.try_acquire());
  CHECK(x.counts().rejected == 3);
  CHECK(x.b.snapshot().probes_out == permits);
  out.pop_back();
  CHECK(x.b.try_acquire());
}

TEST_CASE("as many successes as asked for close it and not fewer", "[circuit_breaker][half_open]") {
  const auto successes = GENERATE(1U, 2U, 5U, 1023U);
  probing x{{.successes_to_close = successes}};
  for (std::uint32_t i = 0; i < successes; ++i) {
    REQUIRE(x.state() == circuit_state::half_open);
    REQUIRE(x.b.snapshot().probes_succeeded == i);
    x.succeed();
  }
  CHECK(x.state() == circuit_state::closed);
  REQUIRE(x.heard.size() == 3);
  CHECK(x.heard[2].cause == circuit_cause::probes_succeeded);
}

TEST_CASE("one failed probe opens it again for a whole open time", "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 3}};
  x.succeed(2);
  x.time.advance(7s);
  x.fail();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 60s);
  CHECK(x.heard.back().cause == circuit_cause::probe_failed);
}

TEST_CASE("case 37: half-open again means all permits and no successes",
          "[circuit_breaker][half_open]") {
  probing x{{.half_open_permits = 2, .successes_to_close = 2}};
  auto left_over = x.b.try_acquire();
  x.succeed();
  x.fail();
  x.time.advance(60s);
  const auto a = x.b.try_acquire();
  const auto b = x.b.try_acquire();
  CHECK(a);
  CHECK(b);
  CHECK(x.b.snapshot().probes_succeeded == 0);
  left_over->success();
  CHECK(x.counts().late == 1);
  CHECK(x.b.snapshot().probes_out == 2);
}

TEST_CASE("case 38: an ignored probe gives its permit back and decides nothing",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1}};
  x.b.try_acquire()->ignore();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().probes_out == 0);
  CHECK(x.counts().ignored == 1);
  CHECK(x.b.try_acquire());
}

TEST_CASE("a cancelled probe gives its permit back and decides nothing",
          "[circuit_breaker][half_open]") {
  const auto rate = GENERATE(0U, 100U);
  probing x{{.successes_to_close = 1, .half_open_calls = 1, .half_open_failure_percent = rate}};
  x.b.try_acquire()->cancel();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().probes_out == 0);
  CHECK(x.b.snapshot().probes_succeeded + x.b.snapshot().probes_failed == 0);
  CHECK(x.counts() == circuit_counts{.failure = 1, .cancelled = 1});
  CHECK(x.b.try_acquire());
}

TEST_CASE("case 44: a probe that is dropped without a verdict gives its permit back and is counted",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1}};
  { const auto dropped = x.b.try_acquire(); }
  CHECK(x.counts().abandoned == 1);
  CHECK(x.b.try_acquire());
}

TEST_CASE("case 39: calls admitted before the trip give no permits when they are ignored later",
          "[circuit_breaker][half_open]") {
  bench x{{.failures = 1, .open_for = 60s, .half_open_permits = 2, .successes_to_close = 5}};
  std::vector<breaker::admission> old;
  for (int i = 0; i < 5; ++i) old.push_back(x.b.try_acquire());
  x.fail();
  x.time.advance(60s);
  const auto first = x.b.try_acquire();
  for (auto& o : old) o->ignore();
  const auto second = x.b.try_acquire();
  CHECK(second);
  CHECK_FALSE(x.b.try_acquire());
  CHECK(x.counts().late == 5);
  CHECK(x.counts().ignored == 0);
}

TEST_CASE("late results of whatever kind free no permit that they never had",
          "[circuit_breaker][half_open]") {
  bench x{{.failures = 1, .open_for = 60s, .half_open_permits = 2, .successes_to_close = 5}};
  std::vector<breaker::admission> old;
  for (int i = 0; i < 5; ++i) old.push_back(x.b.try_acquire());
  x.fail();
  x.time.advance(60s);
  const auto first = x.b.try_acquire();
  const auto second = x.b.try_acquire();
  REQUIRE(second);
  old[0]->success();
  old[1]->failure();
  old[2]->ignore();
  old[3]->cancel();
  old.pop_back();
  CHECK_FALSE(x.b.try_acquire());
  CHECK(x.b.snapshot().probes_out == 2);
  CHECK(x.counts().late == 5);
}

TEST_CASE("cases 40 and 42: late successes do not close it and are counted as late",
          "[circuit_breaker][half_open]") {
  bench x{{.failures = 1, .open_for = 60s, .successes_to_close = 2}};
  auto a = x.b.try_acquire();
  auto b = x.b.try_acquire();
  x.fail();
  x.time.advance(60s);
  const auto probe = x.b.try_acquire();
  a->success();
  b->success();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().probes_succeeded == 0);
  CHECK(x.counts().late == 2);
}

TEST_CASE("case 40: as many late successes as would close it close nothing before a probe has run",
          "[circuit_breaker][half_open]") {
  bench x{{.failures = 1, .open_for = 60s, .half_open_permits = 3, .successes_to_close = 3}};
  std::vector<breaker::admission> old;
  for (int i = 0; i < 6; ++i) old.push_back(x.b.try_acquire());
  x.fail();
  x.time.advance(60s);
  // the open time is over, and nobody has called
  for (std::size_t i = 0; i < 3; ++i) old[i]->success();
  CHECK(x.state() == circuit_state::half_open);
  x.b.try_acquire()->ignore();
  for (std::size_t i = 3; i < 6; ++i) old[i]->success();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.b.snapshot().probes_succeeded == 0);
  CHECK(x.counts() == circuit_counts{.failure = 1, .ignored = 1, .late = 6});
}

TEST_CASE("case 41: a late failure neither opens it again nor moves the deadline",
          "[circuit_breaker][half_open]") {
  bench x{{.failures = 1, .open_for = 60s, .successes_to_close = 2, .half_open_for = 5s}};
  auto old = x.b.try_acquire();
  auto stating = x.b.try_acquire();
  x.fail();
  x.time.advance(60s);
  const auto probe = x.b.try_acquire();
  x.time.advance(3s);
  old->failure();
  stating->failure(1h);
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.heard.size() == 2);
  x.time.advance(2s - 1ns);  // the probe that is out has no more time than it had
  CHECK(x.state() == circuit_state::half_open);
  x.time.advance(1ns);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 60s);
}

TEST_CASE("a result of an earlier closed time does not count in a later one",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1}};
  auto from_half_open = x.b.try_acquire();
  from_half_open->success();
  auto old = x.b.try_acquire();
  x.fail();
  x.time.advance(60s);
  x.succeed();
  REQUIRE(x.state() == circuit_state::closed);
  old->failure();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.counts().late == 1);
}

TEST_CASE("case 45: a probe that never returns is lost at the end of the half-open time",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1, .half_open_for = 5s}};
  auto lost = x.b.try_acquire();
  x.time.advance(5s - 1ns);
  CHECK(x.state() == circuit_state::half_open);
  CHECK_FALSE(x.b.try_acquire());
  x.time.advance(1ns);
  CHECK(x.state() == circuit_state::open);
  CHECK_FALSE(x.b.try_acquire());
  CHECK(x.heard.back().cause == circuit_cause::probe_lost);
  CHECK(x.b.snapshot().retry_after == 60s);
  lost->success();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.counts().late == 1);
  x.time.advance(60s);
  CHECK(x.b.try_acquire());
}

TEST_CASE("by default a probe has five minutes or the open time if that is longer",
          "[circuit_breaker][half_open]") {
  const auto time_of_probe = [](gabion::duration open_for) {
    bench x{{.failures = 1, .open_for = open_for, .successes_to_close = 1}};
    x.fail();
    x.time.advance(open_for);
    const auto probe = x.b.try_acquire();
    gabion::duration waited{};
    for (; x.state() == circuit_state::half_open; waited += 1s) x.time.advance(1s);
    return waited;
  };
  CHECK(time_of_probe(1s) == 5min);
  CHECK(time_of_probe(5min) == 5min);
  CHECK(time_of_probe(301s) == 301s);
}

TEST_CASE("a verdict at the end of the half-open time is too late even if nobody has asked",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1, .half_open_for = 5s}};
  auto lost = x.b.try_acquire();
  x.time.advance(5s);
  lost->success();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.counts().late == 1);
  CHECK(x.counts().success == 0);
}

TEST_CASE("lost probes open it since the moment they were lost whenever that is noticed",
          "[circuit_breaker][half_open]") {
  probing x{{.half_open_for = 5s}};
  const auto lost = x.b.try_acquire();
  x.time.advance(25s);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 40s);
  CHECK(x.b.try_acquire().rejection().retry_after == 40s);
  x.time.advance(40s);
  CHECK(x.b.try_acquire());

  probing idle{{.half_open_for = 5s}};
  const auto also_lost = idle.b.try_acquire();
  idle.time.advance(1h);
  CHECK(idle.state() == circuit_state::half_open);
  CHECK(idle.b.try_acquire());  // opened, and its open time over: both happened long ago
  CHECK(idle.heard.size() == 4);
}

TEST_CASE("without a probe out half-open waits for the next caller as long as it takes",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 2, .half_open_for = 5s}};
  x.succeed();
  x.time.advance(24h);
  CHECK(x.state() == circuit_state::half_open);
  x.succeed();
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("each probe that goes out alone has the whole half-open time",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 2, .half_open_for = 5s}};
  { const auto dropped = x.b.try_acquire(); }
  x.time.advance(4s);
  auto second = x.b.try_acquire();
  x.time.advance(4s);
  CHECK(x.state() == circuit_state::half_open);
  second->success();
  CHECK(x.b.snapshot().probes_succeeded == 1);
}

TEST_CASE("a probe that joins another does not give it more time", "[circuit_breaker][half_open]") {
  probing x{{.half_open_permits = 2, .half_open_for = 5s}};
  const auto lost = x.b.try_acquire();
  x.time.advance(4s);
  const auto joined = x.b.try_acquire();
  CHECK(joined);
  x.time.advance(1s);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("more successes than permits are gathered one after the other",
          "[circuit_breaker][half_open]") {
  probing x{{.half_open_permits = 1, .successes_to_close = 3}};
  x.succeed(3);
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("case 49: callers rejected in half-open do not influence the decision",
          "[circuit_breaker][half_open]") {
  probing x{{.successes_to_close = 1}};
  auto probe = x.b.try_acquire();
  for (int i = 0; i < 100; ++i) CHECK_FALSE(x.b.try_acquire());
  probe->success();
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("case 50: the minimum of calls has no part in half-open",
          "[circuit_breaker][half_open]") {
  bench x{half_of_ten};
  x.fail(10);
  x.time.advance(60s);
  x.fail();
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("closing empties row and window", "[circuit_breaker][half_open]") {
  bench x{{.failures = 20,
           .window = {.calls = 10, .failure_percent = 50, .minimum_calls = 2},
           .open_for = 60s,
           .successes_to_close = 1}};
  x.fail(2);
  x.time.advance(60s);
  x.succeed();
  REQUIRE(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().window_calls == 1);
}

TEST_CASE("case 32: reset while half-open makes the permits that are out void",
          "[circuit_breaker][reset]") {
  probing x{{}};
  auto old = x.b.try_acquire();
  x.b.reset();
  CHECK(x.state() == circuit_state::closed);
  old->failure();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.counts().late == 1);

  bench y{half_of_ten};
  y.fail(10);
  y.time.advance(60s);
  const auto probe = y.b.try_acquire();
  CHECK(y.b.snapshot().window_calls == 10);
  y.b.reset();
  CHECK(y.b.snapshot().window_calls == 0);
  CHECK(y.b.snapshot().probes_out == 0);
  y.fail(9);  // the window is a fresh one
  CHECK(y.state() == circuit_state::closed);
  y.fail();
  CHECK(y.state() == circuit_state::open);
}

TEST_CASE("a permit takes one verdict and moves without being settled",
          "[circuit_breaker][permit]") {
  probing x{{.successes_to_close = 5}};
  breaker::permit p = x.b.try_acquire().permit();
  CHECK(p);
  breaker::permit q{std::move(p)};
  CHECK(q);
  q.success();
  CHECK_FALSE(q);
  q.failure();
  q.ignore();
  CHECK(x.state() == circuit_state::half_open);
  CHECK(x.counts().success == 1);

  breaker::permit r = x.b.try_acquire().permit();
  r = breaker::permit{};
  CHECK(x.counts().abandoned == 1);
}

namespace {

/// Opens it, waits, and reports probes: s = success, f = failure. Returns what the state is after
/// each.
std::string probes(bench& x, std::string_view how) {
  while (auto admitted = x.b.try_acquire()) admitted->failure();
  x.time.advance(60s);
  std::string states;
  for (const char c : how) {
    auto admitted = x.b.try_acquire();
    REQUIRE(admitted);
    c == 's' ? admitted->success() : admitted->failure();
    const circuit_state now = x.state();
    states += now == circuit_state::half_open ? 'h' : now == circuit_state::closed ? 'c' : 'o';
  }
  return states;
}

constexpr circuit_breaker_options three_of_five{
    .failures = 1, .open_for = 60s, .successes_to_close = 3, .half_open_calls = 5};
constexpr circuit_breaker_options half_of_four{
    .failures = 1, .open_for = 60s, .half_open_calls = 4, .half_open_failure_percent = 50};

}  // namespace

TEST_CASE(
    "case 46: three of five probes close it and it opens again as soon as three cannot be reached",
    "[circuit_breaker][half_open]") {
  const auto check = [](std::string_view how, std::string_view states) {
    bench x{three_of_five};
    CHECK(probes(x, how) == states);
  };
  check("ffsss", "hhhhc");
  check("fff", "hho");
  check("sss", "hhc");
  check("ssfff", "hhhho");
  check("sfsfs", "hhhhc");
  bench x{three_of_five};
  static_cast<void>(probes(x, "sff"));
  CHECK(x.b.snapshot().probes_succeeded == 1);
  CHECK(x.b.snapshot().probes_failed == 2);
  x.b.try_acquire()->failure();
  CHECK(x.heard.back().cause == circuit_cause::probe_failed);
  CHECK(x.heard.back().failed == 3);
  CHECK(x.heard.back().calls == 4);
}

TEST_CASE("case 47: a failure rate decides on the last probe and not before",
          "[circuit_breaker][half_open]") {
  const auto check = [](std::string_view how, std::string_view states) {
    bench x{half_of_four};
    CHECK(probes(x, how) == states);
  };
  check("ffss", "hhho");  // exactly the percentage opens
  check("ffff", "hhho");
  check("fsss", "hhhc");
  check("ssss", "hhhc");
  // A minimum of calls has no part in it, and successes_to_close neither.
  bench x{{.failures = 1,
           .window = {.calls = 100, .minimum_calls = 100},
           .open_for = 60s,
           .successes_to_close = 1,
           .half_open_calls = 2,
           .half_open_failure_percent = 100}};
  CHECK(probes(x, "fs") == "hc");
}

TEST_CASE("case 48: a slow probe counts against closing", "[circuit_breaker][half_open]") {
  const auto rate = GENERATE(0U, 100U);
  bench x{{.failures = 1,
           .slow_after = 1s,
           .open_for = 60s,
           .successes_to_close = 1,
           .half_open_calls = 1,
           .half_open_failure_percent = rate}};
  x.fail();
  x.time.advance(60s);
  auto probe = x.b.try_acquire();
  x.time.advance(1s + 1ns);
  probe->success();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.heard.back().cause == circuit_cause::probe_slow);
  CHECK(x.counts().success == 1);
  x.time.advance(60s);
  auto in_time = x.b.try_acquire();
  x.time.advance(1s);
  in_time->success();
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("case 55: results of calls in flight are accepted after a reconfiguration",
          "[circuit_breaker][reconfigure]") {
  bench x{three_in_a_row};
  auto a = x.b.try_acquire();
  auto b = x.b.try_acquire();
  x.b.reconfigure({.failures = 2, .time_window = {.span = 10s}, .slow_after = 1s, .open_for = 5s});
  a->failure();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.snapshot().time_window.calls == 1);
  b->failure();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.counts() == circuit_counts{.failure = 2});
  // Half-open: a probe goes on to count, too.
  x.time.advance(5s);
  auto probe = x.b.try_acquire();
  x.b.reconfigure({.failures = 2, .open_for = 5s, .successes_to_close = 1});
  probe->success();
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE(
    "case 56: open with three seconds left is restored as such and as half-open past its deadline",
    "[circuit_breaker][record]") {
  bench before{{.failures = 1, .open_for = 10s}};
  before.fail();
  before.time.advance(7s);
  const gabion::circuit_record saved = before.b.save();
  CHECK(saved ==
        gabion::circuit_record{.state = circuit_state::open, .open_left = 3s, .attempt = 1});
  bench after{{.failures = 1, .open_for = 10s}};
  after.b.restore(saved);
  CHECK(after.b.try_acquire().rejection().retry_after == 3s);
  after.time.advance(3s - 1ns);
  CHECK_FALSE(after.b.try_acquire());
  after.time.advance(1ns);
  CHECK(after.b.try_acquire());
  CHECK(after.state() == circuit_state::half_open);

  before.time.advance(3s);
  const gabion::circuit_record past = before.b.save();
  CHECK(past.state == circuit_state::half_open);
  bench half{{.failures = 1, .open_for = 10s}};
  half.b.restore(past);
  CHECK(half.state() == circuit_state::half_open);
  half.b.restore({.state = circuit_state::open, .open_left = 0s});
  CHECK(half.state() == circuit_state::half_open);
  CHECK(half.b.try_acquire());
}
