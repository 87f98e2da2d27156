// SPDX-License-Identifier: MIT
// Slow calls, calls in flight, explanations, live reconfiguration, events of single calls.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using gabion::circuit_rule_status;

namespace {

/// A clock that says how often it was read.
struct counting_clock {
  const gabion::testing::manual_time* time;
  int* readings;
  [[nodiscard]] gabion::instant now() const noexcept {
    ++*readings;
    return time->now();
  }
};

constexpr circuit_breaker_options overdue_half{
    .failures = 0,
    .window = {.calls = 10, .failure_percent = 0, .minimum_calls = 4, .slow_percent = 50},
    .slow_after = std::chrono::seconds{8},
    .count_overdue = true,
    .open_for = std::chrono::seconds{60}};

}  // namespace

TEST_CASE("the clock is read only where a rule needs it", "[circuit_breaker][clock]") {
  const auto readings = [](const circuit_breaker_options& o) {
    gabion::testing::manual_time time;
    int n = 0;
    gabion::basic_circuit_breaker b{o, counting_clock{&time, &n}};
    b.try_acquire()->success();
    b.try_acquire()->failure();
    b.try_acquire()->ignore();
    return n;
  };
  CHECK(readings({.failures = 5}) == 0);
  CHECK(readings({.failures = 5, .window = {.calls = 10}}) == 0);
  CHECK(readings({.failures = 5, .time_window = {.span = 1s}}) == 2);
  CHECK(readings({.failures = 5, .slow_after = 1s}) == 5);
}

TEST_CASE("a caller who knows the time need not have it read for the verdict either",
          "[circuit_breaker][clock]") {
  gabion::testing::manual_time time;
  int n = 0;
  gabion::basic_circuit_breaker b{
      circuit_breaker_options{.failures = 5, .window = {.calls = 10}, .slow_after = 1s},
      counting_clock{&time, &n}};
  auto a = b.try_acquire(time.now());
  a->settle_at(time.now() + 2s, gabion::verdict::success);
  auto c = b.try_acquire(time.now());
  c->settle_at(time.now() + 2s, gabion::verdict::failure, 5s);
  CHECK(n == 0);
  CHECK(b.snapshot().window.slow == 2);
  CHECK(b.state() == circuit_state::open);
}

TEST_CASE("the row and both windows are counted side by side and the first that is met opens",
          "[circuit_breaker][rules]") {
  const auto first = [](std::uint32_t row, std::uint32_t window_minimum,
                        std::uint32_t time_minimum) {
    bench x{{.failures = row,
             .window = {.calls = 20, .minimum_calls = window_minimum},
             .time_window = {.span = 10s, .minimum_calls = time_minimum}}};
    while (x.state() == circuit_state::closed) x.fail();
    CHECK(x.counts().failure == 5);
    return x.heard.at(0).cause;
  };
  CHECK(first(5, 6, 6) == circuit_cause::consecutive_failures);
  CHECK(first(6, 5, 6) == circuit_cause::failure_rate);
  CHECK(first(6, 6, 5) == circuit_cause::timed_failure_rate);
  CHECK(first(5, 5, 5) == circuit_cause::consecutive_failures);
  CHECK(first(0, 5, 5) == circuit_cause::failure_rate);
}

TEST_CASE("calls in flight that are overdue open it though none returns",
          "[circuit_breaker][overdue]") {
  bench x{overdue_half};
  std::vector<breaker::admission> out;
  x.succeed(2);
  for (int i = 0; i < 2; ++i) out.push_back(x.b.try_acquire());
  x.time.advance(8s);
  CHECK(x.b.snapshot().window.overdue == 0);  // exactly as long as allowed
  CHECK(x.b.snapshot().in_flight == 2);
  x.time.advance(1s);  // at the latest an eighth later
  CHECK(x.b.snapshot().window.overdue == 2);
  CHECK(x.b.snapshot().window.slow_percent() == 50);
  CHECK(x.state() == circuit_state::closed);
  const auto refused = x.b.try_acquire();
  CHECK_FALSE(refused);
  CHECK(refused.rejection().retry_after == 60s);
  CHECK(x.heard.at(0).cause == circuit_cause::slow_rate);
  CHECK(x.heard.at(0).failed == 2);
  CHECK(x.heard.at(0).calls == 4);
}

TEST_CASE("an overdue call that returns counts once", "[circuit_breaker][overdue]") {
  auto o = overdue_half;
  o.window.slow_percent = 100;
  o.window.minimum_calls = 10;
  bench x{o};
  auto slow = x.b.try_acquire();
  auto dropped = std::optional{x.b.try_acquire()};
  auto quick = x.b.try_acquire();
  quick->success();
  x.time.advance(10s);
  CHECK(x.b.snapshot().window.overdue == 2);
  slow->success();
  CHECK(x.b.snapshot().window.overdue == 1);
  CHECK(x.b.snapshot().window.slow == 1);
  CHECK(x.b.snapshot().window.calls == 2);
  dropped.reset();
  CHECK(x.b.snapshot().window.overdue == 0);
  CHECK(x.b.snapshot().in_flight == 0);
  CHECK(x.b.snapshot().window.slow == 1);
}

TEST_CASE("overdue is seen never early and at most an eighth late whenever the call began",
          "[circuit_breaker][overdue]") {
  const auto limit = GENERATE(1ns, 7ns, 8ns, 9ns, 100ns, 8000ns);
  const auto eighth = (limit + 7ns) / 8;
  auto o = overdue_half;
  o.slow_after = limit;
  o.window.minimum_calls = 10;
  for (auto began = 0ns; began < 40ns; began += 3ns) {
    bench x{o};
    x.time.advance(began);
    auto call = x.b.try_acquire();
    x.time.advance(limit);
    CHECK(x.b.snapshot().window.overdue == 0);
    x.time.advance(eighth);
    CHECK(x.b.snapshot().window.overdue == 1);
    x.time.advance(1h * 24 * 365 * 200);
    CHECK(x.b.snapshot().window.overdue == 1);
    call->ignore();
    CHECK(x.b.snapshot().window.overdue == 0);
  }
}

TEST_CASE("calls of an earlier generation are not in flight in a later one",
          "[circuit_breaker][overdue]") {
  bench x{overdue_half};
  auto old = x.b.try_acquire();
  x.b.trip(1s);
  x.b.reset();
  CHECK(x.b.snapshot().in_flight == 0);
  auto fresh = x.b.try_acquire();
  old->success();
  CHECK(x.b.snapshot().in_flight == 1);
  x.b.reset();  // closed: permits stay good
  CHECK(x.b.snapshot().in_flight == 1);
  fresh->success();
  CHECK(x.b.snapshot().in_flight == 0);
}

TEST_CASE("an explanation says what each rule has and lacks", "[circuit_breaker][explain]") {
  bench x{{.failures = 5,
           .window = {.calls = 20, .minimum_calls = 10},
           .open_for = 30s,
           .name = "stock"}};
  x.succeed();
  x.fail(2);
  auto e = x.b.explain();
  REQUIRE(e.rule_count == 2);
  CHECK(e.rules[0].rule == circuit_cause::consecutive_failures);
  CHECK(e.rules[0].missing() == 3);
  CHECK(e.rules[1].missing_calls() == 7);
  CHECK(e.rules[1].needed == 5);
  CHECK_FALSE(e.rules[1].met());
  CHECK(to_string(e) ==
        "stock is closed\n"
        "  consecutive failures: 2 of 5\n"
        "  failure rate: 2 of 3 calls, opens at 50 %; 7 more calls before it counts");
  x.fail(3);
  x.time.advance(10s);
  CHECK(to_string(x.b.explain()) ==
        "stock is open because: consecutive failures, 5 of 5; time left: 20000 ms\n"
        "  consecutive failures: 0 of 5\n"
        "  failure rate: 5 of 6 calls, opens at 50 %; 4 more calls before it counts");
  x.time.advance(20s);
  x.succeed();
  CHECK(to_string(x.b.explain())
            .find("stock is half-open because: open time over; probes: 1 succeeded, 0 failed, 0 "
                  "out, 2 needed") == 0);
  x.succeed(7);
  x.fail(3);
  CHECK(to_string(x.b.explain()).find("\n  failure rate: 3 of 9 calls") != std::string::npos);
  x.succeed();
  CHECK(to_string(x.b.explain()).find("\n  failure rate: 3 of 10 calls, opens at 50 %; 2 short") !=
        std::string::npos);
}

TEST_CASE("an explanation agrees with what the next outcome does", "[circuit_breaker][explain]") {
  const auto percent = GENERATE(1U, 33U, 50U, 99U, 100U);
  for (int good = 0; good < 30; ++good) {
    bench x{{.failures = 0,
             .time_window = {.span = 1h, .failure_percent = percent, .minimum_calls = 1}}};
    x.succeed(good);
    for (int failed = 0; failed < 100; ++failed) {
      // One more outcome that fails raises both numbers: asked of a window with it in.
      const circuit_rule_status now = x.b.explain().rules[0];
      const bool opens = (now.count + 1) * 100 >= percent * (now.calls + 1);
      CHECK_FALSE((now.met() && now.count > 0));
      x.fail();
      CHECK((x.state() == circuit_state::open) == opens);
      if (opens) break;
    }
  }
}

TEST_CASE("reconfiguring keeps the row and the newest outcomes whichever way they are counted",
          "[circuit_breaker][reconfigure]") {
  // Each of these keeps the last calls in a way of its own, or with another length.
  const auto with = [](std::uint32_t calls, gabion::duration slow_after) {
    return circuit_breaker_options{
        .failures = 100,
        .window = {.calls = calls, .failure_percent = 100, .minimum_calls = 8191},
        .slow_after = slow_after};
  };
  const auto from = GENERATE(3U, 8U, 16U, 21U, 100U);
  const auto to = GENERATE(3U, 8U, 16U, 21U, 100U);
  const auto slow_from = GENERATE(0s, 1s);
  const auto slow_to = GENERATE(0s, 1s);
  for (std::uint32_t recorded = 0; recorded < 45; recorded += 4) {
    bench x{with(from, slow_from)};
    std::vector<bool> outcomes;
    const auto step = [&](std::uint32_t i) {
      outcomes.push_back(i % 3 == 1 || i % 7 == 2);
      outcomes.back() ? x.fail() : x.succeed();
    };
    const auto failed_of = [&](std::size_t last) {
      std::uint32_t n = 0;
      for (std::size_t i = outcomes.size() > last ? outcomes.size() - last : 0; i < outcomes.size();
           ++i)
        n += outcomes[i] ? 1 : 0;
      return n;
    };
    for (std::uint32_t i = 0; i < recorded; ++i) step(i);
    const auto row = x.b.snapshot().consecutive_failures;
    const auto counts = x.counts();
    x.b.reconfigure(with(to, slow_to));
    CHECK(x.counts() == counts);
    CHECK(x.b.snapshot().consecutive_failures == row);
    const auto kept = (std::min)({recorded, from, to});
    CHECK(x.b.snapshot().window_calls == kept);
    CHECK(x.b.snapshot().window_failed == failed_of(kept));
    for (std::uint32_t i = 0; i < 30; ++i) {
      step(i + recorded);
      const auto held = (std::min)(kept + i + 1, to);
      REQUIRE(x.b.snapshot().window_calls == held);
      REQUIRE(x.b.snapshot().window_failed == failed_of(held));
    }
    CHECK(x.counts().success + x.counts().failure == recorded + 30);
    CHECK(x.counts().late == 0);
  }
}

TEST_CASE("a time window of another span keeps what is young enough",
          "[circuit_breaker][reconfigure]") {
  const auto with = [](gabion::duration span, std::uint32_t buckets) {
    return circuit_breaker_options{
        .failures = 0, .time_window = {.span = span, .buckets = buckets, .minimum_calls = 1000}};
  };
  bench x{with(10s, 10)};
  for (int i = 0; i < 8; ++i) {
    x.fail();
    x.time.advance(1s);
  }
  x.b.reconfigure(with(4s, 4));
  CHECK(x.b.snapshot().time_window.failed == 3);
  x.b.reconfigure(with(20s, 5));
  CHECK(x.b.snapshot().time_window.failed == 3);
  x.fail();
  CHECK(x.b.snapshot().time_window.failed == 4);
  x.time.advance(20s);
  CHECK(x.b.snapshot().time_window.failed == 0);
}

TEST_CASE("new thresholds hold from the next outcome on and the deadline stays",
          "[circuit_breaker][reconfigure]") {
  bench x{{.failures = 5, .open_for = 60s}};
  x.fail(4);
  x.b.reconfigure({.failures = 2, .open_for = 10s});
  CHECK(x.state() == circuit_state::closed);
  x.fail();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().retry_after == 10s);
  x.b.reconfigure(
      {.failures = 2, .open_for = 60s, .half_open_permits = 2, .successes_to_close = 1});
  CHECK(x.b.snapshot().retry_after == 10s);
  x.time.advance(10s);
  auto a = x.b.try_acquire();
  auto b = x.b.try_acquire();
  CHECK(b);
  CHECK_FALSE(x.b.try_acquire());
  x.b.reconfigure({.failures = 2, .half_open_permits = 1, .successes_to_close = 1});
  CHECK_FALSE(x.b.try_acquire());
  a->ignore();
  CHECK_FALSE(x.b.try_acquire());  // still one out, and one is allowed
  b->success();
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.b.options().half_open_permits == 1);
}

TEST_CASE("bad options are refused with nothing changed", "[circuit_breaker][reconfigure]") {
  bench x{{.failures = 5, .name = "stock"}};
  x.fail(4);
  CHECK_THROWS_AS(x.b.reconfigure({.failures = 0}), gabion::error);
  CHECK_THROWS_AS(x.b.reconfigure({.failures = 1, .name = "other"}), gabion::error);
  CHECK(x.b.options().failures == 5);
  CHECK(x.b.snapshot().consecutive_failures == 4);
  x.b.reconfigure({.failures = 6, .name = "stock"});
  x.b.reconfigure({.failures = 6});
  CHECK(x.b.options().name == "stock");
  x.fail();
  CHECK(x.state() == circuit_state::closed);
}

namespace {

struct call_listener {
  std::vector<std::string>* heard;
  void operator()(const gabion::circuit_recorded& r) const {
    heard->push_back(std::string{to_string(r.verdict)} + (r.slow ? " slow" : "") +
                     (r.took ? " " + std::to_string(*r.took / 1ms) : std::string{}));
  }
  void operator()(const gabion::circuit_rejected& r) const {
    heard->push_back("rejected: " + std::string{to_string(r.why.reason)});
  }
  void operator()(const gabion::circuit_late& l) const {
    heard->push_back("late " + std::string{to_string(l.verdict)});
  }
  void operator()(const gabion::circuit_abandoned& a) const {
    heard->push_back("abandoned " + std::string{a.name});
  }
  void operator()(const gabion::circuit_reconfigured& r) const {
    heard->push_back("reconfigured " + std::string{r.name});
  }
};

}  // namespace

TEST_CASE("each call is told to whoever listens for it", "[circuit_breaker][events]") {
  gabion::testing::manual_time time;
  std::vector<std::string> heard;
  gabion::basic_circuit_breaker b{circuit_breaker_options{.failures = 2, .name = "stock"},
                                  time.clock(), call_listener{&heard}};
  b.try_acquire()->success();
  b.try_acquire()->cancel();
  { const auto dropped = b.try_acquire(); }
  b.reconfigure({.failures = 2, .slow_after = 1s});
  auto late = b.try_acquire();
  auto slow = b.try_acquire();
  time.advance(1500ms);
  slow->failure();
  b.try_acquire()->failure();
  CHECK_FALSE(b.try_acquire());
  late->success();
  CHECK(heard == std::vector<std::string>{"success", "cancelled", "abandoned stock",
                                          "reconfigured stock", "failure slow 1500", "failure 0",
                                          "rejected: open", "late success"});
}

TEST_CASE("an observer of single calls only has no queue", "[circuit_breaker][events]") {
  int rejected = 0;
  const auto on_reject = [&rejected](const gabion::circuit_rejected&) { ++rejected; };
  gabion::basic_circuit_breaker b{circuit_breaker_options{.failures = 1}, on_reject};
  b.try_acquire()->failure();
  CHECK_FALSE(b.try_acquire());
  CHECK(rejected == 1);
}

TEST_CASE("a tracked call that says nothing comes back though the new rules track none",
          "[circuit_breaker][reconfigure]") {
  bench x{overdue_half};
  auto ignored = x.b.try_acquire();
  auto cancelled = x.b.try_acquire();
  auto dropped = x.b.try_acquire();
  auto failed = x.b.try_acquire();
  x.b.reconfigure(three_in_a_row);
  ignored->ignore();
  cancelled->cancel();
  { const auto gone = std::move(*dropped.operator->()); }
  failed->failure();
  CHECK(x.counts() == circuit_counts{.failure = 1, .ignored = 1, .cancelled = 1, .abandoned = 1});
  x.b.reconfigure(overdue_half);
  CHECK(x.b.snapshot().in_flight == 0);
}

namespace {

breaker::admission* stated_meanwhile = nullptr;
gabion::duration state_meanwhile(const gabion::circuit_open_request& request) noexcept {
  if (stated_meanwhile != nullptr) std::exchange(stated_meanwhile, nullptr)->permit().failure(5s);
  return request.planned;
}

}  // namespace

TEST_CASE("a stated failure counts though the window has met its rule and waits for the open time",
          "[circuit_breaker][growth]") {
  circuit_breaker_options o = half_of_ten;
  o.open_time = state_meanwhile;
  bench x{o};
  auto stated = x.b.try_acquire();
  x.fail(9);
  stated_meanwhile = &stated;
  x.fail();
  CHECK(x.counts() == circuit_counts{.failure = 11});
  REQUIRE(x.heard.size() == 1);
  CHECK(x.heard.front().cause == circuit_cause::stated);
}

TEST_CASE("lost probes are told of before anybody has called again", "[circuit_breaker][explain]") {
  bench x{{.failures = 1,
           .open_for = 10s,
           .open_growth = {.factor_percent = 200},
           .half_open_for = 1s}};
  x.fail();
  x.time.advance(10s);
  auto lost = x.b.try_acquire();
  x.time.advance(1s);
  REQUIRE(x.state() == circuit_state::open);
  CHECK(x.b.explain().cause == circuit_cause::probe_lost);
  CHECK(x.b.explain().failed == 1);
  CHECK(x.b.explain().attempt == 2);
  CHECK(x.b.snapshot().attempt == 2);
  const gabion::circuit_record kept = x.b.save();
  CHECK(kept ==
        gabion::circuit_record{.state = circuit_state::open, .open_left = 20s, .attempt = 2});
  CHECK_FALSE(x.b.try_acquire());
  CHECK(x.b.save() == kept);
}

TEST_CASE("whatever is saved can be restored", "[circuit_breaker][record]") {
  bench x{{.failures = 0,
           .time_window = {.span = 1h, .failure_percent = 50, .minimum_calls = 100'000}}};
  x.fail(65'537);
  CHECK(x.b.save().consecutive_failures == 65'535);
  bench y{three_in_a_row};
  y.b.restore(x.b.save());
  y.fail();
  CHECK(y.state() == circuit_state::open);
}

TEST_CASE("restored half-open its windows are empty", "[circuit_breaker][record]") {
  bench x{half_of_ten};
  x.fail(4);
  x.b.restore({.state = circuit_state::half_open});
  CHECK(x.b.snapshot().window_calls == 0);
  CHECK(x.counts().failure == 4);
  bench y{overdue_half};
  y.fail(3);
  y.b.restore({.state = circuit_state::half_open});
  CHECK(y.b.snapshot().window_calls == 0);
}

TEST_CASE("restored beyond the last step of its ramp it begins with the last",
          "[circuit_breaker][record]") {
  bench x{{.failures = 1, .ramp = {.percent = {10, 50}, .step_for = 10s}}};
  x.b.restore({.state = circuit_state::ramping, .ramp_step = 7});
  CHECK(x.b.snapshot().ramp_percent == 50);
  x.succeed();
  CHECK(x.state() == circuit_state::ramping);
}

namespace {

struct bad_request : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct worse_request : bad_request {
  using bad_request::bad_request;
};

}  // namespace

TEST_CASE("exceptions that are left out say nothing and go on unchanged",
          "[circuit_breaker][call]") {
  using gabion::ignore_exceptions;
  bench x{{.failures = 1}};
  const auto bad = []() -> int { throw worse_request{"no such thing"}; };
  CHECK_THROWS_AS(x.b.call(ignore_exceptions<bad_request, int>(), bad), worse_request);
  CHECK_THROWS_AS(x.b.call(ignore_exceptions<bad_request, worse_request>(), bad), worse_request);
  CHECK_THROWS_AS(x.b.call(ignore_exceptions<bad_request>(), [] { throw bad_request{"nor that"}; }),
                  bad_request);
  CHECK(x.counts() == circuit_counts{.ignored = 3});
  CHECK(x.b.call(ignore_exceptions<bad_request>(), bad, [] { return 7; }) == 7);
  CHECK(x.counts() == circuit_counts{.ignored = 4});
  int value = 3;
  CHECK(&x.b.call(ignore_exceptions<bad_request>(), [&]() -> int& { return value; }) == &value);
  CHECK(x.b.call(ignore_exceptions<bad_request>(gabion::failure_if{[](int n) { return n > 5; }}),
                 [] { return 5; }) == 5);
  CHECK(x.counts().success == 2);
  CHECK(x.b.call(ignore_exceptions<bad_request>(gabion::failure_if{[](int n) { return n > 5; }}),
                 [] { return 6; }) == 6);
  CHECK(x.state() == circuit_state::open);
  bench y{{.failures = 1}};
  CHECK_THROWS_AS(y.b.call(ignore_exceptions<bad_request>(), []() -> int { throw 3; }), int);
  CHECK(y.state() == circuit_state::open);
}
