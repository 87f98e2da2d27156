// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gabion/resilience/adaptive_throttle.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::adaptive_throttle;
using gabion::adaptive_throttle_options;
using gabion::basic_adaptive_throttle;
using gabion::shared_random;
using gabion::throttle_counts;

namespace {

/// Lets them all in before the first one ends, so that none is rejected.
void settle(adaptive_throttle& t, int successes, int failures, instant now = start) {
  std::vector<adaptive_throttle::permit> held;
  for (int i = 0; i < successes + failures; ++i)
    held.push_back(std::move(t.try_acquire(now)).permit());
  for (int i = 0; i < successes + failures; ++i)
    held[static_cast<std::size_t>(i)].settle(i < successes ? verdict::success : verdict::failure,
                                             now);
}

/// Asks until it is rejected; returns how many were let through before, and abandoned.
int until_rejected(adaptive_throttle& t) {
  for (int n = 0;; ++n)
    if (!t.try_acquire(start)) return n;
}

/// The chance, with one denominator for all.
template <class Throttle>
bool chance_is(const Throttle& t, std::uint64_t part, std::uint64_t of, instant now = start) {
  const auto s = t.snapshot(now);
  return s.reject_part * of == part * s.reject_of;
}

}  // namespace

TEST_CASE("case 78: with 90 of 120 accepted and 90 percent wanted 20 of 121 are rejected",
          "[throttle]") {
  const adaptive_throttle_options o{.counts = throttle_counts::executed,
                                    .accepted_percent = 90,
                                    .max_reject_percent = 80,
                                    .minimum_requests = 100};
  adaptive_throttle t{o};
  settle(t, 90, 30);
  CHECK(chance_is(t, 20, 121));
}

TEST_CASE("case 78: no more than 80 percent are rejected and none below the floor of executions",
          "[throttle]") {
  const adaptive_throttle_options o{.counts = throttle_counts::executed,
                                    .accepted_percent = 90,
                                    .max_reject_percent = 80,
                                    .minimum_requests = 100};
  adaptive_throttle t{o};
  settle(t, 0, 99);
  CHECK(chance_is(t, 0, 1));
  settle(t, 0, 1);
  CHECK(chance_is(t, 80, 100));
}

TEST_CASE("the book's formula counts what was rejected here as requests", "[throttle]") {
  adaptive_throttle t{{.max_reject_percent = 100, .minimum_requests = 0}};
  settle(t, 1, 0);
  CHECK(chance_is(t, 0, 1));
  settle(t, 0, 1);  // 1 accepted of 2: requests = k x accepts
  CHECK(chance_is(t, 0, 1));
  settle(t, 0, 1);  // 1 of 3
  CHECK(chance_is(t, 1, 4));
  const int let_through = until_rejected(t);
  CHECK(chance_is(t, 2, 5));
  const auto s = t.snapshot(start);
  CHECK(s.requests == 4);
  CHECK(s.accepts == 1);
  CHECK(s.admitted == 3 + static_cast<std::uint64_t>(let_through));
  CHECK(s.rejected == 1);
}

TEST_CASE("counting only what was executed a rejection changes nothing", "[throttle]") {
  adaptive_throttle t{
      {.counts = throttle_counts::executed, .max_reject_percent = 100, .minimum_requests = 0}};
  settle(t, 0, 2);
  CHECK(chance_is(t, 2, 3));
  until_rejected(t);
  CHECK(chance_is(t, 2, 3));
  CHECK(t.snapshot(start).rejected == 1);
}

TEST_CASE("a rejection says overloaded and knows of no time", "[throttle]") {
  adaptive_throttle t{{.max_reject_percent = 100, .minimum_requests = 0}};
  settle(t, 0, 10);
  auto refused = t.try_acquire(start);
  while (refused) refused = t.try_acquire(start);
  CHECK(refused.why() == refusal{errc::overloaded, 0s});
  CHECK_FALSE(refused.permit());
}

TEST_CASE("calls in flight and ignored and cancelled and abandoned ones are no requests",
          "[throttle]") {
  adaptive_throttle t{{.minimum_requests = 0}};
  auto in_flight = t.try_acquire(start);
  t.try_acquire(start)->ignore();
  t.try_acquire(start)->settle(verdict::ignored, start);
  t.try_acquire(start)->settle(verdict::cancelled, start);
  static_cast<void>(t.try_acquire(start));
  CHECK(t.snapshot(start).requests == 0);
  in_flight->success(start);
  in_flight->failure(start);
  CHECK(t.snapshot(start).requests == 1);
  CHECK(t.snapshot(start).accepts == 1);
}

TEST_CASE("a higher priority is throttled later", "[throttle][priority]") {
  const auto rejected_of = [](call_priority p) {
    basic_adaptive_throttle<shared_random> t{{.priority_step = 50}, shared_random{3}};
    for (int i = 0; i < 60; ++i) {
      auto entry = t.try_acquire(start, call_priority::critical);
      if (entry) entry->settle(i % 20 < 9 ? verdict::success : verdict::failure, start);
    }
    int rejected = 0;
    for (int i = 0; i < 1000; ++i)
      if (auto entry = t.try_acquire(start, p); !entry)
        ++rejected;
      else
        entry->settle(i % 20 < 9 ? verdict::success : verdict::failure, start);
    return rejected;
  };
  CHECK(rejected_of(call_priority::background) > rejected_of(call_priority::low));
  CHECK(rejected_of(call_priority::low) > rejected_of(call_priority::normal));
  CHECK(rejected_of(call_priority::normal) > 20);
  CHECK(rejected_of(call_priority::high) < 10);
  CHECK(rejected_of(call_priority::critical) == 0);
}

TEST_CASE("the step of a priority is held at the range of what it moves", "[throttle][priority]") {
  using gabion::detail::ratio_for;
  constexpr adaptive_throttle_options k{.k_percent = 110, .priority_step = 20};
  CHECK(ratio_for(k, call_priority::background).weight == 100);
  CHECK(ratio_for(k, call_priority::normal).weight == 110);
  CHECK(ratio_for(k, call_priority::critical).weight == 150);
  constexpr adaptive_throttle_options rate{.accepted_percent = 90, .priority_step = 45};
  CHECK(ratio_for(rate, call_priority::low).base == 100);
  CHECK(ratio_for(rate, call_priority::high).base == 45);
  CHECK(ratio_for(rate, call_priority::critical).base == 1);
}

TEST_CASE("what is as old as the window no longer counts", "[throttle][window]") {
  adaptive_throttle t{{.window = 10s, .buckets = 10}};
  settle(t, 0, 1, start);
  settle(t, 1, 0, start + 1s);
  CHECK(t.snapshot(start + 10s - 1ns).requests == 2);
  CHECK(t.snapshot(start + 10s).requests == 1);
  CHECK(t.snapshot(start + 11s - 1ns).requests == 1);
  CHECK(t.snapshot(start + 11s).requests == 0);
  CHECK(t.snapshot(start + 24h).requests == 0);
  settle(t, 2, 0, start + 24h);
  CHECK(t.snapshot(start + 24h).requests == 2);
}

TEST_CASE("windows of any length and times to the end of time do not overflow",
          "[throttle][window]") {
  const auto buckets = GENERATE(1U, 2U, 64U);
  adaptive_throttle t{{.window = (duration::max)(), .buckets = buckets}};
  settle(t, 1, 1, instant{});
  settle(t, 1, 0, start);
  CHECK(t.snapshot(start).requests == 3);
  settle(t, 0, 1, (instant::max)());
  CHECK(t.snapshot((instant::max)()).requests == 1);
  CHECK(t.snapshot((instant::min)()).requests == 1);  // a clock that goes back loses nothing
}

TEST_CASE("a clock that goes back neither loses nor doubles a request", "[throttle][window]") {
  adaptive_throttle t{{.window = 10s, .buckets = 10}};
  settle(t, 3, 0, start + 5s);
  settle(t, 2, 0, start);
  CHECK(t.snapshot(start).requests == 5);
  CHECK(t.snapshot(start + 5s).requests == 5);
  CHECK(t.snapshot(start + 15s).requests == 0);
}

namespace {

/// The window and the formula, from a list of everything that happened.
struct naive_throttle {
  struct event {
    std::int64_t tick;
    bool accepted;
  };
  std::deque<event> events{};
  void sum(std::int64_t tick, std::int64_t buckets, std::uint64_t& requests,
           std::uint64_t& accepts) const {
    requests = accepts = 0;
    for (const event& e : events) {
      if (e.tick <= tick - buckets) continue;
      ++requests;
      accepts += e.accepted ? 1 : 0;
    }
  }
};

}  // namespace

TEST_CASE("the throttle does what a list of requests does", "[throttle][model]") {
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    gabion::xoshiro256 random{seed};
    const auto buckets = static_cast<std::uint32_t>(gabion::uniform(random, 1, 12));
    const adaptive_throttle_options o{
        .k_percent = static_cast<std::uint32_t>(gabion::uniform(random, 100, 300)),
        .max_reject_percent = static_cast<std::uint32_t>(gabion::uniform(random, 50, 100)),
        .minimum_requests = static_cast<std::uint32_t>(gabion::uniform(random, 0, 5)),
        .window = std::chrono::seconds{buckets},
        .buckets = buckets};
    basic_adaptive_throttle<gabion::xoshiro256> t{o, gabion::xoshiro256{seed}};
    naive_throttle naive;
    instant now = start;
    for (int i = 0; i < 100; ++i) {
      now += duration{static_cast<duration::rep>(
          gabion::uniform(random, gabion::uniform(random, 8) == 0 ? 5'000'000'000 : 300'000'000))};
      const std::int64_t tick = now.time_since_epoch() / 1s;
      auto entry = t.try_acquire(now);
      const bool accepted = gabion::uniform(random, 3) == 0;
      if (entry) entry->settle(accepted ? verdict::success : verdict::failure, now);
      naive.events.push_back({tick, entry && accepted});
      std::uint64_t requests = 0;
      std::uint64_t accepts = 0;
      naive.sum(tick, buckets, requests, accepts);
      const auto s = t.snapshot(now);
      REQUIRE(s.requests == requests);
      REQUIRE(s.accepts == accepts);
      double p =
          (static_cast<double>(requests) - o.k_percent / 100.0 * static_cast<double>(accepts)) /
          static_cast<double>(requests + 1);
      p = requests < o.minimum_requests || p < 0 ? 0
          : p > o.max_reject_percent / 100.0     ? o.max_reject_percent / 100.0
                                                 : p;
      REQUIRE(std::abs(static_cast<double>(s.reject_part) / static_cast<double>(s.reject_of) - p) <
              1e-9);
    }
  }
}

TEST_CASE("as many are rejected as the chance says and the same with the same seed",
          "[throttle][random]") {
  const auto rejected = [](auto random) {
    basic_adaptive_throttle<decltype(random)> t{
        {.counts = throttle_counts::executed, .accepted_percent = 90, .minimum_requests = 100},
        random};
    int all = 0;
    while (t.snapshot(start).requests < 120)  // until 90 of 120 are in
      if (auto entry = t.try_acquire(start, call_priority::critical))
        entry->settle(all++ % 4 != 3 ? verdict::success : verdict::failure, start);
    int n = 0;
    for (int i = 0; i < 121'000; ++i) n += t.try_acquire(start) ? 0 : 1;
    return n;
  };
  CHECK(rejected(shared_random{1}) == rejected(shared_random{1}));
  CHECK(std::abs(rejected(shared_random{1}) - 20'000) < 600);
  CHECK(rejected(gabion::xoshiro256{5}) == rejected(gabion::xoshiro256{5}));
  CHECK(std::abs(rejected(gabion::xoshiro256{5}) - 20'000) < 600);
}

TEST_CASE(
    "under a steady overload the other side is asked k times what it accepts as the book says",
    "[throttle][simulation]") {
  const auto k = GENERATE(110U, 150U, 200U, 300U);
  basic_adaptive_throttle<shared_random> t{
      {.k_percent = k, .max_reject_percent = 100, .window = 30s, .buckets = 30}, shared_random{9}};
  std::uint64_t executed = 0;
  std::uint64_t accepted = 0;
  for (int second = 0; second < 240; ++second) {
    int capacity = 100;  // of 1000 a second
    for (int i = 0; i < 1000; ++i) {
      const instant now = start + std::chrono::seconds{second} + i * 1ms;
      auto entry = t.try_acquire(now);
      if (!entry) continue;
      const bool ok = capacity-- > 0;
      entry->settle(ok ? verdict::success : verdict::failure, now);
      if (second < 120) continue;
      ++executed;
      accepted += ok ? 1 : 0;
    }
  }
  CHECK(accepted >= 120 * 95);
  CHECK(std::abs(static_cast<double>(executed) / static_cast<double>(accepted) - k / 100.0) < 0.06);
}

TEST_CASE("counting only what was executed the steady state is the root of arrivals times accepts",
          "[throttle][simulation]") {
  basic_adaptive_throttle<shared_random> t{
      {.counts = throttle_counts::executed, .accepted_percent = 90, .window = 30s, .buckets = 30},
      shared_random{9}};
  std::uint64_t executed = 0;
  for (int second = 0; second < 240; ++second) {
    int capacity = 100;
    for (int i = 0; i < 1000; ++i) {
      const instant now = start + std::chrono::seconds{second} + i * 1ms;
      auto entry = t.try_acquire(now);
      if (!entry) continue;
      entry->settle(capacity-- > 0 ? verdict::success : verdict::failure, now);
      if (second >= 120) ++executed;
    }
  }
  // executed = arrivals x (1 - p) and 1 - p = accepts / (0.9 x executed): 333 a second.
  CHECK(std::abs(static_cast<double>(executed) / 120 - std::sqrt(1000.0 * 100 / 0.9)) < 10);
}

TEST_CASE("after an outage the throttle lets go of its grip", "[throttle][simulation]") {
  adaptive_throttle t{{.window = 30s, .buckets = 30}, shared_random{4}};
  const auto run = [&](int from, int to, bool up) {
    int executed = 0;
    for (int i = from * 100; i < to * 100; ++i) {
      const instant now = start + i * 10ms;
      auto entry = t.try_acquire(now);
      if (!entry) continue;
      ++executed;
      entry->settle(up ? verdict::success : verdict::failure, now);
    }
    return executed;
  };
  CHECK(run(0, 60, true) == 6'000);
  run(60, 120, false);
  CHECK(run(120, 150, false) < 400);
  run(150, 330, true);  // each window lets about twice as many through as the one before
  CHECK(run(330, 340, true) == 1'000);
}

TEST_CASE("a pipeline run asks by priority and tells how it went", "[throttle][pipeline]") {
  adaptive_throttle t{
      {.k_percent = 100, .max_reject_percent = 100, .minimum_requests = 0, .priority_step = 1000}};
  call_context context{};
  errc last{};
  const auto pass = [&](call_outcome outcome) {
    adaptive_throttle::run run{t};
    const entry_step step = run.enter(context, standing{});
    if (step.what == entry_step::kind::pass)
      static_cast<void>(run.leave(outcome, context, standing{}));
    last = step.why.code;
    return step.what == entry_step::kind::pass;
  };
  pass({verdict::failure, refusal{errc::circuit_open}});
  pass({verdict::cancelled});
  CHECK(t.snapshot(start).requests == 0);
  pass({verdict::success});
  pass({verdict::failure, refusal{errc::timeout}, {}, true});
  CHECK(t.snapshot(start).requests == 2);
  CHECK(t.snapshot(start).accepts == 1);
  // k = 21: 20 requests to one accepted are not too many
  context.priority = call_priority::critical;
  for (int i = 0; i < 18; ++i) CHECK(pass({verdict::failure}));
  context.priority = call_priority::normal;
  while (pass({verdict::ignored})) {}
  CHECK(last == errc::overloaded);
  static_assert(gabion::policy<adaptive_throttle>);
}

TEST_CASE("each option of a throttle is checked at both bounds and named", "[throttle][options]") {
  const auto make = [](adaptive_throttle_options o) {
    const std::string text = complaint([&] { adaptive_throttle t{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(make({}).empty());
  CHECK(make({.k_percent = 100, .accepted_percent = 1, .max_reject_percent = 1, .priority_step = 0})
            .empty());
  CHECK(make({.k_percent = 10'000,
              .accepted_percent = 100,
              .max_reject_percent = 100,
              .priority_step = 1000})
            .empty());
  CHECK(make({.window = 64ms, .buckets = 64}).empty());
  CHECK(make({.k_percent = 99})
            .find("adaptive_throttle_options.k_percent is 99; allowed: 100 to 10000") == 0);
  CHECK(make({.k_percent = 10'001}).find("adaptive_throttle_options.k_percent is 10001") == 0);
  CHECK(make({.accepted_percent = 101})
            .find("adaptive_throttle_options.accepted_percent is 101; allowed: 0 to 100") == 0);
  CHECK(make({.max_reject_percent = 0})
            .find("adaptive_throttle_options.max_reject_percent is 0; allowed: 1 to 100") == 0);
  CHECK(make({.max_reject_percent = 101})
            .find("adaptive_throttle_options.max_reject_percent is 101") == 0);
  CHECK(make({.priority_step = 1001})
            .find("adaptive_throttle_options.priority_step is 1001; allowed: 0 to 1000") == 0);
  CHECK(make({.buckets = 0}).find("adaptive_throttle_options.buckets is 0; allowed: 1 to 64") == 0);
  CHECK(make({.buckets = 65}).find("adaptive_throttle_options.buckets is 65") == 0);
  CHECK(make({.window = 64ms - 1ns, .buckets = 64})
            .find("adaptive_throttle_options.window is 63999999") == 0);
}
