// SPDX-License-Identifier: MIT
#include <gabion/resilience/timeout_policy.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/advancing_sleeper.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::call_outcome;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::instant;
using gabion::timeout_policy;
using gabion::verdict;
using gabion::testing::manual_time;
using gabion_test::advancing_sleeper;

namespace {

const std::error_code broken = std::make_error_code(std::errc::connection_reset);

/// One call through a timeout on a manual clock.
struct bench {
  explicit bench(duration limit) : policy{{limit}} {}

  template <class Function>
  auto call(Function f, call_context context = {}) {
    return gabion::pipeline(time.clock(), policy).call(context, f);
  }

  manual_time time{};
  timeout_policy policy;
};

}  // namespace

TEST_CASE("a timeout hands its deadline down", "[timeout]") {
  bench b{2s};
  const instant start = b.time.now();
  CHECK_FALSE(b.call([&](const call_context& c) {
    CHECK(c.until == deadline::at(start + 2s));
    return std::error_code{};
  }));
}

TEST_CASE("case 79: the shorter of the caller's deadline and the limit wins", "[timeout]") {
  bench b{2s};
  const instant start = b.time.now();
  const auto seen = [&](duration callers) {
    deadline until;
    call_context context;
    context.until = deadline::at(start + callers);
    static_cast<void>(b.call(
        [&](const call_context& c) {
          until = c.until;
          return std::error_code{};
        },
        context));
    return until.when() - start;
  };
  CHECK(seen(1s) == 1s);
  CHECK(seen(3s) == 2s);
}

TEST_CASE("case 79: behind an expired deadline nothing is called", "[timeout]") {
  bench b{2s};
  call_context context;
  context.until = deadline::at(b.time.now());
  int calls = 0;
  CHECK(b.call([&] { return ++calls, std::error_code{}; }, context) == errc::timeout);
  CHECK(calls == 0);
  timeout_policy::run run{b.policy};
  const auto step = run.enter(context, [&] { return b.time.now(); });
  CHECK(step.what == gabion::entry_step::kind::refuse);
  CHECK(step.why.code == errc::timeout);
  CHECK(context.until == deadline::at(b.time.now()));
}

TEST_CASE("what fails at or after the deadline is told as a timeout and what fails before is not",
          "[timeout]") {
  bench b{2s};
  const auto fails_after = [&](duration d) {
    return b.call([&, d] {
      b.time.advance(d);
      return broken;
    });
  };
  CHECK(fails_after(2s - 1ns) == broken);
  CHECK(b.policy.timed_out() == 0);
  CHECK(fails_after(2s) == errc::timeout);
  CHECK(fails_after(3s) == errc::timeout);
  CHECK(b.policy.timed_out() == 2);
}

TEST_CASE("a success that comes late is a success and reads no clock", "[timeout]") {
  bench b{1s};
  CHECK(b.call([&] {
    b.time.advance(5s);
    return std::optional<int>{7};
  }) == 7);
  timeout_policy::run run{b.policy};
  call_context context;
  CHECK(run.enter(context, [&] { return b.time.now(); }).what == gabion::entry_step::kind::pass);
  b.time.advance(5s);
  call_outcome good;
  const auto never_read = []() -> instant { throw std::logic_error{"the clock was read"}; };
  CHECK(run.leave(good, context, never_read).what == gabion::exit_step::kind::up);
  CHECK(context.until.is_never());
  CHECK(b.policy.timed_out() == 0);
}

TEST_CASE("case 64: a deadline that passes after the call has ended changes nothing", "[timeout]") {
  bench b{1s};
  const std::error_code early = b.call([&] {
    b.time.advance(1s - 1ns);
    return broken;
  });
  b.time.advance(1h);
  CHECK(early == broken);
  CHECK(b.policy.timed_out() == 0);
}

TEST_CASE("a late failure was called and a refusal stays what it was", "[timeout]") {
  manual_time time;
  const auto now = [&] { return time.now(); };
  timeout_policy policy{{1s}};
  const auto left = [&](call_outcome outcome) {
    timeout_policy::run run{policy};
    call_context context;
    CHECK(run.enter(context, now).what == gabion::entry_step::kind::pass);
    time.advance(1s);
    CHECK(run.leave(outcome, context, now).what == gabion::exit_step::kind::up);
    return outcome;
  };
  const call_outcome late = left({verdict::failure});
  REQUIRE(late.refused);
  CHECK(late.refused->code == errc::timeout);
  CHECK(late.called);
  CHECK_FALSE(late.never_called());
  const call_outcome refused = left({verdict::failure, gabion::refusal{errc::circuit_open, 3s}});
  CHECK(refused.refused == gabion::refusal{errc::circuit_open, 3s});
  CHECK(refused.never_called());
  CHECK_FALSE(left({verdict::cancelled}).refused);
  CHECK_FALSE(left({verdict::ignored}).refused);
}

TEST_CASE("a timeout of a result that cannot say so is an exception", "[timeout]") {
  bench b{1s};
  const auto late = [&]() -> int {
    b.time.advance(1s);
    throw std::system_error{broken};
  };
  try {
    static_cast<void>(b.call(late));
    FAIL("it must throw");
  } catch (const gabion::refused_error& e) {
    CHECK(e.code() == errc::timeout);
  }
}

namespace {

/// What one attempt does.
enum class behaviour { fails_early, succeeds_early, blocks };

}  // namespace

TEST_CASE("case 63: a timeout outside a retry is one limit for all attempts and waits",
          "[timeout][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  timeout_policy timeout{{1s}};
  gabion::retry_policy retry{
      {.max_attempts = 10, .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none}}};
  auto guarded = gabion::pipeline(time.clock(), timeout, retry);
  const instant start = time.now();
  int calls = 0;
  const auto attempt = [&](behaviour what) {
    return [&, what](const call_context& c) {
      ++calls;
      CHECK(c.until == deadline::at(start + 1s));
      if (what == behaviour::blocks) time.advance_to(c.until.when());
      return what == behaviour::succeeds_early ? std::error_code{} : broken;
    };
  };
  SECTION("an attempt that succeeds passes") {
    CHECK_FALSE(guarded.call(sleeper, call_context{}, attempt(behaviour::succeeds_early)));
    CHECK(calls == 1);
  }
  SECTION("attempts that fail go on until no time is left for one and the last wait is cut to it") {
    CHECK(guarded.call(sleeper, call_context{}, attempt(behaviour::fails_early)) == broken);
    CHECK(calls == 3);
    CHECK(sleeper.waits == std::vector<duration>{400ms, 599ms});
  }
  SECTION("a blocked attempt takes all the time and no retry is pending after it") {
    CHECK(guarded.call(sleeper, call_context{}, attempt(behaviour::blocks)) == errc::timeout);
    CHECK(calls == 1);
    CHECK(sleeper.waits.empty());
  }
}

TEST_CASE("case 63: a timeout inside a retry is a limit for each attempt", "[timeout][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  timeout_policy timeout{{1s}};
  gabion::retry_policy retry{
      {.max_attempts = 3, .backoff = {.initial = 400ms, .jitter = gabion::backoff_jitter::none}}};
  auto guarded = gabion::pipeline(time.clock(), retry, timeout);
  int calls = 0;
  const auto attempt = [&](behaviour what) {
    return [&, what](const call_context& c) {
      ++calls;
      CHECK(c.until.remaining(time.now()) == 1s);
      if (what == behaviour::blocks) time.advance_to(c.until.when());
      return what == behaviour::succeeds_early ? std::error_code{} : broken;
    };
  };
  SECTION("an attempt that succeeds passes") {
    CHECK_FALSE(guarded.call(sleeper, call_context{}, attempt(behaviour::succeeds_early)));
    CHECK(calls == 1);
  }
  SECTION("attempts that fail are tried again without a limit on the whole") {
    CHECK(guarded.call(sleeper, call_context{}, attempt(behaviour::fails_early)) == broken);
    CHECK(calls == 3);
    CHECK(sleeper.waits == std::vector<duration>{400ms, 800ms});
  }
  SECTION("a blocked attempt is a timeout that is tried again") {
    CHECK(guarded.call(sleeper, call_context{}, attempt(behaviour::blocks)) == errc::timeout);
    CHECK(calls == 3);
    CHECK(timeout.timed_out() == 3);
  }
}

TEST_CASE("case 63: with a timeout on both sides each keeps its own limit", "[timeout][retry]") {
  manual_time time;
  advancing_sleeper sleeper{&time};
  timeout_policy whole{{2500ms}};
  timeout_policy each{{1s}};
  gabion::retry_policy retry{
      {.max_attempts = 10, .backoff = {.initial = 0ns, .jitter = gabion::backoff_jitter::none}}};
  auto guarded = gabion::pipeline(time.clock(), whole, retry, each);
  SECTION("attempts that fail end with their number") {
    CHECK(guarded.call(sleeper, call_context{}, [] { return broken; }) == broken);
    CHECK(retry.counts().retries == 9);
  }
  SECTION("a success passes") {
    CHECK_FALSE(guarded.call(sleeper, call_context{}, [] { return std::error_code{}; }));
  }
  SECTION("blocked attempts use up the whole and the last one is given what is left") {
    std::vector<duration> given;
    const auto blocked = [&](const call_context& c) {
      given.push_back(c.until.remaining(time.now()));
      time.advance_to(c.until.when());
      return broken;
    };
    CHECK(guarded.call(sleeper, call_context{}, blocked) == errc::timeout);
    CHECK(given == std::vector<duration>{1s, 1s, 500ms});
    CHECK(each.timed_out() == 3);
    CHECK(whole.timed_out() == 1);
  }
}

TEST_CASE("timeout options outside their range are refused by name", "[timeout]") {
  using Catch::Matchers::Contains;
  const auto refusal = [](duration limit) -> std::string {
    try {
      timeout_policy{{limit}};
    } catch (const gabion::error& e) {
      CHECK(e.code() == errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  CHECK_THAT(refusal(0ns), Contains("timeout_options.limit is 0 ns; allowed: more than 0 ns"));
  CHECK_THAT(refusal(-1ns), Contains("is -1"));
  CHECK(refusal(1ns).empty());
  CHECK(refusal((duration::max)()).empty());
  static_assert(gabion::valid(gabion::timeout_options{}) &&
                !gabion::valid(gabion::timeout_options{0ns}));
}

TEST_CASE("a timeout without end changes no deadline", "[timeout]") {
  bench b{(duration::max)()};
  CHECK_FALSE(b.call([&](const call_context& c) {
    CHECK(c.until.is_never());
    return std::error_code{};
  }));
}
