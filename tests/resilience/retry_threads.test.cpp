// SPDX-License-Identifier: MIT
// Real threads, no sleeping: budgets, retries, fallbacks, detached timeouts and hedges under load.
// Meant to run under the thread sanitizer too.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <gabion/core/error.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/hedge_call.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_detached.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "resilience/spawners.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace std::chrono_literals;
using gabion::budget_event;
using gabion::call_context;
using gabion::errc;
using gabion::extra_attempt;
using gabion::testing::manual_time;
using gabion_test::on_threads;
using spawner_tests::pool;

namespace {

/// Waits a while for a wake-up; then, if it is impatient, moves the time on to the moment.
struct impatient_waiter {
  manual_time* time;
  std::atomic<bool>* woken;
  int patience;
  bool wait_until(gabion::instant moment) {
    for (int n = 0; n < patience && !woken->exchange(false); ++n) std::this_thread::yield();
    if (patience < 50) time->advance_to(moment);
    return true;
  }
  void wake() { woken->store(true); }
};

/// A permit that counts how many of it are out.
class counted_permit {
 public:
  explicit counted_permit(std::atomic<int>& out) noexcept : out_{&out} { out_->fetch_add(1); }
  counted_permit(counted_permit&& other) noexcept : out_{std::exchange(other.out_, nullptr)} {}
  counted_permit& operator=(counted_permit&&) = delete;
  ~counted_permit() {
    if (out_ != nullptr) out_->fetch_sub(1);
  }

 private:
  std::atomic<int>* out_;
};

}  // namespace

TEST_CASE("of all threads together no more failures may retry than there are tokens above half",
          "[retry][budget][threads]") {
  for (int round = 0; round < 200; ++round) {
    gabion::retry_budget budget{{.tokens = 100, .percent = 10, .per_second = 0}};
    std::atomic<int> granted{0};
    const auto now = [] { return gabion::instant{}; };
    on_threads(4, [&](int) {
      for (int i = 0; i < 50; ++i) {
        budget.note(budget_event::failure, now);
        if (budget.try_spend(extra_attempt::retry, now)) granted.fetch_add(1);
      }
    });
    CHECK(granted.load() <= 49);
    CHECK(budget.tokens() == 0);
  }
}

TEST_CASE("of all threads together no more hedges start than tokens above half and none is lost",
          "[hedge][budget][threads]") {
  for (int round = 0; round < 200; ++round) {
    gabion::retry_budget budget{{.tokens = 100, .percent = 10, .per_second = 0}};
    std::atomic<int> granted{0};
    const auto now = [] { return gabion::instant{}; };
    on_threads(4, [&](int) {
      for (int i = 0; i < 30; ++i)
        if (budget.try_spend(extra_attempt::hedge, now)) granted.fetch_add(1);
    });
    CHECK(granted.load() == 49);
  }
}

TEST_CASE("a windowed budget pays out each deposit once", "[retry][budget][threads]") {
  manual_time time;
  gabion::windowed_retry_budget budget{{.percent = 20, .per_second = 0, .keep = 1h}};
  std::atomic<int> granted{0};
  const auto now = [&] { return time.now(); };
  on_threads(4, [&](int) {
    for (int i = 0; i < 10'000; ++i) {
      budget.note(budget_event::call, now);
      if (budget.try_spend(extra_attempt::retry, now)) granted.fetch_add(1);
    }
  });
  while (budget.try_spend(extra_attempt::retry, now)) granted.fetch_add(1);
  CHECK(granted.load() == 8'000);
}

TEST_CASE("a reserve is not overdrawn", "[retry][budget][threads]") {
  manual_time time;
  gabion::windowed_retry_budget budget{{.percent = 1, .per_second = 100}};
  std::atomic<int> granted{0};
  on_threads(4, [&](int) {
    for (int i = 0; i < 1'000; ++i)
      if (budget.try_spend(extra_attempt::retry, [&] { return time.now(); })) granted.fetch_add(1);
  });
  CHECK(granted.load() == 100);
}

TEST_CASE("one pipeline with fallback and retry and timeout serves many threads",
          "[retry][fallback][timeout][threads]") {
  gabion::retry_budget budget;
  gabion::basic_retry_policy retry{
      gabion::retry_options{
          .max_attempts = 3, .backoff = {.initial = 0ns, .cap = 0ns}, .total = 1h},
      budget};
  gabion::timeout_policy timeout;
  auto placeholder =
      gabion::fallback([](const gabion::call_outcome&) { return std::optional<int>{-1}; });
  auto guarded = gabion::pipeline(placeholder, retry, timeout);
  std::atomic<std::uint64_t> attempts{0};
  std::atomic<std::uint64_t> real{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 5'000; ++i) {
      int nth = 0;
      const auto got = guarded.call([&] {
        attempts.fetch_add(1);
        return (i + thread + nth++) % 3 == 0 ? std::optional<int>{i} : std::nullopt;
      });
      if (got == i) real.fetch_add(1);
    }
  });
  CHECK(attempts.load() == 20'000 + retry.counts().retries);
  CHECK(real.load() + placeholder.counts().used == 20'000);
}

TEST_CASE("a cache of last good values hands out whole values", "[last_good][threads]") {
  manual_time time;
  gabion::last_good<int, std::string> cache{{.capacity = 8}};
  std::atomic<int> torn{0};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 5'000; ++i) {
      const int key = (i * 7 + thread) % 16;
      if (i % 2 == 0) cache.put(key, std::string(40, static_cast<char>('a' + key)), time.now());
      const auto got = cache.get(key, time.now());
      if (got && got->value != std::string(40, static_cast<char>('a' + key))) torn.fetch_add(1);
    }
  });
  CHECK(torn.load() == 0);
  CHECK(cache.size() == 8);
}

TEST_CASE(
    "case 64: under load each detached call observes exactly one of result and timeout and every "
    "permit comes back",
    "[timeout][detached][threads]") {
  manual_time time;
  std::atomic<int> permits{0};
  std::atomic<std::uint64_t> results{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> ran{0};
  std::atomic<int> wrong{0};
  constexpr std::uint64_t calls = 4 * 2'000;
  std::optional<pool> threads{2};
  gabion::basic_detached_timeout timeout{gabion::detached_timeout_options{.queue = 1s, .run = 1s},
                                         *threads, time.clock()};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 2'000; ++i) {
      std::atomic<bool> woken{false};
      impatient_waiter waiter{&time, &woken, (i + thread) % 4 == 0 ? i % 7 : 1'000};
      const auto got = timeout.call_in(
          waiter, {}, [&ran, i] { return ran.fetch_add(1), std::optional<int>{i}; },
          counted_permit{permits});
      if (got) {
        results.fetch_add(1);
        if (*got != i) wrong.fetch_add(1);
      } else {
        timeouts.fetch_add(1);
      }
    }
  });
  threads.reset();
  const auto counts = timeout.counts();
  CHECK(wrong.load() == 0);
  CHECK(permits.load() == 0);
  CHECK(results.load() + timeouts.load() == calls);
  CHECK(counts.timed_out == timeouts.load());
  CHECK(counts.late + counts.never_run == timeouts.load());
  CHECK(ran.load() == results.load() + counts.late);
}

TEST_CASE("case 74: under load each hedged call has one winner and every other result is late",
          "[hedge][threads]") {
  std::atomic<std::uint64_t> ran{0};
  std::atomic<int> wrong{0};
  constexpr std::uint64_t calls = 4 * 2'000;
  std::optional<pool> threads{3};
  gabion::unlimited_budget budget;
  gabion::basic_hedge hedge{gabion::hedge_options{.max_hedges = 3, .delay = 0ns}, *threads, budget};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 2'000; ++i) {
      const int id = i * 4 + thread;
      const auto got = hedge.call(call_context{.idempotent = true}, [&ran, id] {
        ran.fetch_add(1);
        return id;
      });
      if (got != id) wrong.fetch_add(1);
    }
  });
  threads.reset();
  CHECK(wrong.load() == 0);
  CHECK(ran.load() == calls + hedge.counts().late);
  CHECK(hedge.counts().hedges + calls == ran.load());
}

TEST_CASE("under load a hedged call whose first attempts fail is answered by one that does not",
          "[hedge][threads]") {
  std::atomic<int> wrong{0};
  std::atomic<std::uint64_t> ran{0};
  std::optional<pool> threads{3};
  gabion::unlimited_budget budget;
  gabion::basic_hedge hedge{gabion::hedge_options{.max_hedges = 2, .delay = 1h}, *threads, budget};
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 2'000; ++i) {
      const int id = i * 4 + thread;
      const auto got =
          hedge.call(call_context{.idempotent = true}, [&ran, id](const call_context& c) {
            ran.fetch_add(1);
            return c.attempt < 3 ? std::optional<int>{} : std::optional<int>{id};
          });
      if (got != id) wrong.fetch_add(1);
    }
  });
  threads.reset();
  CHECK(wrong.load() == 0);
  CHECK(ran.load() == 3 * 4 * 2'000);
  CHECK(hedge.counts() == gabion::hedge_counts{.hedges = 2 * 4 * 2'000, .won = 4 * 2'000});
}
