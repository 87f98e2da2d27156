// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/core/random.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>
#include <gabion/resilience/paced.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"
#include "support/complaint.hpp"

using namespace std::chrono_literals;
using gabion::duration;
using gabion::errc;
using gabion::instant;
using gabion::keyed_overflow;
using gabion::keyed_rate_limiter_options;
using gabion::rate_admission;
using by_name = gabion::keyed_rate_limiter<std::string>;
using by_number = gabion::keyed_rate_limiter<int, gabion::token_bucket>;

static_assert(gabion::explain_policy<by_name::view>() &&
              gabion::explain_reserving_rate_limiter<by_name::view>());
using windowed = gabion::keyed_rate_limiter<int, gabion::sliding_window_limiter>;
using gabion_test::complaint;
static_assert(gabion::rate_limiter<windowed::view> &&
              !gabion::reserving_rate_limiter<windowed::view>);

namespace {

constexpr instant start{1h};

/// The least that hashes keys of its own.
struct point {
  int x = 0;
  int y = 0;
  friend bool operator==(point, point) = default;
};
struct point_hash {
  std::uint64_t operator()(point p) const noexcept {
    return static_cast<std::uint64_t>(p.x * 31 + p.y);
  }
};
static_assert(gabion::explain_key_hasher<point_hash, point>() &&
              !gabion::key_hasher<gabion::key_hash, point>);
static_assert(gabion::explain_key_hasher<gabion::key_hash, std::string>() &&
              gabion::explain_key_hasher<gabion::key_hash, int>());

}  // namespace

TEST_CASE("each key has a limiter of its own", "[keyed_rate_limiter][keys]") {
  by_name limiter{{.interval = 1s, .burst = 2}};
  CHECK(limiter.take("ann", start, 2));
  CHECK(limiter.take(std::string_view{"ann"}, start) == rate_admission::no(1s));
  CHECK(limiter.take(std::string{"bob"}, start));
  CHECK(limiter.take("bob", start));
  CHECK_FALSE(limiter.take("bob", start));
  CHECK(limiter.snapshot().keys == 2);
  CHECK(limiter.forget("ann"));
  CHECK_FALSE(limiter.forget("ann"));
  CHECK(limiter.take("ann", start, 2));
}

TEST_CASE("a key is forgotten as soon as its limiter is full again and that changes nothing",
          "[keyed_rate_limiter][idle]") {
  by_name limiter{{.interval = 1s, .burst = 3}, {.keys = 8, .shards = 1}};
  REQUIRE(limiter.take("ann", start, 3));
  CHECK(limiter.take("bob", start + 3s - 1ns));
  CHECK(limiter.snapshot().keys == 2);
  CHECK(limiter.take("bob", start + 3s));
  CHECK(limiter.snapshot().keys == 1);
  CHECK(limiter.take("ann", start + 3s, 3));
  CHECK(limiter.snapshot().evicted == 0);
  CHECK(limiter.expire(start + 6s - 1ns) == 0);
  CHECK(limiter.expire(start + 6s) == 2);
}

TEST_CASE(
    "a key is kept for the idle time that is asked for but never shorter than its limiter needs",
    "[keyed_rate_limiter][idle]") {
  by_name longer{{.interval = 1s, .burst = 3}, {.keys = 8, .shards = 1, .idle_for = 10s}};
  REQUIRE(longer.take("ann", start));
  CHECK(longer.expire(start + 10s - 1ns) == 0);
  CHECK(longer.expire(start + 10s) == 1);
  by_name shorter{{.interval = 1s, .burst = 3}, {.keys = 8, .shards = 1, .idle_for = 1ns}};
  REQUIRE(shorter.take("ann", start));
  CHECK(shorter.expire(start + 3s - 1ns) == 0);
  CHECK(shorter.expire(start + 3s) == 1);
}

TEST_CASE("without room the key that was not asked for the longest time makes way",
          "[keyed_rate_limiter][eviction]") {
  by_number limiter{{.burst = 2, .refill = gabion::per_minute(1)}, {.keys = 2, .shards = 1}};
  REQUIRE(limiter.take(1, start, 2));
  REQUIRE(limiter.take(2, start, 2));
  CHECK_FALSE(limiter.take(1, start + 1s));
  REQUIRE(limiter.take(3, start + 2s));
  CHECK(limiter.snapshot().evicted == 1);
  CHECK_FALSE(limiter.take(1, start + 2s));
  // forgotten, so it begins anew: that is one full burst and no more
  CHECK(limiter.take(2, start + 2s, 2));
  CHECK_FALSE(limiter.take(2, start + 2s));
  CHECK(limiter.snapshot().keys == 2);
}

TEST_CASE("where new keys are refused nobody gains anything and the wait says when there is room",
          "[keyed_rate_limiter][eviction]") {
  by_number limiter{{.burst = 2, .refill = gabion::per_second(1)},
                    {.keys = 2, .shards = 1, .overflow = keyed_overflow::refuse}};
  REQUIRE(limiter.take(1, start, 2));
  REQUIRE(limiter.take(2, start + 500ms));
  CHECK(limiter.take(3, start + 1s) == rate_admission::no(1s));
  CHECK_FALSE(limiter.reserve(3, start + 1s, 1h));
  CHECK(limiter.snapshot().turned_away == 2);
  CHECK_FALSE(limiter.take(3, start + 2s - 1ns));
  CHECK(limiter.take(3, start + 2s));
  CHECK(limiter.take(2, start + 2s));
  CHECK(limiter.snapshot().evicted == 0);
}

TEST_CASE("a reservation of a key is its limiter's and can be cancelled while the key is known",
          "[keyed_rate_limiter][reserve]") {
  by_name limiter{{.interval = 1s}, {.keys = 4, .shards = 1}};
  REQUIRE(limiter.take("ann", start));
  const auto first = limiter.reserve("ann", start, 10s);
  CHECK(first.at == start + 1s);
  CHECK(limiter.cancel("ann", first));
  const auto again = limiter.reserve("ann", start, 10s);
  CHECK(again.at == start + 1s);
  CHECK_FALSE(limiter.cancel("bob", again));
  limiter.forget("ann");
  CHECK_FALSE(limiter.cancel("ann", again));
}

TEST_CASE("a key that owes what it has reserved is not forgotten before that is paid back",
          "[keyed_rate_limiter][reserve]") {
  const auto check = [](auto& limiter) {
    for (int i = 0; i < 10; ++i) REQUIRE(limiter.reserve(1, start, 1h));
    CHECK(limiter.expire(start + 1s) == 0);
    CHECK(limiter.take(1, start + 1s) == rate_admission::no(9s));
    CHECK(limiter.take(2, start + 2s));
    CHECK(limiter.expire(start + 10s - 1ns) == 1);
    CHECK(limiter.expire(start + 10s) == 1);
    CHECK(limiter.take(1, start + 10s));
  };
  by_name::limiter_options each{.interval = 1s};
  gabion::keyed_rate_limiter<int> spaced{each, {.shards = 1}};
  check(spaced);
  by_number bucket{{.burst = 1, .refill = gabion::per_second(1)}, {.shards = 1}};
  check(bucket);
}

TEST_CASE("the view of a key is a limiter and a policy", "[keyed_rate_limiter][view]") {
  gabion::testing::manual_time time;
  by_name limiter{{.interval = 1s}};
  auto ann = limiter.of("ann");
  CHECK(ann.key() == "ann");
  CHECK(ann.call([] { return 5; }, time.clock()) == 5);
  CHECK(ann.call([] { return std::error_code{}; }, time.clock()) == errc::rate_limited);
  gabion::call_context context;
  const auto now = [&] { return time.now(); };
  by_name::view::run run{ann};
  CHECK(run.enter(context, now).why == gabion::refusal{errc::rate_limited, 1s});
  gabion::paced waiting{ann, 5s};
  decltype(waiting)::run paced_run{waiting};
  CHECK(paced_run.enter(context, now).until == time.now() + 1s);
  CHECK(limiter.take("bob", time.now()));
}

TEST_CASE("keys of a type of one's own take a hash of one's own", "[keyed_rate_limiter][hash]") {
  gabion::keyed_rate_limiter<point, gabion::gcra, point_hash> limiter{{.interval = 1s}};
  CHECK(limiter.take(point{1, 2}, start));
  CHECK_FALSE(limiter.take(point{1, 2}, start));
  CHECK(limiter.take(point{0, 33}, start));
}

TEST_CASE("places are spread over the shards and rounded up", "[keyed_rate_limiter][options]") {
  by_number limiter{{}, {.keys = 100, .shards = 5}};
  CHECK(limiter.snapshot().capacity == 104);
  for (int key = 0; key < 10'000; ++key) static_cast<void>(limiter.take(key, start));
  CHECK(limiter.snapshot().keys == 104);
  CHECK(limiter.snapshot().evicted == 10'000 - 104);
  by_number one{{}, {.keys = 1, .shards = 1}};
  CHECK(one.snapshot().capacity == 1);
}

TEST_CASE("options of the keyed limiter on both sides of their bounds",
          "[keyed_rate_limiter][options]") {
  CHECK(valid(keyed_rate_limiter_options{.keys = 16'777'216, .shards = 1024}));
  CHECK_FALSE(valid(keyed_rate_limiter_options{.keys = 0}));
  CHECK_FALSE(valid(keyed_rate_limiter_options{.keys = 16'777'217}));
  CHECK_FALSE(valid(keyed_rate_limiter_options{.shards = 0}));
  CHECK_FALSE(valid(keyed_rate_limiter_options{.shards = 1025}));
  CHECK_FALSE(valid(keyed_rate_limiter_options{.idle_for = -1ns}));
  CHECK(complaint([] { by_name{{}, {.keys = 0}}; }) ==
        "keyed_rate_limiter_options.keys is 0; allowed: 1 to 16777216: invalid argument");
  CHECK(complaint([] { by_name{{}, {.shards = 1025}}; }) ==
        "keyed_rate_limiter_options.shards is 1025; allowed: 1 to 1024: invalid argument");
  CHECK(complaint([] { by_name{{}, {.idle_for = -1ns}}; }) ==
        "keyed_rate_limiter_options.idle_for is -1 ns; allowed: 0 ns or more: invalid argument");
  CHECK(complaint([] { by_name{{.burst = 0}}; }) ==
        "gcra_options.burst is 0; allowed: at least 1: invalid argument");
  CHECK(to_string(keyed_overflow::evict) == "evict");
  CHECK(to_string(keyed_overflow::refuse) == "refuse");
}

TEST_CASE("with room enough each key is given what a limiter of its own gives",
          "[keyed_rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    gabion::xoshiro256 random{seed};
    gabion::keyed_rate_limiter<int> limiter{
        {.interval = 10ms, .burst = 3}, {.keys = 64, .shards = 4}, gabion::key_hash{seed}};
    std::map<int, gabion::gcra> own;
    instant now = start;
    for (int step = 0; step < 500; ++step) {
      now += duration{static_cast<duration::rep>(gabion::uniform(random, 5'000'000))};
      const int key = static_cast<int>(gabion::uniform(random, 16));
      const auto n =
          static_cast<std::uint32_t>(gabion::uniform(random, std::uint64_t{1}, std::uint64_t{3}));
      auto& mine =
          own.try_emplace(key, gabion::gcra_options{.interval = 10ms, .burst = 3}).first->second;
      REQUIRE(limiter.take(key, now, n) == mine.take(now, n));
    }
    REQUIRE(limiter.snapshot().evicted == 0);
  }
}
