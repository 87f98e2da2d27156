// SPDX-License-Identifier: MIT
// Every interleaving of a caller that leaves with work that begins, ends or is dropped.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <gabion/resilience/hedge_call.hpp>
#include <gabion/resilience/timeout_detached.hpp>
#include <gabion/testing/explorer_env.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::duration;
using gabion::instant;
using gabion::testing::explorer;
using gabion::testing::explorer_env;

namespace {

/// Time that the caller moves on and everybody may read.
struct shared_time {
  explorer_env::atomic<duration::rep> now{duration{1h}.count()};
};
struct shared_clock {
  const shared_time* time;
  [[nodiscard]] instant now() const noexcept {
    return instant{duration{time->now.load(std::memory_order_relaxed)}};
  }
};

/// Hands work from the caller's thread to those of a scenario.
template <std::size_t Count>
struct desk {
  struct place {
    std::function<void()> work{};
    explorer_env::atomic<bool> there{false};
  };
  std::array<place, Count> places{};
  std::size_t used = 0;

  template <class Work>
  bool spawn(Work work) {
    place& p = places[used++];
    p.work = std::move(work);
    p.there.store(true, std::memory_order_release);
    return true;
  }
  /// Runs the work of that place if it is there by now.
  void run(std::size_t i) {
    if (!places[i].there.load(std::memory_order_acquire)) return;
    const auto work = std::exchange(places[i].work, nullptr);
    if (work) work();
  }
  void drop(std::size_t i) {
    if (places[i].there.load(std::memory_order_acquire)) places[i].work = nullptr;
  }
};

/// Waits in no time; one that was not woken moves the time on to the moment. Nobody may wake it
/// once the call is over.
struct hasty_waiter {
  hasty_waiter(explorer& e, shared_time& t) : time{&t}, explorer_{&e} {}
  shared_time* time;
  explorer_env::atomic<bool> woken{false};
  explorer_env::atomic<bool> over{false};
  bool wait_until(instant moment) {
    if (!woken.exchange(false))
      time->now.store(duration{moment.time_since_epoch()}.count(), std::memory_order_relaxed);
    return true;
  }
  void wake() {
    explorer_->expect(!over.load(), "the caller was woken after it had left");
    woken.store(true);
  }

 private:
  explorer* explorer_;
};

/// Counts how many of it are alive; a permit, or what a function holds.
struct tracked {
  explicit tracked(explorer_env::atomic<int>& n) : alive{&n} { alive->fetch_add(1); }
  tracked(tracked&& other) noexcept : alive{std::exchange(other.alive, nullptr)} {}
  tracked(const tracked&) = delete;
  tracked& operator=(const tracked&) = delete;
  ~tracked() {
    if (alive != nullptr) alive->fetch_sub(1);
  }
  explorer_env::atomic<int>* alive;
};

using detached = gabion::basic_detached_timeout<desk<1>, shared_clock, explorer_env>;

void the_caller_leaves_as_the_work_runs(explorer& e) {
  shared_time time;
  explorer_env::atomic<int> permits{0};
  desk<1> spawner;
  detached timeout{{.queue = 1s, .run = 1s}, spawner, shared_clock{&time}};
  std::optional<int> got;
  bool ran = false;
  hasty_waiter waiter{e, time};
  const auto caller = [&] {
    got = timeout.call_in(
        waiter, {}, [&] { return ran = true, std::optional<int>{7}; }, tracked{permits});
    waiter.over.store(true);
  };
  if (!e.threads({caller, [&] { spawner.run(0); }})) return;
  spawner.run(0);
  const auto counts = timeout.counts();
  e.expect(!got || *got == 7, "a result that nobody gave");
  e.expect(counts.timed_out == (got ? 0U : 1U), "neither or both of result and timeout");
  e.expect(counts.late + counts.never_run == (got ? 0U : 1U),
           "what became of the work is not told once");
  e.expect(ran == (got || counts.late == 1), "work ran unseen");
  e.expect(permits.load() == 0, "the permit was lost or given back twice");
}

void the_spawner_drops_the_work_as_the_caller_leaves(explorer& e) {
  shared_time time;
  explorer_env::atomic<int> permits{0};
  desk<1> spawner;
  detached timeout{{.queue = 1s}, spawner, shared_clock{&time}};
  std::error_code got;
  hasty_waiter waiter{e, time};
  const auto caller = [&] {
    got = timeout.call_in(waiter, {}, [] { return std::error_code{}; }, tracked{permits});
    waiter.over.store(true);
  };
  if (!e.threads({caller, [&] { spawner.drop(0); }})) return;
  spawner.drop(0);
  e.expect(got == gabion::errc::timeout || got == gabion::errc::overloaded,
           "work that did not run was answered");
  e.expect(timeout.counts().never_run == 1, "work that did not run was not counted once");
  e.expect(permits.load() == 0, "the permit was lost or given back twice");
}

/// The first attempt runs; what happens to the second is up to the scenario.
template <class Second>
void two_attempts(explorer& e, const Second& second) {
  shared_time time;
  desk<2> spawner;
  gabion::unlimited_budget budget;
  gabion::basic_hedge<desk<2>, gabion::unlimited_budget, gabion::fixed_delay, shared_clock,
                      explorer_env>
      hedge{{.delay = 0ns}, spawner, budget, {}, shared_clock{&time}};
  std::optional<int> got;
  explorer_env::atomic<std::uint64_t> ran{0};
  hasty_waiter waiter{e, time};
  const auto caller = [&] {
    const gabion::call_context context{.until = gabion::deadline::at(instant{1h + 1s}),
                                       .idempotent = true};
    got = hedge.call_in(waiter, context, [&] { return ran.fetch_add(1), std::optional<int>{7}; });
    waiter.over.store(true);
  };
  if (!e.threads({caller, [&] { spawner.run(0); }, [&] { second(spawner); }})) return;
  spawner.run(0);
  if (spawner.used == 2) second(spawner);
  e.expect(!got || *got == 7, "a result that nobody gave");
  e.expect(hedge.counts().late == ran.load() - (got ? 1U : 0U),
           "not exactly one of the results won");
}

void two_attempts_end_as_the_caller_leaves(explorer& e) {
  two_attempts(e, [](desk<2>& spawner) { spawner.run(1); });
}
void one_attempt_is_dropped_as_the_caller_leaves(explorer& e) {
  two_attempts(e, [](desk<2>& spawner) { spawner.drop(1); });
}

void check(void (*scenario)(explorer&), const gabion::testing::explorer_options& options) {
  const auto found = explorer{options}.run(scenario);
  INFO(found.summary());
  CHECK(found);
  CHECK(found.exhausted);
  CHECK(found.executions > 10);
}

}  // namespace

TEST_CASE(
    "case 64: in every interleaving a detached call observes exactly one of result and timeout",
    "[timeout][explorer]") {
  check(the_caller_leaves_as_the_work_runs, {});
}

TEST_CASE(
    "in every interleaving work that is dropped is told to its caller and its permit comes back",
    "[timeout][explorer]") {
  check(the_spawner_drops_the_work_as_the_caller_leaves, {});
}

TEST_CASE("case 74: in every interleaving with three preemptions a hedged call has one winner",
          "[hedge][explorer]") {
  check(two_attempts_end_as_the_caller_leaves, {.preemptions = 3, .old_values = 0});
}

TEST_CASE(
    "in every interleaving with three preemptions an attempt that is dropped harms no hedged call",
    "[hedge][explorer]") {
  check(one_attempt_is_dropped_as_the_caller_leaves, {.preemptions = 3, .old_values = 0});
}
