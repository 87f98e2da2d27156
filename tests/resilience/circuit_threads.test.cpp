// SPDX-License-Identifier: MIT
// Real threads, no sleeping: what the explorer proves for a few steps, for many. Meant to run under
// the thread sanitizer too.
#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <thread>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace circuit_tests;
using gabion_test::on_threads;

TEST_CASE("case 19: totals of many threads are exact", "[circuit_breaker][threads]") {
  const auto window = GENERATE(0U, 100U, 8191U);
  bench x{{.failures = 65'535, .window = {window, 100, 8191}}};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 10'000; ++i) {
      auto a = x.b.try_acquire();
      switch ((i + thread) % 5) {
        case 0: a->failure(); break;
        case 1: a->ignore(); break;
        case 2: break;
        default: a->success();
      }
    }
  });
  CHECK(x.counts() ==
        circuit_counts{.success = 16'000, .failure = 8'000, .ignored = 8'000, .abandoned = 8'000});
  if (window == 8191) CHECK(x.b.snapshot().window_calls == 8191);
  // the sum kept in the tally is that of the ring: push it out and nothing is left
  if (window == 100) {
    x.succeed(100);
    CHECK(x.b.snapshot().window_failed == 0);
  }
}

TEST_CASE("cases 20 and 54: under load every trip is one event and events come in order",
          "[circuit_breaker][threads]") {
  bench x{{.failures = 3,
           .window = {20, 50, 10},
           .open_for = 1ms,
           .half_open_permits = 2,
           .successes_to_close = 2}};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<bool> over_admitted{false};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 20'000; ++i) {
      calls.fetch_add(1);
      auto a = x.b.try_acquire();
      if (x.b.snapshot().probes_out > 2) over_admitted = true;
      if (a) {
        if ((i / 50 + thread) % 2 == 0)
          a->failure();
        else if (i % 31 != 0)
          a->success();
      } else {
        x.time.advance(100us);
      }
    }
  });
  CHECK_FALSE(over_admitted.load());
  const auto s = x.b.snapshot();
  CHECK(s.counts.settled() + s.counts.rejected == calls.load());
  CHECK(s.probes_out == 0);
  CHECK(x.heard.size() + s.events_missed == s.generation);
  circuit_state state = circuit_state::closed;
  std::uint32_t generation = 0;
  for (const circuit_transition& t : x.heard) {
    CHECK(t.generation == generation + 1 + t.missed);
    if (t.missed == 0) CHECK(t.from == state);
    generation = t.generation;
    state = t.to;
  }
  CHECK(s.generation > 100);
}

TEST_CASE("counts never go back while calls are made", "[circuit_breaker][threads]") {
  bench x{{.failures = 0, .window = {100, 100, 100}}};
  std::atomic<int> running{2};
  std::atomic<bool> went_back{false};
  on_threads(3, [&](int thread) {
    if (thread < 2) {
      for (int i = 0; i < 30'000; ++i)
        i % 10 == 0 ? x.b.try_acquire()->failure() : x.b.try_acquire()->success();
      running.fetch_sub(1);
      return;
    }
    circuit_counts before{};
    while (running.load() > 0) {
      const circuit_counts now = x.counts();
      if (now.success < before.success || now.failure < before.failure) went_back = true;
      before = now;
    }
  });
  CHECK_FALSE(went_back.load());
  CHECK(x.counts() == circuit_counts{.success = 54'000, .failure = 6'000});
}

TEST_CASE("rules that change under load lose no outcome and count none twice",
          "[circuit_breaker][threads]") {
  bench x{{.failures = 65'535, .window = {100, 100, 8191}}};
  std::atomic<bool> done{false};
  std::thread changes{[&] {
    const circuit_breaker_options all[] = {
        {.failures = 65'535, .window = {10, 100, 8191}},
        {.failures = 65'535, .window = {100, 100, 8191}, .slow_after = 1s},
        {.failures = 65'535},
        {.failures = 65'535,
         .time_window = {.span = 10s, .minimum_calls = 4'000'000'000},
         .slow_after = 1s},
        {.failures = 65'535, .window = {2000, 100, 8191}},
    };
    for (std::size_t i = 0; !done.load(std::memory_order_acquire); ++i)
      x.b.reconfigure(all[i % std::size(all)]);
  }};
  on_threads(3, [&](int thread) {
    for (int i = 0; i < 20'000; ++i) {
      auto a = x.b.try_acquire();
      (i + thread) % 4 == 0 ? a->failure() : a->success();
    }
  });
  done.store(true, std::memory_order_release);
  changes.join();
  CHECK(x.counts() == circuit_counts{.success = 45'000, .failure = 15'000});
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("under load every rule under the lock trips once and its counts are exact",
          "[circuit_breaker][threads]") {
  bench x{{.failures = 50,
           .window = {.calls = 50, .failure_percent = 60, .slow_percent = 90},
           .time_window = {.span = 10s, .failure_percent = 60},
           .slow_after = 1s,
           .count_overdue = true,
           .open_for = 1ns,
           .half_open_permits = 3,
           .half_open_calls = 4,
           .ramp = {.percent = {50}, .step_calls = 5}}};
  std::atomic<std::uint64_t> granted{0};
  std::atomic<std::uint64_t> refused{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 10'000; ++i) {
      auto a = x.b.try_acquire();
      if (!a) {
        refused.fetch_add(1);
        x.time.advance(1ns);
        continue;
      }
      granted.fetch_add(1);
      (i / 100 + thread) % 3 == 0 ? a->failure() : a->success();
    }
  });
  const auto s = x.b.snapshot();
  CHECK(s.counts.settled() == granted.load());
  CHECK(s.counts.rejected == refused.load());
  circuit_state state = circuit_state::closed;
  for (const circuit_transition& t : x.heard) {
    if (t.missed == 0) CHECK(t.from == state);
    state = t.to;
  }
  CHECK(x.heard.size() > 3);
}
