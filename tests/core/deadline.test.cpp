// SPDX-License-Identifier: MIT
#include <chrono>

#include <gabion/core/deadline.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::deadline;
using gabion::duration;
using gabion::instant;

namespace {

constexpr instant last = (instant::max)();
constexpr instant first = (instant::min)();
constexpr duration longest = (duration::max)();
constexpr duration most_negative = (duration::min)();

static_assert(gabion::saturating_add(last, 1ns) == last);
static_assert(gabion::saturating_add(first, -1ns) == first);
static_assert(gabion::saturating_add(instant{5ns}, longest) == last);
static_assert(gabion::saturating_add(instant{-5ns}, longest) < last);
static_assert(gabion::elapsed(first, last) == longest);
static_assert(gabion::elapsed(last, first) == 0ns);
static_assert(deadline::never() == deadline{});

/// The same sum in more bits than can overflow.
[[nodiscard]] duration exact_sum(duration a, duration b) {
  __extension__ using wide = __int128;
  const wide sum = wide{a.count()} + wide{b.count()};
  if (sum > wide{longest.count()}) return longest;
  if (sum < wide{most_negative.count()}) return most_negative;
  return duration{static_cast<duration::rep>(sum)};
}

/// Any duration, with the ends and small numbers as likely as the rest.
[[nodiscard]] duration any_duration(gabion::xoshiro256& random) {
  const auto near = static_cast<duration::rep>(gabion::uniform(random, 4));
  switch (gabion::uniform(random, 4)) {
    case 0: return longest - duration{near};
    case 1: return most_negative + duration{near};
    case 2: return duration{near - 2};
    default: return duration{static_cast<duration::rep>(random())};
  }
}

}  // namespace

TEST_CASE("time arithmetic stops at the ends of its range", "[core][deadline]") {
  gabion::xoshiro256 random{20};
  for (int i = 0; i < 100'000; ++i) {
    const duration a = any_duration(random);
    const duration b = any_duration(random);
    CAPTURE(a.count(), b.count());
    REQUIRE(gabion::saturating_add(a, b) == exact_sum(a, b));
    REQUIRE(gabion::saturating_add(instant{a}, b) == instant{exact_sum(a, b)});
    const duration between = gabion::elapsed(instant{a}, instant{b});
    REQUIRE(between >= 0ns);
    if (a >= b) REQUIRE(between == 0ns);
    if (a < b && between != longest) REQUIRE(a + between == b);
  }
}

TEST_CASE("a deadline expires at its moment and not before", "[core][deadline]") {
  gabion::testing::manual_time time;
  const deadline until = deadline::in(time.clock(), 10ms);
  CHECK(until.remaining(time.now()) == 10ms);
  time.advance(10ms - 1ns);
  CHECK_FALSE(until.expired(time.now()));
  CHECK(until.remaining(time.now()) == 1ns);
  time.advance(1ns);
  CHECK(until.expired(time.now()));
  CHECK(until.remaining(time.now()) == 0ns);
  time.advance(1h);
  CHECK(until.expired(time.now()));
  CHECK(until.remaining(time.now()) == 0ns);
}

TEST_CASE("never is never reached", "[core][deadline]") {
  CHECK_FALSE(deadline::never().expired(last));
  CHECK(deadline::never().remaining(last) == longest);
  CHECK(deadline::never().is_never());
  CHECK(deadline::at(last).is_never());
  // for ever from now is for ever, even before the clock's own zero
  CHECK(deadline::after(instant{-5ns}, longest).is_never());
  CHECK(deadline::after(instant{5ns}, longest).is_never());
  CHECK(deadline::after(last - 1ns, 2ns).is_never());
}

TEST_CASE("a deadline with no time is expired at once", "[core][deadline]") {
  const instant now{1s};
  CHECK(deadline::after(now, 0ns).expired(now));
  CHECK(deadline::after(now, -1s).expired(now));
  CHECK(deadline::after(now, most_negative).expired(now));
  CHECK(deadline::after(now, most_negative).remaining(now) == 0ns);
}

TEST_CASE("what remains is never negative when the clock goes back", "[core][deadline]") {
  const deadline until = deadline::at(instant{10ms});
  CHECK(until.remaining(instant{-10ms}) == 20ms);
  CHECK(until.remaining(first) == longest);
}

TEST_CASE("the earlier of two deadlines counts", "[core][deadline]") {
  const deadline soon = deadline::at(instant{1s});
  const deadline late = deadline::at(instant{2s});
  CHECK((gabion::min)(soon, late) == soon);
  CHECK((gabion::min)(late, soon) == soon);
  CHECK((gabion::min)(deadline::never(), late) == late);
  CHECK((gabion::min)(deadline::never(), deadline::never()).is_never());
}

TEST_CASE("the manual clock moves only when it is told to", "[testing][clock]") {
  gabion::testing::manual_time time;
  const auto steady = time.clock();
  const auto wall = time.wall();
  const instant start = steady.now();
  const gabion::wall_time wall_start = wall.now();
  CHECK(steady.now() == start);

  time.advance(1500ns);
  CHECK(steady.now() == start + 1500ns);
  CHECK(wall.now() == wall_start + 1us);
  time.advance(500ns);
  CHECK(wall.now() == wall_start + 2us);

  time.step_wall(-1h);
  CHECK(steady.now() == start + 2us);
  CHECK(wall.now() == wall_start + 2us - 1h);
  time.set(gabion::wall_time{5s});
  CHECK(wall.now() == gabion::wall_time{5s});

  time.advance_to(start + 1s);
  CHECK(steady.now() == start + 1s);
  time.advance_to(start);
  CHECK(steady.now() == start + 1s);
}
