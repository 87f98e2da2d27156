// SPDX-License-Identifier: MIT
// Real threads, no sleeping. Meant to run under the thread sanitizer too.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/chaos.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/outlier_ejection.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace adaptive_tests;
using gabion_test::on_threads;

TEST_CASE("a herd of callers is never over-admitted and every place comes back",
          "[concurrency_limiter][threads]") {
  gabion::basic_concurrency_limiter l{gabion::fixed_limit{3}};
  std::atomic<int> inside{0};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> asked{0};
  on_threads(4, [&](int) {
    std::vector<decltype(l)::permit> held;
    for (int i = 0; i < 20'000; ++i) {
      asked.fetch_add(1);
      if (auto entry = l.try_acquire(start)) {
        if (inside.fetch_add(1) >= 3) over = true;
        held.push_back(std::move(entry).permit());
      }
      if (!held.empty() && i % 3 == 0) {
        inside.fetch_sub(1);
        held.pop_back();
      }
    }
    for (auto& p : held) {
      inside.fetch_sub(1);
      p.success(start + 1ms);
    }
  });
  CHECK_FALSE(over.load());
  const auto s = l.snapshot();
  CHECK(s.in_flight == 0);
  CHECK(s.counts.settled() + s.counts.rejected == asked.load());
}

namespace {

template <class Limit>
void check_moving_limit() {
  gabion::basic_concurrency_limiter<Limit> l{
      Limit{{.initial_limit = 10, .max_limit = 40}, gabion::xoshiro256{1}},
      {.window = {.span = 0s, .samples = 2}}};
  std::atomic<bool> outside{false};
  std::atomic<std::uint64_t> asked{0};
  on_threads(4, [&](int thread) {
    gabion::xoshiro256 random{static_cast<std::uint64_t>(thread)};
    for (int i = 0; i < 20'000; ++i) {
      asked.fetch_add(1);
      auto entry = l.try_acquire(start);
      const auto s = l.snapshot();
      if (s.limit < 1 || s.limit > 40 || s.in_flight > 40) outside = true;
      if (!entry) continue;
      const duration rtt{static_cast<duration::rep>(gabion::uniform(random, 10'000'000))};
      if (i % 50 == 0)
        entry->dropped(start + rtt);
      else if (i % 7 == 0)
        entry->ignore();
      else if (i % 11 != 0)
        entry->success(start + rtt);
    }
  });
  CHECK_FALSE(outside.load());
  const auto s = l.snapshot();
  CHECK(s.in_flight == 0);
  CHECK(s.counts.settled() + s.counts.rejected == asked.load());
  CHECK(s.counts.stale + s.counts.skipped <= s.counts.success);
  CHECK(s.epoch > 0);
}

}  // namespace

TEST_CASE("a limit that moves under load stays in its bounds and loses no permit",
          "[concurrency_limiter][threads]") {
  SECTION("vegas_limit") { check_moving_limit<gabion::vegas_limit>(); }
  SECTION("gradient2_limit") { check_moving_limit<gabion::gradient2_limit>(); }
}

TEST_CASE("a throttle counts every request of many threads", "[throttle][threads]") {
  // A thread that is interrupted between reading accepts and requests may reject; a minimum that is
  // never reached keeps that out of a test that counts.
  gabion::adaptive_throttle t{
      {.minimum_requests = 1'000'000, .priority_step = 0, .window = 1h, .buckets = 4}};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 20'000; ++i)
      if (auto entry = t.try_acquire(start + i * 10ms))
        entry->settle((i + thread) % 2 == 0 ? verdict::success : verdict::failure,
                      start + i * 10ms);
  });
  const auto s = t.snapshot(start + 200s);
  CHECK(s.requests == 80'000);
  CHECK(s.accepts == 40'000);
  CHECK(s.admitted == 80'000);
}

TEST_CASE("threads that share a random source draw different numbers", "[throttle][threads]") {
  gabion::shared_random random{1};
  std::vector<std::vector<std::uint64_t>> drawn(2);
  on_threads(2, [&](int thread) {
    for (int i = 0; i < 5'000; ++i) drawn[static_cast<std::size_t>(thread)].push_back(random());
  });
  std::vector<std::uint64_t> all = drawn[0];
  all.insert(all.end(), drawn[1].begin(), drawn[1].end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("chaos and its switches are used by many threads at once", "[chaos][threads]") {
  gabion::chaos c{{.error_rate = 500'000}};
  gabion::basic_chaos<gabion::xoshiro256> locked{{.error_rate = 500'000}};
  std::atomic<std::uint64_t> struck{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 10'000; ++i) {
      if (thread == 0 && i % 100 == 0) c.enable(i % 200 == 0);
      if (c.failure()) struck.fetch_add(1);
      static_cast<void>(locked.failure());
    }
  });
  CHECK(c.counts().errors == struck.load());
  CHECK(locked.counts().errors > 15'000);
  CHECK(locked.counts().errors < 25'000);
}

TEST_CASE("a shedder that many ask sheds the lower whenever it sheds the higher",
          "[load_shedder][threads]") {
  gabion::load_gauge gauge;
  gabion::load_shedder<gabion::load_gauge::handle> s{gauge.source()};
  std::atomic<std::uint64_t> shed{0};
  std::atomic<bool> wrong{false};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 10'000; ++i) {
      if (thread == 0) gauge.set(static_cast<std::uint32_t>(i % 100) * 100);
      if (s.refuses(static_cast<call_priority>(i % 5))) shed.fetch_add(1);
      const auto seen = s.snapshot();
      for (std::size_t p = 1; p < 4; ++p)
        if (seen.shedding[p] && !seen.shedding[p - 1]) wrong = true;
    }
  });
  CHECK_FALSE(wrong.load());
  CHECK(s.snapshot().shed_total() == shed.load());
}

TEST_CASE("under load no more hosts are out than may be and all come back", "[outlier][threads]") {
  gabion::outlier_ejection set{{.capacity = 16,
                                .consecutive_failures = 3,
                                .base_time = 1ms,
                                .max_time = 2ms,
                                .max_ejected_percent = 25}};
  std::vector<gabion::outlier_host> hosts;
  for (int i = 0; i < 12; ++i) hosts.push_back(*set.add());
  std::atomic<bool> over{false};
  std::atomic<std::int64_t> time{0};
  on_threads(4, [&](int thread) {
    gabion::xoshiro256 random{static_cast<std::uint64_t>(thread)};
    for (int i = 0; i < 10'000; ++i) {
      const instant now = start + duration{time.fetch_add(10'000)};
      const auto host = set.pick(random(), now);
      if (!host) {
        over = true;
        continue;
      }
      set.record(*host, gabion::uniform(random, 3) == 0 ? verdict::success : verdict::failure, now);
      if (i % 64 == 0) set.tick(now);
      if (i % 100 == 0) set.restore(*host);
      if (set.fleet().ejected > 3) over = true;
    }
  });
  CHECK_FALSE(over.load());
  CHECK(set.fleet().ejections > 100);
  CHECK(set.tick(start + 1h).evaluated);
  CHECK(set.fleet().ejected == 0);
  for (const auto& h : hosts) CHECK(set.available(h, start + 1h));
}
