// SPDX-License-Identifier: MIT
// What a hedge owes to its attempts, to the policies beside it and to a shared budget.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/circuit_registry.hpp>
#include <gabion/resilience/hedged_pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;

namespace {

/// Runs each attempt at once, on the caller's thread.
struct inline_spawner {
  template <class Work>
  bool spawn(Work work) {
    work();
    return true;
  }
};

/// Runs the first attempt on a thread of its own, until it is inside the function, and the others
/// at once.
class first_in_background {
 public:
  template <class Work>
  bool spawn(Work work) {
    if (thread_.joinable()) {
      work();
    } else {
      thread_ = std::jthread{[work]() mutable { work(); }};
      entered.acquire();
    }
    return true;
  }
  void join() {
    may_return.release();
    thread_.join();
  }

  std::binary_semaphore entered{0};
  std::binary_semaphore may_return{0};

 private:
  std::jthread thread_{};
};

/// A clock that knows which of its copies still exist, and counts the use of one that does not.
class mortal_clock {
 public:
  mortal_clock() { born(); }
  mortal_clock(const mortal_clock& other) {
    used(&other);
    born();
  }
  mortal_clock& operator=(const mortal_clock&) = default;
  ~mortal_clock() {
    const std::lock_guard guard{lock()};
    alive().erase(this);
  }
  [[nodiscard]] gabion::instant now() const noexcept {
    used(this);
    return gabion::instant{1h};
  }
  static inline int uses_after_destruction = 0;

 private:
  [[maybe_unused]] int member_ = 0;  // an address of its own
  static std::mutex& lock() {
    static std::mutex m;
    return m;
  }
  static std::set<const void*>& alive() {
    static std::set<const void*> objects;
    return objects;
  }
  static void used(const void* object) {
    const std::lock_guard guard{lock()};
    if (!alive().contains(object)) ++uses_after_destruction;
  }
  void born() {
    const std::lock_guard guard{lock()};
    alive().insert(this);
  }
};

/// Looks at the clock when an attempt has ended, as a timeout or a retry does.
struct timekeeper {
  static constexpr gabion::policy_kind kind = gabion::policy_kind::other;
  struct run {
    explicit run(timekeeper& /*policy*/) noexcept {}
    template <class Now>
    gabion::entry_step enter(gabion::call_context& /*context*/, const Now& /*now*/) noexcept {
      return gabion::entry_step::pass();
    }
    template <class Now>
    gabion::exit_step leave(gabion::call_outcome& /*outcome*/, gabion::call_context& /*context*/,
                            const Now& now) noexcept {
      static_cast<void>(now());
      return gabion::exit_step::up();
    }
  };
};

struct bad_request : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const call_context repeatable{.idempotent = true};

auto failing(int& attempts) {
  return [&attempts] {
    ++attempts;
    return std::make_error_code(std::errc::timed_out);
  };
}

}  // namespace

TEST_CASE("R1: a pipeline with a hedge may be made where it is called", "[fault][!shouldfail]") {
  first_in_background threads;
  gabion::retry_budget budget;
  timekeeper inner;
  gabion::basic_hedge hedge{gabion::hedge_options{.delay = 0ns}, threads, budget,
                            gabion::fixed_delay{}, mortal_clock{}};
  const auto send = [&threads](const call_context& context) {
    if (context.attempt != 1) return 42;
    threads.entered.release();
    threads.may_return.acquire();
    return 1;
  };
  mortal_clock::uses_after_destruction = 0;
  // The place outlives the pipeline, so that nothing here touches memory that is not its own.
  auto pipeline_at_the_call = [&] { return gabion::pipeline(mortal_clock{}, hedge, inner); };
  std::optional<decltype(pipeline_at_the_call())> guarded;
  guarded.emplace(pipeline_at_the_call());
  CHECK(guarded->call(repeatable, send) == 42);
  guarded.reset();
  threads.join();
  CHECK(mortal_clock::uses_after_destruction == 0);
}

TEST_CASE("R1a: an attempt keeps the breaker of a registry handle alive", "[fault][!shouldfail]") {
  const auto recipe = [](std::string_view) { return gabion::circuit_breaker_options{}; };
  gabion::basic_circuit_registry registry{gabion::keyed_registry_options{.shards = 1}, recipe};
  using handle = decltype(registry.get("payments"));
  CHECK(gabion::policy<handle>);
}

TEST_CASE("R2: a hedge does not repeat an exception that the judgement ignores",
          "[fault][!shouldfail]") {
  inline_spawner threads;
  gabion::retry_budget budget{{.per_second = 0}};
  gabion::circuit_breaker breaker{{}};
  gabion::basic_hedge hedge{gabion::hedge_options{.max_hedges = 3, .delay = 10s}, threads, budget};
  auto guarded = gabion::pipeline(hedge, breaker);
  int attempts = 0;
  const auto send = [&attempts]() -> int {
    ++attempts;
    throw bad_request{"negative amount"};
  };
  CHECK_THROWS_AS(guarded.call(repeatable, gabion::ignore_exceptions<bad_request>(), send),
                  bad_request);
  CHECK(attempts == 1);
  CHECK(budget.tokens() == 100);
}

TEST_CASE("R3: a refusal from below a hedge ends it and costs nothing", "[fault][!shouldfail]") {
  inline_spawner threads;
  gabion::retry_budget budget{{.tokens = 20, .per_second = 0}};
  gabion::circuit_breaker breaker{{}};
  breaker.trip(1h);
  gabion::basic_hedge hedge{gabion::hedge_options{.delay = 10s}, threads, budget};
  auto guarded = gabion::pipeline(hedge, breaker);
  for (int i = 0; i < 10; ++i)
    CHECK(guarded.call(repeatable, [] { return std::error_code{}; }) == gabion::errc::circuit_open);
  CHECK(budget.tokens() == 20);
  CHECK(breaker.snapshot().counts.rejected == 10);
}

TEST_CASE("R4: retry and hedge on one budget make no more attempts than it promises",
          "[fault][!shouldfail]") {
  inline_spawner threads;
  gabion::circuit_breaker breaker{{.failures = 65535}};
  gabion::windowed_retry_budget budget{{.percent = 20, .per_second = 0, .keep = 1h}};
  gabion::basic_retry_policy retry{{.max_attempts = 2, .backoff = {.initial = 0ns, .cap = 0ns}},
                                   budget};
  gabion::basic_hedge hedge{gabion::hedge_options{.delay = 10s, .on_failure = false}, threads,
                            budget};
  auto guarded = gabion::pipeline(retry, hedge, breaker);
  int attempts = 0;
  for (int i = 0; i < 200; ++i) static_cast<void>(guarded.call(repeatable, failing(attempts)));
  CHECK(attempts <= 240);
}

TEST_CASE("R4a: a failed attempt below retry and hedge takes one token", "[fault][!shouldfail]") {
  inline_spawner threads;
  gabion::retry_budget budget{{.per_second = 0}};
  gabion::basic_retry_policy once{{.max_attempts = 1}, budget};
  gabion::basic_hedge hedge{gabion::hedge_options{.delay = 10s, .on_failure = false}, threads,
                            budget};
  auto guarded = gabion::pipeline(once, hedge);
  int attempts = 0;
  for (int i = 0; i < 10; ++i) static_cast<void>(guarded.call(repeatable, failing(attempts)));
  CHECK(budget.tokens() == 90);
}

namespace {

/// Says whether the calling thread holds a mutex.
struct noted_env : gabion::native_env {
  struct mutex {
    void lock() {
      own.lock();
      ++held;
    }
    void unlock() {
      --held;
      own.unlock();
    }
    std::mutex own{};
  };
  static inline thread_local int held = 0;
};

struct curious_budget {
  template <class Now>
  void note(gabion::budget_event /*what*/, const Now& /*now*/) {
    if (noted_env::held != 0) ++called_under_lock;
  }
  template <class Now>
  bool try_spend(gabion::extra_attempt /*what*/, const Now& /*now*/) {
    if (noted_env::held != 0) ++called_under_lock;
    return true;
  }
  int called_under_lock = 0;
};

}  // namespace

TEST_CASE("R4b: a hedge calls its budget outside its lock", "[fault][!shouldfail]") {
  inline_spawner threads;
  curious_budget budget;
  gabion::basic_hedge<inline_spawner, curious_budget, gabion::fixed_delay, gabion::steady_clock,
                      noted_env>
      hedge{gabion::hedge_options{.delay = 10s}, threads, budget};
  int attempts = 0;
  static_cast<void>(hedge.call(repeatable, failing(attempts)));
  CHECK(attempts == 2);
  CHECK(budget.called_under_lock == 0);
}
