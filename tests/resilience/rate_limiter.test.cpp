// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/paced.hpp>
#include <gabion/resilience/rate_limiter.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"
#include "support/complaint.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::gcra;
using gabion::gcra_options;
using gabion::instant;
using gabion::paced;
using gabion::per_minute;
using gabion::rate_admission;
using gabion::sliding_window_limiter;
using gabion::sliding_window_options;
using gabion::token_bucket;
using gabion::token_bucket_options;
using kind = gabion::entry_step::kind;
using gabion_test::complaint;

static_assert(gabion::explain_policy<gcra>() && gabion::explain_policy<token_bucket>());
static_assert(gabion::explain_policy<sliding_window_limiter>() &&
              gabion::explain_policy<paced<gcra>>());
static_assert(gabion::explain_reserving_rate_limiter<gcra>() &&
              gabion::explain_reserving_rate_limiter<token_bucket>());
static_assert(gabion::explain_rate_limiter<sliding_window_limiter>());
static_assert(!gabion::reserving_rate_limiter<sliding_window_limiter>);
static_assert(gabion::rate_limiter<sliding_window_limiter> && !gabion::rate_limiter<int>);
static_assert(paced<gcra>::may_queue &&
              gabion::policy_traits<gcra>::kind == gabion::policy_kind::rate_limiter);

namespace {

constexpr instant start{1h};
constexpr duration for_ever = (duration::max)();

/// The least that is a rate limiter, and the least that can reserve.
struct archetype {
  rate_admission take(instant, std::uint32_t) { return rate_admission::yes(); }
};
struct reserving_archetype : archetype {
  gabion::rate_reservation reserve(instant now, duration, std::uint32_t) {
    return {.granted = true, .at = now};
  }
  bool cancel(const gabion::rate_reservation&) { return true; }
};
static_assert(gabion::rate_limiter<archetype> && !gabion::reserving_rate_limiter<archetype>);
static_assert(gabion::reserving_rate_limiter<reserving_archetype> &&
              gabion::policy<paced<reserving_archetype>>);

template <class Limiter>
int admitted(Limiter& limiter, instant now, int asked) {
  int n = 0;
  for (int i = 0; i < asked; ++i) n += limiter.take(now, 1) ? 1 : 0;
  return n;
}

struct bell {
  int rung = 0;
  void wake() noexcept { ++rung; }
};

}  // namespace

TEST_CASE("case 70: what is not used for three cycles does not add up beyond one",
          "[rate_limiter][burst]") {
  gcra spaced{{.interval = 100ms, .burst = 10}};
  token_bucket bucket{{.burst = 10, .refill = gabion::per_second(10)}};
  sliding_window_limiter window{{.limit = 10, .window = 1s}};
  for (const instant now : {start, start + 4s, start + 24h}) {
    CHECK(admitted(spaced, now, 20) == 10);
    CHECK(admitted(bucket, now, 20) == 10);
    CHECK(admitted(window, now, 20) == 10);
  }
}

TEST_CASE("case 71: a wait longer than allowed is refused at once with the exact time",
          "[rate_limiter][wait]") {
  gcra spaced{{.interval = 100ms}};
  token_bucket bucket{{.burst = 1, .refill = gabion::per_second(3)}};
  REQUIRE(spaced.take(start));
  REQUIRE(bucket.take(start));
  const auto first = spaced.reserve(start + 30ms, 70ms - 1ns);
  CHECK_FALSE(first);
  CHECK(first.retry_after == 70ms);
  CHECK_FALSE(spaced.take(start + 100ms - 1ns));
  CHECK(spaced.take(start + 100ms));
  const auto second = bucket.reserve(start, 333'333'333ns);
  CHECK_FALSE(second);
  CHECK(second.retry_after == 333'333'334ns);
  CHECK_FALSE(bucket.take(start + 333'333'333ns));
  CHECK(bucket.take(start + 333'333'334ns));
}

TEST_CASE("case 71: a paced call whose permit would come too late is refused and not kept waiting",
          "[rate_limiter][paced]") {
  gcra limiter{{.interval = 1s}};
  const paced policy{limiter, 1500ms};
  REQUIRE(limiter.take(start));
  call_context context;
  const auto now = [] { return start; };
  paced<gcra>::run first{policy};
  const auto wait = first.enter(context, now);
  CHECK(wait.what == kind::wait);
  CHECK(wait.until == start + 1s);
  paced<gcra>::run second{policy};
  const auto refused = second.enter(context, now);
  CHECK(refused.what == kind::refuse);
  CHECK(refused.why == gabion::refusal{errc::rate_limited, 2s});
  context.until = deadline::at(start + 999ms);
  paced<gcra>::run third{policy};
  CHECK(third.enter(context, now).why == gabion::refusal{errc::rate_limited, 2s});
  context.until = deadline::at(start);
  paced<gcra>::run late{policy};
  CHECK(late.enter(context, now).why.code == errc::timeout);
}

TEST_CASE(
    "case 71: a permit at the longest wait is waited for and one at the deadline itself is not",
    "[rate_limiter][paced]") {
  gcra limiter{{.interval = 1s}};
  REQUIRE(limiter.take(start));
  const auto now = [] { return start; };
  const auto entered = [&](duration max_wait, deadline until) {
    const paced policy{limiter, max_wait};
    paced<gcra>::run run{policy};  // gives its permit back when it goes
    call_context context;
    context.until = until;
    return run.enter(context, now);
  };
  CHECK(entered(1s, deadline::never()).what == kind::wait);
  CHECK(entered(1s - 1ns, deadline::never()).why == gabion::refusal{errc::rate_limited, 1s});
  CHECK(entered(for_ever, deadline::at(start + 1s + 1ns)).what == kind::wait);
  CHECK(entered(for_ever, deadline::at(start + 1s)).why == gabion::refusal{errc::rate_limited, 1s});
  CHECK(entered(for_ever, deadline::never()).what == kind::wait);
  REQUIRE(limiter.take(start + 1s));
}

TEST_CASE("case 72: whoever has waited holds a permit that nobody else could take",
          "[rate_limiter][paced]") {
  token_bucket limiter{{.burst = 1, .refill = gabion::per_second(1)}};
  const paced policy{limiter, 10s};
  instant at = start;
  const auto now = [&] { return at; };
  call_context context;
  REQUIRE(limiter.take(start));
  paced<token_bucket>::run first{policy};
  paced<token_bucket>::run second{policy};
  CHECK(first.enter(context, now).until == start + 1s);
  CHECK(second.enter(context, now).until == start + 2s);
  at = start + 1s;
  CHECK_FALSE(limiter.take(at));
  CHECK(second.enter(context, now).what == kind::wait);
  CHECK(first.enter(context, now).what == kind::pass);
  at = start + 2s - 1ns;
  CHECK(second.enter(context, now).what == kind::wait);
  at = start + 2s;
  CHECK(second.enter(context, now).what == kind::pass);
  CHECK_FALSE(limiter.take(at));
  at = start + 3s;
  CHECK(limiter.take(at));
}

TEST_CASE("a paced call that gives up hands its permit back if nobody is behind it",
          "[rate_limiter][paced]") {
  gcra limiter{{.interval = 1s}};
  const paced policy{limiter, 10s};
  const auto now = [] { return start; };
  std::stop_source stop;
  call_context context;
  context.stop = stop.get_token();
  REQUIRE(limiter.take(start));
  {
    paced<gcra>::run gone{policy};
    CHECK(gone.enter(context, now).until == start + 1s);
  }
  paced<gcra>::run stopped{policy};
  CHECK(stopped.enter(context, now).until == start + 1s);
  stop.request_stop();
  CHECK(stopped.enter(context, now).why.code == errc::cancelled);
  call_context other;
  paced<gcra>::run next{policy};
  CHECK(next.enter(other, now).until == start + 1s);
  {
    paced<gcra>::run passed{policy};
    const auto later = [] { return start + 5s; };
    CHECK(passed.enter(other, later).what == kind::pass);
  }
  CHECK_FALSE(limiter.take(start + 5s));
}

TEST_CASE("case 73: reconfiguring keeps what is in the bucket and the part of the next permit",
          "[rate_limiter][reconfigure]") {
  token_bucket bucket{{.burst = 10, .refill = gabion::per_second(10)}};
  REQUIRE(bucket.take(start, 10));
  // 2.5 permits later
  bucket.reconfigure({.burst = 10, .refill = gabion::per_second(1)}, start + 250ms);
  CHECK(bucket.available(start + 250ms) == 2);
  CHECK(bucket.available(start + 750ms - 1ns) == 2);
  CHECK(bucket.available(start + 750ms) == 3);
  bucket.reconfigure({.burst = 2, .refill = gabion::per_second(7)}, start + 750ms);
  CHECK(bucket.available(start + 750ms) == 2);
  CHECK(bucket.available(start + 10s) == 2);
  bucket.reconfigure({.burst = 100, .refill = gabion::per_second(1)}, start + 10s);
  CHECK(bucket.available(start + 10s) == 2);
  CHECK(bucket.available(start + 11s) == 3);
  CHECK(bucket.options().burst == 100);
  CHECK_THROWS_AS(bucket.reconfigure({.burst = 0}, start + 11s), gabion::error);
  CHECK(bucket.available(start + 11s) == 3);
}

TEST_CASE("case 73: reservations outlive a new rate and are converted as permits",
          "[rate_limiter][reconfigure]") {
  token_bucket bucket{{.burst = 1, .refill = gabion::per_second(1)}};
  REQUIRE(bucket.take(start));
  const auto ahead = bucket.reserve(start, 10s);
  REQUIRE(ahead.at == start + 1s);
  bucket.reconfigure({.burst = 1, .refill = gabion::per_second(4)}, start + 500ms);
  // half a permit is owed: that is 125 ms now, and one more for the next
  CHECK(bucket.take(start + 500ms).retry_after == 375ms);
  CHECK_FALSE(bucket.cancel(ahead));
}

TEST_CASE("case 73: a long sleep gives at most a full bucket", "[rate_limiter][burst]") {
  token_bucket bucket{{.burst = 5, .refill = gabion::per_second(1'000'000'000)}};
  REQUIRE(bucket.take(start, 5));
  CHECK(bucket.available(start + 24h * 365) == 5);
  CHECK(admitted(bucket, start + 24h * 365, 9) == 5);
}

TEST_CASE("case 73: the refill is exact to the fraction from permit to permit",
          "[rate_limiter][exact]") {
  const auto permits = GENERATE(3U, 7U, 333U, 999'999'937U);
  token_bucket bucket{{.burst = 2, .refill = gabion::per_second(permits)}};
  // The bucket is kept just about empty: the k-th permit is there at ceil(k seconds / permits) and
  // not a nanosecond sooner.
  instant now = start;
  REQUIRE(bucket.take(now, 2));
  for (std::uint64_t k = 1; k <= 1000; ++k) {
    const duration due{static_cast<duration::rep>((k * 1'000'000'000 + permits - 1) / permits)};
    if (start + due - 1ns > now) REQUIRE_FALSE(bucket.take(start + due - 1ns));
    now = start + due;
    REQUIRE(bucket.take(now));
  }
  CHECK(bucket.reserve(start, for_ever, 1).at >= now);
}

TEST_CASE("case 73: a year of refill is exact to the permit", "[rate_limiter][exact]") {
  for (const std::uint32_t permits : {3U, 7U, 59U}) {
    token_bucket bucket{{.burst = 2'147'483'648, .refill = gabion::per_second(permits)}};
    REQUIRE(bucket.take(start, 2'147'483'648));
    const instant later = start + 24h * 365;
    const std::uint32_t year = 365 * 24 * 3600 * permits;
    CHECK(bucket.available(later - 1ns) == year - 1);
    CHECK(bucket.available(later) == year);
    REQUIRE(bucket.take(later, year));
    CHECK(bucket.take(later).retry_after == duration{1'000'000'000 / permits + 1});
  }
}

TEST_CASE("several permits are taken together or not at all", "[rate_limiter][weight]") {
  gcra spaced{{.interval = 100ms, .burst = 10}};
  token_bucket bucket{{.burst = 10, .refill = gabion::per_second(10)}};
  sliding_window_limiter window{{.limit = 10, .window = 1s, .slices = 10}};
  CHECK(spaced.take(start, 7));
  CHECK(bucket.take(start, 7));
  CHECK(window.take(start, 7));
  CHECK(spaced.take(start, 4) == rate_admission::no(100ms));
  CHECK(bucket.take(start, 4) == rate_admission::no(100ms));
  CHECK(window.take(start, 4) == rate_admission::no(1100ms));
  CHECK(spaced.take(start, 3));
  CHECK(bucket.take(start, 3));
  CHECK(window.take(start, 3));
  for (const std::uint32_t n : {11U, (std::numeric_limits<std::uint32_t>::max)()}) {
    CHECK(spaced.take(start, n) == rate_admission::no(for_ever));
    CHECK(bucket.take(start, n) == rate_admission::no(for_ever));
    CHECK(window.take(start, n) == rate_admission::no(for_ever));
  }
  CHECK(spaced.take(start + 1s, 10));
  CHECK(bucket.take(start + 1s, 10));
}

TEST_CASE("asking for no permits takes none and is granted unless permits are owed",
          "[rate_limiter][weight]") {
  gcra spaced{{.interval = 100ms, .burst = 1}};
  CHECK(spaced.take(start, 0));
  CHECK(spaced.take(start, 1));
  CHECK(spaced.take(start, 0));
  CHECK(spaced.available(start) == 0);
}

TEST_CASE("what is available is what can be taken", "[rate_limiter][snapshot]") {
  gcra spaced{{.interval = 100ms, .burst = 4}};
  token_bucket bucket{{.burst = 4, .refill = gabion::per_second(10)}};
  sliding_window_limiter window{{.limit = 4, .window = 1s}};
  CHECK(spaced.available(start) == 4);
  CHECK(bucket.available(start) == 4);
  CHECK(window.available(start) == 4);
  REQUIRE(spaced.take(start, 3));
  REQUIRE(bucket.take(start, 3));
  REQUIRE(window.take(start, 3));
  CHECK(spaced.available(start + 99ms) == 1);
  CHECK(spaced.available(start + 100ms) == 2);
  CHECK(bucket.available(start + 99ms) == 1);
  CHECK(bucket.available(start + 100ms) == 2);
  CHECK(window.available(start + 1100ms - 1ns) == 1);
  CHECK(window.available(start + 1100ms) == 4);
  REQUIRE(spaced.reserve(start, for_ever, 4));
  REQUIRE(bucket.reserve(start, for_ever, 4));
  CHECK(spaced.available(start) == 0);
  CHECK(bucket.available(start) == 0);
  CHECK(spaced.refill_time() == 400ms);
  CHECK(bucket.refill_time() == 400ms);
  CHECK(window.refill_time() == 1100ms);
}

TEST_CASE("a sliding window counts a permit until its slice is a window old and not longer",
          "[rate_limiter][window]") {
  sliding_window_limiter window{{.limit = 2, .window = 1s, .slices = 10}};
  REQUIRE(window.take(start + 30ms));
  REQUIRE(window.take(start + 250ms));
  CHECK(window.take(start + 260ms) == rate_admission::no(1100ms - 260ms));
  CHECK_FALSE(window.take(start + 1100ms - 1ns));
  CHECK(window.take(start + 1100ms));
  CHECK(window.take(start + 1100ms) == rate_admission::no(200ms));
  CHECK(window.take(start + 1300ms));
  CHECK(admitted(window, start + 100h, 5) == 2);
}

TEST_CASE("a window that its slices do not divide is rounded up", "[rate_limiter][window]") {
  sliding_window_limiter window{{.limit = 1, .window = 10ns, .slices = 3}};
  REQUIRE(window.take(instant{0ns}));
  CHECK(window.take(instant{0ns}) == rate_admission::no(16ns));
  CHECK_FALSE(window.take(instant{15ns}));
  CHECK(window.take(instant{16ns}));
}

TEST_CASE("a cancelled reservation is given back if nobody has taken since and spent otherwise",
          "[rate_limiter][reserve]") {
  gcra spaced{{.interval = 1s}};
  token_bucket bucket{{.burst = 1, .refill = gabion::per_second(1)}};
  const auto check = [](auto& limiter) {
    REQUIRE(limiter.take(start));
    const auto first = limiter.reserve(start, 10s);
    REQUIRE(first.at == start + 1s);
    CHECK(limiter.cancel(first));
    const auto again = limiter.reserve(start, 10s);
    CHECK(again.at == start + 1s);
    const auto behind = limiter.reserve(start, 10s);
    CHECK(behind.at == start + 2s);
    CHECK_FALSE(limiter.cancel(again));
    CHECK(limiter.take(start).retry_after == 3s);
    CHECK(limiter.cancel(behind));
    CHECK(limiter.take(start).retry_after == 2s);
    const auto refused = limiter.reserve(start, 0s);
    CHECK_FALSE(limiter.cancel(refused));
    CHECK(limiter.take(start).retry_after == 2s);
    CHECK(limiter.cancel(again));
    CHECK(limiter.take(start).retry_after == 1s);
  };
  token_bucket under_lock{{.burst = 1, .refill = gabion::per_second(1)}};
  under_lock.reconfigure(under_lock.options(), start - 1h);
  check(spaced);
  check(bucket);
  check(under_lock);
}

TEST_CASE("sixty per minute means what the algorithm says", "[rate_limiter][presets]") {
  using namespace gabion::presets;
  gcra evenly{gcra_of(per_minute(60))};
  token_bucket bursting{token_bucket_of(per_minute(60))};
  sliding_window_limiter strict{sliding_window_of(per_minute(60))};
  CHECK(admitted(evenly, start, 100) == 1);
  CHECK(admitted(bursting, start, 100) == 60);
  CHECK(admitted(strict, start, 100) == 60);
  CHECK(admitted(evenly, start + 30s, 100) == 1);
  CHECK(admitted(bursting, start + 30s, 100) == 30);
  CHECK(admitted(strict, start + 30s, 100) == 0);
  static_assert(gcra_of(per_minute(60)).interval == 1s);
  static_assert(gcra_of(gabion::per_second(3)).interval == 333'333'334ns);
  static_assert(gabion::per_hour(5) == gabion::rate{5, 1h} &&
                gabion::per_day(5) == gabion::rate{5, 24h});
}

namespace {

template <class Limiter>
void calls_are_limited(Limiter& limiter, duration wait) {
  gabion::testing::manual_time time;
  CHECK(limiter.call([] { return 7; }, time.clock()) == 7);
  bool called = false;
  CHECK(limiter.call([&] { return called = true, std::error_code{}; }, time.clock()) ==
        errc::rate_limited);
  duration stated{};
  try {
    limiter.call([&] { called = true; }, time.clock());
  } catch (const gabion::refused_error& e) {
    CHECK(e.code() == errc::rate_limited);
    stated = e.retry_after();
  }
  CHECK(stated == wait);
  CHECK_FALSE(called);
  time.advance(wait);
  CHECK_THROWS_AS(limiter.call([]() -> int { throw std::runtime_error{"mine"}; }, time.clock()),
                  std::runtime_error);
}

template <class Limiter>
void runs_are_limited(Limiter& limiter, duration wait) {
  call_context context;
  gabion::call_outcome outcome;
  const auto now = [] { return start; };
  typename Limiter::run first{limiter};
  CHECK(first.enter(context, now).what == kind::pass);
  CHECK(first.leave(outcome, context, now).what == gabion::exit_step::kind::up);
  typename Limiter::run second{limiter};
  CHECK(second.enter(context, now).why == gabion::refusal{errc::rate_limited, wait});
}

}  // namespace

TEST_CASE("call and run let through what the limiter grants and say how long to wait",
          "[rate_limiter][call]") {
  gcra spaced{{.interval = 1s}};
  token_bucket bucket{{.burst = 1, .refill = gabion::per_second(1)}};
  sliding_window_limiter window{{.limit = 1, .window = 1s}};
  calls_are_limited(spaced, 1s);
  calls_are_limited(bucket, 1s);
  calls_are_limited(window, 1100ms);
  gcra spaced_too{{.interval = 1s}};
  token_bucket bucket_too{{.burst = 1, .refill = gabion::per_second(1)}};
  sliding_window_limiter window_too{{.limit = 1, .window = 1s}};
  runs_are_limited(spaced_too, 1s);
  runs_are_limited(bucket_too, 1s);
  runs_are_limited(window_too, 1100ms);
  gcra real;
  CHECK(real.call([] { return 3; }) == 3);
}

namespace {

/// A limiter whose answer has to be fetched and cannot be.
struct out_of_reach {
  rate_admission take(instant, std::uint32_t) { throw std::runtime_error{"no connection"}; }
  gabion::rate_reservation reserve(instant, duration, std::uint32_t) {
    throw std::runtime_error{"no connection"};
  }
  bool cancel(const gabion::rate_reservation&) { throw std::runtime_error{"no connection"}; }
};

}  // namespace

TEST_CASE("a limiter that throws has given no permit to a pipeline", "[rate_limiter][run]") {
  out_of_reach limiter;
  call_context context;
  const auto now = [] { return start; };
  gabion::detail::rate_run<out_of_reach> run{limiter};
  CHECK(run.enter(context, now).why == gabion::refusal{errc::overloaded, 0ns});
  paced<out_of_reach>::run waiting{paced{limiter, 1s}};
  CHECK(waiting.enter(context, now).why == gabion::refusal{errc::overloaded, 0ns});
}

TEST_CASE("options of each limiter on both sides of their bounds", "[rate_limiter][options]") {
  CHECK(valid(gcra_options{.interval = 1ns, .burst = (std::numeric_limits<std::uint32_t>::max)()}));
  CHECK_FALSE(valid(gcra_options{.burst = 0}));
  CHECK_FALSE(valid(gcra_options{.interval = 0ns}));
  CHECK(valid(gcra_options{.interval = 24h * 36'600, .burst = 1}));
  CHECK_FALSE(valid(gcra_options{.interval = 24h * 36'600 + 1ns, .burst = 1}));
  CHECK_FALSE(valid(gcra_options{.interval = 24h, .burst = 36'601}));
  CHECK(complaint([] { gcra{{.burst = 0}}; }) ==
        "gcra_options.burst is 0; allowed: at least 1: invalid argument");
  CHECK(complaint([] { gcra{{.interval = -1ns}}; }) ==
        "gcra_options.interval is -1 ns; allowed: more than 0 ns, and burst * interval at most 100 "
        "years: invalid argument");
  CHECK(complaint([] { gcra{{.interval = 24h, .burst = 36'601}}; })
            .find("is 86400000000000 ns; allowed: more than 0 ns, and burst * interval at most 100 "
                  "years") != std::string::npos);

  CHECK(valid(token_bucket_options{.burst = 2'147'483'648, .refill = {1, 24h * 366}}));
  CHECK(valid(token_bucket_options{.burst = 1, .refill = {1'000'000'000, 1ns}}));
  CHECK_FALSE(valid(token_bucket_options{.burst = 0}));
  CHECK_FALSE(valid(token_bucket_options{.burst = 2'147'483'649}));
  CHECK_FALSE(valid(token_bucket_options{.refill = {0, 1s}}));
  CHECK_FALSE(valid(token_bucket_options{.refill = {1'000'000'001, 1s}}));
  CHECK_FALSE(valid(token_bucket_options{.refill = {1, 0ns}}));
  CHECK_FALSE(valid(token_bucket_options{.refill = {1, 24h * 366 + 1ns}}));
  CHECK(complaint([] { token_bucket{{.burst = 0}}; }) ==
        "token_bucket_options.burst is 0; allowed: 1 to 2147483648: invalid argument");
  CHECK(complaint([] { token_bucket{{.refill = {0, 1s}}}; }) ==
        "token_bucket_options.refill.permits is 0; allowed: 1 to 1000000000: invalid argument");
  CHECK(complaint([] {
          token_bucket{{.refill = {1, -1s}}};
        }).find("token_bucket_options.refill.per is -1000000000 ns") == 0);
  CHECK(complaint([] { token_bucket{{.refill = {1, 24h * 367}}}; })
            .find("token_bucket_options.refill.per is 31708800000000000 ns; allowed: 1 ns to 366 "
                  "days") == 0);

  CHECK(valid(sliding_window_options{.limit = 1, .window = 1000ns, .slices = 1000}));
  CHECK_FALSE(valid(sliding_window_options{.limit = 0}));
  CHECK_FALSE(valid(sliding_window_options{.window = 9ns, .slices = 10}));
  CHECK_FALSE(valid(sliding_window_options{.window = 24h * 366 + 1ns}));
  CHECK_FALSE(valid(sliding_window_options{.slices = 0}));
  CHECK_FALSE(valid(sliding_window_options{.slices = 1001}));
  CHECK(complaint([] { sliding_window_limiter{{.limit = 0}}; }) ==
        "sliding_window_options.limit is 0; allowed: at least 1: invalid argument");
  CHECK(complaint([] { sliding_window_limiter{{.slices = 1001}}; }) ==
        "sliding_window_options.slices is 1001; allowed: 1 to 1000: invalid argument");
  CHECK(complaint([] { sliding_window_limiter{{.window = 9ns}}; }) ==
        "sliding_window_options.window is 9 ns; allowed: 1 ns for each slice to 366 days: invalid "
        "argument");
  CHECK(complaint([] { sliding_window_limiter{{.window = 24h * 367}}; })
            .find("sliding_window_options.window is 31708800000000000 ns; allowed: 1 ns for each "
                  "slice to 366 days") == 0);

  gcra limiter;
  CHECK(complaint([&] { paced{limiter, 0ns}; }) ==
        "paced.max_wait is 0 ns; allowed: more than 0 ns: invalid argument");
  CHECK(paced{limiter, 1ns}.max_wait() == 1ns);
}

TEST_CASE("the ends of the range neither overflow nor give anything away",
          "[rate_limiter][overflow]") {
  constexpr instant first = (instant::min)();
  constexpr instant last = (instant::max)();
  gcra spaced{{.interval = 24h, .burst = 100}};
  CHECK(admitted(spaced, first, 200) == 100);
  CHECK(admitted(spaced, first + 24h, 200) == 1);
  CHECK(spaced.take(last - 100 * 24h, 100));
  CHECK_FALSE(spaced.take(last - 1ns, 100));
  CHECK_FALSE(spaced.take(last));
  CHECK_FALSE(spaced.reserve(last, for_ever));
  CHECK_FALSE(spaced.take(first));

  token_bucket slow{{.burst = 2'147'483'648, .refill = gabion::per_day(1)}};
  CHECK(slow.take(first, 2'147'483'648));
  CHECK(slow.take(first, 1).retry_after == 24h);
  CHECK(slow.take(first, 2'147'483'648).retry_after == for_ever);
  CHECK(slow.available(last) == 213'503);
  CHECK(slow.take(last, 213'503));
  CHECK_FALSE(slow.take(last));
  const auto ahead = slow.reserve(last, for_ever, 1);
  CHECK(ahead.at == last);

  token_bucket early{{.burst = 3, .refill = gabion::per_second(1)}};
  CHECK(early.available(instant{-1h}) == 3);
  CHECK(admitted(early, instant{-1h}, 5) == 3);
  CHECK(admitted(early, instant{1h}, 5) == 3);

  token_bucket fast{{.burst = 2'147'483'648, .refill = {1, 1ns}}};
  CHECK(fast.take(start, 2'147'483'648));
  CHECK(fast.take(start, 2'147'483'648).retry_after == 2'147'483'648ns);
  CHECK(fast.take(start + 1ns, 1));
  CHECK_FALSE(fast.take(start + 1ns, 1));
  CHECK(fast.take(last, 2'147'483'648));

  sliding_window_limiter window{
      {.limit = (std::numeric_limits<std::uint32_t>::max)(), .window = 24h * 366, .slices = 1000}};
  CHECK(window.take(first, (std::numeric_limits<std::uint32_t>::max)()));
  CHECK_FALSE(window.take(first + 24h * 300));
  CHECK(window.take(last, 5));
  CHECK(window.take(last, (std::numeric_limits<std::uint32_t>::max)()).retry_after >= 24h * 366);
}

TEST_CASE("a clock that goes back gives nothing away and lets nobody wait longer than it went",
          "[rate_limiter][clock]") {
  gcra spaced{{.interval = 100ms, .burst = 3}};
  token_bucket bucket{{.burst = 3, .refill = gabion::per_second(10)}};
  sliding_window_limiter window{{.limit = 3, .window = 300ms, .slices = 3}};
  CHECK(admitted(spaced, start, 5) == 3);
  CHECK(admitted(bucket, start, 5) == 3);
  CHECK(admitted(window, start, 5) == 3);
  for (const duration back : {duration{1ns}, duration{1s}, duration{1h}}) {
    CHECK(spaced.take(start - back) == rate_admission::no(back + 100ms));
    CHECK(bucket.take(start - back) == rate_admission::no(back + 100ms));
    CHECK(window.take(start - back) == rate_admission::no(back + 400ms));
  }
  CHECK(admitted(spaced, start + 100ms, 5) == 1);
  CHECK(admitted(bucket, start + 100ms, 5) == 1);
}
