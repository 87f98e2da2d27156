// SPDX-License-Identifier: MIT
#include <gabion/resilience/hedge_call.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/observe/latency_histogram.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "resilience/spawners.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::hedge_counts;
using gabion::hedge_options;
using gabion::instant;
using gabion::testing::manual_clock;
using gabion::testing::manual_time;
using spawner_tests::held_spawner;
using spawner_tests::scripted_waiter;

namespace {

const call_context twice_is_fine{.idempotent = true};

struct bench {
  explicit bench(const hedge_options& options = {})
      : hedge{options, spawner, budget, gabion::fixed_delay{}, time.clock()} {}

  manual_time time{};
  held_spawner spawner{};
  gabion::retry_budget budget{{.tokens = 100, .per_second = 0}};
  gabion::basic_hedge<held_spawner, gabion::retry_budget, gabion::fixed_delay, manual_clock> hedge;
};

/// Knows how long calls take, from a histogram; the quantile is taken anew after every hundred
/// calls, for it walks all buckets.
class usual_latency {
 public:
  explicit usual_latency(double quantile) : quantile_{quantile} {}

  void record(duration sample) {
    histogram_.record(sample);
    if (++seen_ % 100 != 0) return;
    cached_.store(histogram_.snapshot().quantile(quantile_).count(), std::memory_order_relaxed);
  }
  [[nodiscard]] std::optional<duration> delay() const {
    const duration known{cached_.load(std::memory_order_relaxed)};
    return known == duration::zero() ? std::nullopt : std::optional{known};
  }

 private:
  gabion::latency_histogram histogram_{};
  double quantile_;
  std::atomic<std::uint64_t> seen_{0};
  std::atomic<duration::rep> cached_{0};
};

/// A handle to it, as a delay source.
struct latency_delay {
  const usual_latency* usual;
  [[nodiscard]] std::optional<duration> delay() const { return usual->delay(); }
};
static_assert(gabion::delay_source<latency_delay> &&
              gabion::explain_delay_source<gabion::fixed_delay>());

}  // namespace

TEST_CASE("case 74: a call that returns before the delay is made once", "[hedge][hedge_call]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }}};
  std::vector<std::uint32_t> attempts;
  const auto f = [&](const call_context& c) {
    attempts.push_back(c.attempt);
    return std::optional<int>{7};
  };
  CHECK(b.hedge.call_in(waiter, twice_is_fine, f) == 7);
  CHECK(attempts == std::vector<std::uint32_t>{1});
  CHECK(waiter.waits == std::vector<duration>{100ms});
  CHECK(b.hedge.counts() == hedge_counts{});
  CHECK(b.spawner.held() == 0);
}

TEST_CASE("case 74: the hedge answers and the loser is told to stop and its late result is counted",
          "[hedge][hedge_call]") {
  bench b;
  std::vector<std::stop_token> stops(3);
  scripted_waiter waiter{b.time, {[&] { b.time.advance(100ms); }, [&] { b.spawner.run(1); }}};
  const auto f = [&](const call_context& c) {
    stops[c.attempt] = c.stop;
    return std::optional<std::uint32_t>{c.attempt};
  };
  CHECK(b.hedge.call_in(waiter, twice_is_fine, f) == 2U);
  CHECK_FALSE(stops[2].stop_requested());
  CHECK(b.hedge.counts() == hedge_counts{.hedges = 1, .won = 1});
  b.spawner.run();
  CHECK(stops[1].stop_requested());
  CHECK(b.hedge.counts() == hedge_counts{.hedges = 1, .won = 1, .late = 1});
}

TEST_CASE("case 74: if all fail the last result is returned as it was", "[hedge][hedge_call]") {
  bench b;
  scripted_waiter waiter{
      b.time,
      {[&] { b.time.advance(100ms); }, [&] { b.spawner.run(1); }, [&] { b.spawner.run(); }}};
  int calls = 0;
  const auto f = [&] { return std::error_code{++calls, std::generic_category()}; };
  CHECK(b.hedge.call_in(waiter, twice_is_fine, f).value() == 2);
  CHECK(b.budget.tokens() == 97);  // two failures and a hedge
}

TEST_CASE("case 74: every attempt is made in the context of the call", "[hedge][hedge_call]") {
  bench b;
  call_context context = twice_is_fine;
  context.until = deadline::at(b.time.now() + 1h);
  context.priority = gabion::call_priority::high;
  context.idempotency_key = "order 7";
  scripted_waiter waiter{
      b.time, {[&] { b.time.advance(100ms); }, [&] { b.spawner.run(); }, [&] { b.spawner.run(); }}};
  std::vector<std::uint32_t> attempts;
  const auto f = [&](const call_context& c) {
    attempts.push_back(c.attempt);
    CHECK(c.until == context.until);
    CHECK(c.priority == gabion::call_priority::high);
    CHECK(c.idempotency_key == "order 7");
    CHECK(c.idempotent);
    return std::make_error_code(std::errc::timed_out);
  };
  CHECK(b.hedge.call_in(waiter, context, f) == std::errc::timed_out);
  CHECK(attempts == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("an exception is a failure of one attempt and the last one goes on unchanged",
          "[hedge][hedge_call]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }, [&] { b.spawner.run(); }}};
  const auto recovers = [](const call_context& c) {
    if (c.attempt == 1) throw std::runtime_error{"away"};
    return 7;
  };
  CHECK(b.hedge.call_in(waiter, twice_is_fine, recovers) == 7);
  scripted_waiter again{b.time, {[&] { b.spawner.run(); }, [&] { b.spawner.run(); }}};
  const auto fails = [](const call_context& c) -> int {
    throw std::runtime_error{std::to_string(c.attempt)};
  };
  CHECK_THROWS_WITH(b.hedge.call_in(again, twice_is_fine, fails), "2");
}

TEST_CASE("a call that may not be made twice is made once", "[hedge][hedge_call]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.time.advance(1h); }, [&] { b.spawner.run(); }}};
  CHECK(b.hedge.call_in(waiter, call_context{}, [] { return 7; }) == 7);
  CHECK(b.hedge.counts().hedges == 0);
}

TEST_CASE("hedges and retries draw on one budget", "[hedge][hedge_call][budget]") {
  bench b;
  for (int i = 0; i < 50; ++i)
    b.budget.note(gabion::budget_event::failure, [] { return instant{}; });
  scripted_waiter waiter{b.time, {[&] { b.time.advance(100ms); }, [&] { b.spawner.run(); }}};
  CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return 7; }) == 7);
  CHECK(b.hedge.counts().hedges == 0);
  // its success paid a fifth of a token
  CHECK(b.budget.try_spend(gabion::extra_attempt::retry, [] { return instant{}; }));
}

TEST_CASE("a hedged call ends at its deadline and all its attempts are told to stop",
          "[hedge][hedge_call]") {
  bench b;
  call_context context = twice_is_fine;
  context.until = deadline::at(b.time.now() + 150ms);
  scripted_waiter waiter{b.time};
  std::vector<bool> stopped;
  const auto f = [&](const call_context& c) {
    stopped.push_back(c.stop.stop_requested());
    return std::error_code{};
  };
  CHECK(b.hedge.call_in(waiter, context, f) == errc::timeout);
  CHECK(waiter.waits == std::vector<duration>{100ms, 50ms});
  CHECK(b.spawner.held() == 2);
  b.spawner.run();
  b.spawner.run();
  CHECK(stopped == std::vector<bool>{true, true});
  CHECK(b.hedge.counts() == hedge_counts{.hedges = 1, .late = 2});
}

TEST_CASE("a hedged call whose caller is told to stop ends at once as cancelled",
          "[hedge][hedge_call]") {
  bench b;
  SECTION("during a wait") {
    scripted_waiter waiter{b.time};
    waiter.stopped = true;
    CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return std::error_code{}; }) ==
          errc::cancelled);
  }
  SECTION("before it began") {
    std::stop_source stop;
    stop.request_stop();
    call_context context = twice_is_fine;
    context.stop = stop.get_token();
    scripted_waiter waiter{b.time};
    CHECK(b.hedge.call_in(waiter, context, [] { return std::error_code{}; }) == errc::cancelled);
    CHECK(b.spawner.held() == 0);
  }
}

TEST_CASE("a spawner without room makes the call overloaded or leaves it unhedged",
          "[hedge][hedge_call]") {
  bench b;
  SECTION("from the beginning") {
    b.spawner.full = true;
    scripted_waiter waiter{b.time};
    CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return std::error_code{}; }) ==
          errc::overloaded);
  }
  SECTION("for the hedge") {
    scripted_waiter waiter{b.time,
                           {[&] {
                              b.spawner.full = true;
                              b.time.advance(100ms);
                            },
                            [&] { b.spawner.run(); }}};
    CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return std::optional<int>{7}; }) == 7);
    CHECK(b.hedge.counts().hedges == 0);
  }
  SECTION("and drops what it had taken") {
    scripted_waiter waiter{b.time, {[&] { b.spawner.drop(); }}};
    CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return std::error_code{}; }) ==
          errc::overloaded);
  }
}

TEST_CASE("a spawner or waiter that throws leaves nobody who wakes the caller that has gone",
          "[hedge][hedge_call]") {
  bench b;
  std::stop_token stop;
  int woken = 0;
  const auto f = [&](const call_context& c) {
    stop = c.stop;
    return std::optional<int>{7};
  };
  const auto break_it = [&](bool spawner) {
    scripted_waiter waiter{b.time, {[&] {
                             if (!spawner) throw std::runtime_error{"no waiting"};
                             b.spawner.broken = true;
                             b.time.advance(100ms);
                           }}};
    CHECK_THROWS(b.hedge.call_in(waiter, twice_is_fine, f));
    const int before = waiter.woken;
    b.spawner.broken = false;
    b.spawner.run();
    woken += waiter.woken - before;
  };
  break_it(true);
  CHECK(stop.stop_requested());
  break_it(false);
  CHECK(stop.stop_requested());
  CHECK(woken == 0);
  CHECK(b.hedge.counts().late == 2);
}

TEST_CASE("a caller's mistake is an answer and is not asked again", "[hedge][hedge_call]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }}};
  const auto judge = gabion::failure_if{
      [](int n) { return n < 0 ? gabion::verdict::ignored : gabion::verdict::failure; }};
  CHECK(b.hedge.call_in(waiter, twice_is_fine, [] { return -1; }, judge) == -1);
}

TEST_CASE("the quantile of a latency histogram is a delay", "[hedge][hedge_call]") {
  usual_latency usual{0.95};
  manual_time time;
  held_spawner spawner;
  gabion::retry_budget budget;
  gabion::basic_hedge hedge{hedge_options{.delay = 1s}, spawner, budget, latency_delay{&usual},
                            time.clock()};
  const auto waited = [&] {
    scripted_waiter waiter{time, {[&] { spawner.run(); }}};
    CHECK(hedge.call_in(waiter, twice_is_fine, [] { return 7; }) == 7);
    return waiter.waits.at(0);
  };
  CHECK(waited() == 1s);  // it has seen too little
  for (int i = 0; i < 95; ++i) usual.record(10ms);
  for (int i = 0; i < 5; ++i) usual.record(2s);
  CHECK(waited() >= 10ms);
  CHECK(waited() < 10320us);
}

TEST_CASE("nothing is left when caller and attempts have ended", "[hedge][hedge_call]") {
  int alive = 0;
  struct tracked {
    explicit tracked(int& n) : alive{&n} { ++*alive; }
    tracked(const tracked& other) : alive{other.alive} { ++*alive; }
    tracked& operator=(const tracked&) = delete;
    ~tracked() { --*alive; }
    int* alive;
  };
  bench b;
  {
    scripted_waiter waiter{b.time, {[&] { b.time.advance(100ms); }, [&] { b.spawner.run(1); }}};
    CHECK(b.hedge
              .call_in(waiter, twice_is_fine,
                       [t = tracked{alive}] { return std::optional<tracked>{t}; })
              .has_value());
  }
  CHECK(alive == 1);  // held for the loser
  b.spawner.run();
  CHECK(alive == 0);
}

TEST_CASE("attempts may outlive the hedge that started them", "[hedge][hedge_call]") {
  manual_time time;
  held_spawner spawner;
  {
    gabion::unlimited_budget budget;
    gabion::basic_hedge hedge{hedge_options{}, spawner, budget, gabion::fixed_delay{},
                              time.clock()};
    static_assert(!decltype(hedge)::has_budget);
    scripted_waiter waiter{time, {[&] { time.advance(100ms); }, [&] { spawner.run(1); }}};
    CHECK(hedge.call_in(waiter, twice_is_fine, [] { return 7; }) == 7);
  }
  spawner.run();
  CHECK(spawner.held() == 0);
}

TEST_CASE("on the real clock a hedged call ends by its result", "[hedge][hedge_call]") {
  spawner_tests::pool pool{2};
  gabion::retry_budget budget;
  gabion::basic_hedge hedge{hedge_options{.delay = 0ns}, pool, budget};
  for (int i = 0; i < 100; ++i) CHECK(hedge.call(twice_is_fine, [] { return 7; }) == 7);
  CHECK_THROWS_AS((gabion::basic_hedge{hedge_options{.max_hedges = 0}, pool, budget}),
                  gabion::error);
}
