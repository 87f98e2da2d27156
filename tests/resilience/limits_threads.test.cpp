// SPDX-License-Identifier: MIT
// Real threads, no sleeping: bulkheads and rate limiters under contention. Meant to run under the
// thread sanitizer too.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <gabion/log/waker.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace std::chrono_literals;
using gabion::instant;
using kind = gabion::entry_step::kind;
using gabion_test::on_threads;

namespace {

/// How many are inside, and how many have ever been at once.
class headcount {
 public:
  void in() {
    const int now = inside_.fetch_add(1) + 1;
    int seen = most_.load();
    while (seen < now && !most_.compare_exchange_weak(seen, now)) {}
  }
  void out() { inside_.fetch_sub(1); }
  [[nodiscard]] int most() const { return most_.load(); }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

/// Leads one call through the bulkhead and waits for real, woken by the bulkhead alone.
template <class Inside>
bool visit(gabion::queueing_bulkhead& b, gabion::call_priority priority, bool impatient,
           Inside inside) {
  gabion::waker bell;
  gabion::call_context context;
  context.wake.emplace(bell);
  context.priority = priority;
  const auto now = [] { return gabion::steady_clock::now(); };
  gabion::queueing_bulkhead::run run{b};
  gabion::entry_step step = run.enter(context, now);
  while (step.what == kind::wait) {
    if (impatient) return false;
    while (!bell.wait({}, 1h)) {}
    bell.take();
    step = run.enter(context, now);
  }
  if (step.what == kind::refuse) return false;
  inside();
  gabion::call_outcome outcome;
  static_cast<void>(run.leave(outcome, context, now));
  return true;
}

}  // namespace

TEST_CASE("a bulkhead never lets in more than its limit under contention", "[bulkhead][threads]") {
  gabion::bulkhead b{{.limit = 2}};
  headcount heads;
  std::atomic<std::uint64_t> refused{0};
  on_threads(4, [&](int) {
    for (int i = 0; i < 20'000; ++i) {
      const auto held = b.try_acquire();
      if (!held) {
        refused.fetch_add(1);
        continue;
      }
      heads.in();
      heads.out();
    }
  });
  CHECK(heads.most() <= 2);
  CHECK(b.snapshot() == gabion::bulkhead_snapshot{.limit = 2, .rejected = refused.load()});
}

TEST_CASE("everybody who waits is woken and let in, and nobody too many", "[bulkhead][threads]") {
  gabion::queueing_bulkhead b{{.limit = 1, .max_waiting = 100, .max_wait = 24h}};
  headcount heads;
  std::atomic<int> served{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 3'000; ++i) {
      const auto priority = static_cast<gabion::call_priority>((thread + i) % 5);
      if (visit(b, priority, false, [&] {
            heads.in();
            heads.out();
          }))
        served.fetch_add(1);
    }
  });
  CHECK(heads.most() == 1);
  CHECK(served.load() == 12'000);
  CHECK(b.snapshot() == gabion::bulkhead_snapshot{.limit = 1});
}

TEST_CASE("a pipeline waits for its permit on as many threads as there are",
          "[bulkhead][threads]") {
  gabion::queueing_bulkhead b{{.limit = 1, .max_waiting = 100, .max_wait = 24h}};
  auto protect = gabion::pipeline(b);
  headcount heads;
  std::atomic<int> served{0};
  on_threads(4, [&](int) {
    for (int i = 0; i < 2'000; ++i)
      protect.call([&] {
        heads.in();
        served.fetch_add(1);
        heads.out();
      });
  });
  CHECK(heads.most() == 1);
  CHECK(served.load() == 8'000);
  CHECK(b.snapshot() == gabion::bulkhead_snapshot{.limit = 1});
}

TEST_CASE("waiters that leave and limits that change lose no permit", "[bulkhead][threads]") {
  gabion::queueing_bulkhead b{{.limit = 2, .max_waiting = 3, .max_wait = 24h}};
  headcount heads;
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 4'000; ++i) {
      if (thread == 0 && i % 8 == 0) b.resize(static_cast<std::uint32_t>(1 + i / 8 % 3));
      static_cast<void>(visit(b, gabion::call_priority::normal, (i + thread) % 3 == 0, [&] {
        heads.in();
        heads.out();
      }));
    }
  });
  CHECK(heads.most() <= 3);
  b.resize(2);
  const auto s = b.snapshot();
  CHECK(s.in_use == 0);
  CHECK(s.waiting == 0);
  const auto one = b.try_acquire();
  const auto two = b.try_acquire();
  CHECK(two);
}

namespace {

template <class Limiter>
int taken_by_four(Limiter& limiter) {
  std::atomic<int> taken{0};
  on_threads(4, [&](int) {
    for (int i = 0; i < 5'000; ++i)
      if (limiter.take(instant{1h} + gabion::duration{i}, 1)) taken.fetch_add(1);
  });
  return taken.load();
}

}  // namespace

TEST_CASE("threads that share a limiter get what one would have got", "[rate_limiter][threads]") {
  // One permit each 10 ns, 7 at the start, over 4999 ns.
  gabion::gcra spaced{{.interval = 10ns, .burst = 7}};
  CHECK(taken_by_four(spaced) <= 7 + 499);
  gabion::token_bucket bucket{{.burst = 7, .refill = {1, 10ns}}};
  CHECK(taken_by_four(bucket) <= 7 + 499);
  gabion::sliding_window_limiter window{{.limit = 100, .window = 1h}};
  CHECK(taken_by_four(window) == 100);
  gabion::gcra still{{.interval = 1h, .burst = 100}};
  CHECK(taken_by_four(still) == 100);
  gabion::token_bucket idle{{.burst = 100, .refill = {1, 1h}}};
  CHECK(taken_by_four(idle) == 100);
}

TEST_CASE("reservations of several threads are all for different times",
          "[rate_limiter][threads]") {
  gabion::gcra spaced{{.interval = 1us}};
  std::vector<std::atomic<int>> given(8'000);
  std::atomic<int> cancelled{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 2'000; ++i) {
      const auto r = spaced.reserve(instant{1h}, 24h);
      if ((i + thread) % 7 == 0 && spaced.cancel(r)) {
        cancelled.fetch_add(1);
        continue;
      }
      given[static_cast<std::size_t>((r.at - instant{1h}) / 1us)].fetch_add(1);
    }
  });
  int used = 0;
  for (auto& n : given) {
    CHECK(n.load() <= 1);
    used += n.load();
  }
  CHECK(used + cancelled.load() == 8'000);
}

TEST_CASE("a bucket that is reconfigured under load stays within its burst",
          "[rate_limiter][threads]") {
  gabion::token_bucket bucket{{.burst = 100, .refill = {1, 1h}}};
  std::atomic<int> taken{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 4'000; ++i) {
      if (thread == 0 && i % 50 == 0)
        bucket.reconfigure(
            {.burst = 100U + static_cast<std::uint32_t>(i % 3), .refill = {1, 1h * (1 + i % 2)}},
            instant{1h});
      if (bucket.take(instant{1h}, 1)) taken.fetch_add(1);
      static_cast<void>(bucket.available(instant{1h}));
    }
  });
  CHECK(taken.load() == 100);
}

TEST_CASE("keys on several threads each get their own", "[keyed_rate_limiter][threads]") {
  gabion::keyed_rate_limiter<int> limiter{{.interval = 1h, .burst = 10},
                                          {.keys = 1000, .shards = 4}};
  std::atomic<int> taken{0};
  on_threads(4, [&](int) {
    for (int i = 0; i < 5'000; ++i)
      if (limiter.take(i % 50, instant{1h})) taken.fetch_add(1);
  });
  CHECK(taken.load() == 500);
  gabion::keyed_rate_limiter<int> tight{{.interval = 1ms, .burst = 2}, {.keys = 8, .shards = 2}};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 5'000; ++i) {
      static_cast<void>(tight.take((i * 7 + thread) % 60, instant{1h} + 1us * i));
      if (i % 100 == 0) static_cast<void>(tight.expire(instant{1h} + 1us * i));
    }
  });
  CHECK(tight.snapshot().keys <= 8);
}
