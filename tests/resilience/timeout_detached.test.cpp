// SPDX-License-Identifier: MIT
#include <gabion/resilience/timeout_detached.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "resilience/spawners.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::deadline;
using gabion::detached_counts;
using gabion::detached_timeout_options;
using gabion::duration;
using gabion::errc;
using gabion::instant;
using gabion::testing::manual_clock;
using gabion::testing::manual_time;
using spawner_tests::held_spawner;
using spawner_tests::scripted_waiter;

namespace {

/// A permit that says when it was given back.
class counted_permit {
 public:
  explicit counted_permit(int& out) noexcept : out_{&out} { ++*out_; }
  counted_permit(counted_permit&& other) noexcept : out_{std::exchange(other.out_, nullptr)} {}
  counted_permit& operator=(counted_permit&&) = delete;
  ~counted_permit() {
    if (out_ != nullptr) --*out_;
  }

 private:
  int* out_;
};

struct bench {
  explicit bench(const detached_timeout_options& options = {.queue = 1s, .run = 1s})
      : timeout{options, spawner, time.clock()} {}

  template <class Function>
  auto call(scripted_waiter& waiter, Function f, const call_context& context = {}) {
    return timeout.call_in(waiter, context, std::move(f), counted_permit{permits});
  }

  manual_time time{};
  held_spawner spawner{};
  gabion::basic_detached_timeout<held_spawner, manual_clock> timeout;
  int permits = 0;
};

/// A clock that does something the next time it is read, once.
struct hooked_clock {
  manual_time* time;
  std::function<void()>* hook;
  [[nodiscard]] instant now() const noexcept {
    if (*hook) std::exchange(*hook, nullptr)();
    return time->now();
  }
};

/// Calls the work twice at once, and keeps it.
struct twice {
  std::function<void()> work{};
  template <class Work>
  bool spawn(Work w) {
    work = w;
    auto copy = w;
    copy();
    work();
    return true;
  }
};

/// Counts how many of it are alive.
struct tracked {
  explicit tracked(int& alive) : alive_{&alive} { ++*alive_; }
  tracked(const tracked& other) : alive_{other.alive_} { ++*alive_; }
  tracked& operator=(const tracked&) = delete;
  ~tracked() { --*alive_; }

 private:
  int* alive_;
};

}  // namespace

TEST_CASE("work that ends in time is the answer and gives its permit back", "[timeout][detached]") {
  bench b;
  int permits_while_running = 0;
  scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }}};
  const auto answer = b.call(waiter, [&] {
    permits_while_running = b.permits;
    return std::optional<int>{7};
  });
  CHECK(answer == 7);
  CHECK(permits_while_running == 1);
  CHECK(b.permits == 0);
  CHECK(b.timeout.counts() == detached_counts{});
}

TEST_CASE(
    "case 65: the caller goes at the deadline and the permit stays with the work until it is gone",
    "[timeout][detached]") {
  bench b;
  scripted_waiter waiter{b.time};
  const instant start = b.time.now();
  CHECK(b.call(waiter, [] { return std::error_code{}; }) == errc::timeout);
  CHECK(b.time.now() == start + 1s);
  CHECK(b.permits == 1);
  CHECK(b.spawner.held() == 1);
  b.spawner.run();
  CHECK(b.permits == 0);
}

TEST_CASE(
    "case 65: work that is running when the caller leaves goes on and its result is dropped and "
    "counted",
    "[timeout][detached]") {
  manual_time time;
  std::optional<spawner_tests::pool> pool{1};
  gabion::basic_detached_timeout timeout{detached_timeout_options{.run = 1s}, *pool, time.clock()};
  std::mutex gate;
  std::condition_variable changed;
  bool began = false;
  bool may_end = false;
  int permits = 0;
  int alive = 0;
  scripted_waiter waiter{time, {[&] {
                           std::unique_lock lock{gate};
                           changed.wait(lock, [&] { return began; });
                           CHECK(permits == 1);
                           time.advance(1s);
                         }}};
  const auto blocked = [&] {
    std::unique_lock lock{gate};
    began = true;
    changed.notify_all();
    changed.wait(lock, [&] { return may_end; });
    return std::optional<tracked>{tracked{alive}};
  };
  CHECK_FALSE(timeout.call_in(waiter, {}, blocked, counted_permit{permits}));
  CHECK(timeout.counts() == detached_counts{.timed_out = 1});
  {
    const std::lock_guard lock{gate};
    CHECK(permits == 1);
    may_end = true;
  }
  changed.notify_all();
  pool.reset();
  CHECK(timeout.counts() == detached_counts{.timed_out = 1, .late = 1});
  CHECK(permits == 0);
  CHECK(alive == 0);
}

TEST_CASE(
    "case 64: a deadline that passes as the work ends leaves exactly one of result and timeout",
    "[timeout][detached]") {
  bench b;
  SECTION("the result came first though the time is over when the caller looks") {
    scripted_waiter waiter{b.time, {[&] {
                             b.spawner.run();
                             b.time.advance(5s);
                           }}};
    CHECK(b.call(waiter, [] { return std::optional<int>{7}; }) == 7);
    CHECK(b.timeout.counts() == detached_counts{});
  }
  SECTION("the time was over first and the result is dropped") {
    scripted_waiter waiter{b.time, {[&] { b.time.advance(1s); }}};
    CHECK_FALSE(b.call(waiter, [] { return std::optional<int>{7}; }));
    b.spawner.run();
    CHECK(b.timeout.counts() == detached_counts{.timed_out = 1, .never_run = 1});
  }
  SECTION("work that would begin after its time does not begin") {
    bool ran = false;
    bench queued{{.queue = 1s}};
    scripted_waiter waiter{queued.time, {[&] {
                             queued.time.advance(1s);
                             queued.spawner.run();
                           }}};
    CHECK_FALSE(queued.call(waiter, [&] { return ran = true, std::optional<int>{7}; }));
    CHECK_FALSE(ran);
    CHECK(queued.permits == 0);
    CHECK(queued.timeout.counts() == detached_counts{.timed_out = 1, .never_run = 1});
  }
}

TEST_CASE("case 64: a result that comes between the last look and the leaving is observed",
          "[timeout][detached]") {
  manual_time time;
  held_spawner spawner;
  std::function<void()> hook;
  gabion::basic_detached_timeout timeout{detached_timeout_options{.queue = 1s}, spawner,
                                         hooked_clock{&time, &hook}};
  scripted_waiter waiter{time, {[&] {
                           hook = [&] {  // the caller has looked, and asks what time it is
                             spawner.run();
                             time.advance(1h);
                           };
                         }}};
  CHECK(timeout.call_in(waiter, {}, [] { return std::optional<int>{7}; }) == 7);
  CHECK_FALSE(hook);
  CHECK(timeout.counts() == detached_counts{});
}

TEST_CASE("the queue and the run have limits of their own", "[timeout][detached]") {
  bench b{{.queue = 5s, .run = 2s}};
  scripted_waiter waiter{b.time, {[&] { b.time.advance(4s); }, [&] { b.spawner.run(); }}};
  const instant start = b.time.now();
  deadline given;
  const auto answer = b.call(waiter, [&](const call_context& c) {
    given = c.until;
    return std::optional<int>{7};
  });
  CHECK(answer == 7);
  CHECK(given == deadline::at(start + 6s));
  CHECK(waiter.waits == std::vector<duration>{5s, 1s});

  scripted_waiter too_long{b.time};
  CHECK_FALSE(b.call(too_long, [] { return std::optional<int>{7}; }));
  CHECK(too_long.waits == std::vector<duration>{5s});
}

TEST_CASE("the caller is woken when its limit comes nearer as the work begins",
          "[timeout][detached]") {
  bench b{{.run = 2s}};
  scripted_waiter waiter{b.time};
  int woken_at_begin = 0;
  const auto f = [&] {
    woken_at_begin = waiter.woken;
    return std::optional<int>{7};
  };
  waiter = scripted_waiter{b.time, {[&] { b.spawner.run(); }}};
  CHECK(b.call(waiter, f) == 7);
  CHECK(woken_at_begin == 1);
  CHECK(waiter.woken == 2);
}

TEST_CASE("case 79: the caller's deadline is the nearer one and an expired one starts nothing",
          "[timeout][detached]") {
  bench b{{.queue = 5s, .run = 5s}};
  call_context context;
  context.until = deadline::at(b.time.now() + 1s);
  scripted_waiter waiter{b.time};
  CHECK_FALSE(b.call(waiter, [] { return std::optional<int>{7}; }, context));
  CHECK(waiter.waits == std::vector<duration>{1s});
  scripted_waiter unused{b.time};
  CHECK_FALSE(b.call(unused, [] { return std::optional<int>{7}; }, context));
  CHECK(unused.waits.empty());
  CHECK(b.spawner.held() == 1);
}

TEST_CASE("a caller that is told to stop leaves as cancelled and tells its work",
          "[timeout][detached]") {
  bench b;
  std::stop_source stop;
  call_context context{.stop = stop.get_token()};
  scripted_waiter waiter{b.time};
  waiter = scripted_waiter{b.time, {[&] {
                             waiter.stopped = true;
                             stop.request_stop();
                           }}};
  const auto answer =
      b.timeout.call_in(waiter, context, [&](const call_context&) { return std::error_code{}; });
  CHECK(answer == errc::cancelled);
  CHECK(b.timeout.counts().timed_out == 1);
  b.spawner.run();
  CHECK(b.timeout.counts().never_run == 1);
}

TEST_CASE("work that looks at its context learns that its caller has gone", "[timeout][detached]") {
  manual_time time;
  std::optional<spawner_tests::pool> pool{1};
  gabion::basic_detached_timeout timeout{detached_timeout_options{.run = 1s}, *pool, time.clock()};
  std::atomic<bool> began{false};
  std::atomic<bool> saw_stop{false};
  std::string key_of_work;
  scripted_waiter waiter{time, {[&] {
                           while (!began) std::this_thread::yield();
                           time.advance(1s);
                         }}};
  const auto f = [&](const call_context& c) {
    began = true;
    while (!c.stop.stop_requested()) std::this_thread::yield();
    key_of_work = c.idempotency_key;
    CHECK_FALSE(c.wake);
    saw_stop = true;
    return std::error_code{};
  };
  {
    const std::string key(100, 'k');  // gone when the work looks at it
    call_context context;
    context.idempotency_key = key;
    CHECK(timeout.call_in(waiter, context, f) == errc::timeout);
  }
  pool.reset();
  CHECK(timeout.counts() == detached_counts{.timed_out = 1, .late = 1});
  CHECK(saw_stop);
  CHECK(key_of_work == std::string(100, 'k'));
}

TEST_CASE("a spawner that has no room or drops the work makes the call overloaded",
          "[timeout][detached]") {
  bench b;
  bool ran = false;
  const auto f = [&] { return ran = true, std::error_code{}; };
  SECTION("no room") {
    b.spawner.full = true;
    scripted_waiter waiter{b.time};
    CHECK(b.call(waiter, f) == errc::overloaded);
    CHECK(waiter.waits.empty());
  }
  SECTION("dropped") {
    scripted_waiter waiter{b.time, {[&] { b.spawner.drop(); }}};
    CHECK(b.call(waiter, f) == errc::overloaded);
    CHECK(waiter.woken == 1);
  }
  CHECK_FALSE(ran);
  CHECK(b.permits == 0);
  CHECK(b.timeout.counts() == detached_counts{.never_run = 1});
}

TEST_CASE("a waiter that throws leaves no work that wakes the caller that has gone",
          "[timeout][detached]") {
  bench b;
  scripted_waiter waiter{b.time, {[] { throw std::runtime_error{"no waiting"}; }}};
  CHECK_THROWS_AS(b.call(waiter, [] { return std::optional<int>{7}; }), std::runtime_error);
  b.spawner.run();
  CHECK(waiter.woken == 0);
  CHECK(b.timeout.counts() == detached_counts{.never_run = 1});
  CHECK(b.permits == 0);
}

TEST_CASE("work that is called twice runs once", "[timeout][detached]") {
  twice spawner;
  gabion::basic_detached_timeout timeout{detached_timeout_options{}, spawner};
  int runs = 0;
  CHECK(timeout.call([&] { return ++runs; }) == 1);
  spawner.work();
  CHECK(runs == 1);
}

TEST_CASE("what the work throws goes on to the caller unchanged", "[timeout][detached]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }}};
  const auto f = []() -> int { throw std::runtime_error{"broken"}; };
  CHECK_THROWS_AS(b.call(waiter, f), std::runtime_error);
  CHECK(b.permits == 0);
  CHECK(b.timeout.counts() == detached_counts{});
}

TEST_CASE("a result that cannot say so is told of a timeout by an exception",
          "[timeout][detached]") {
  bench b;
  scripted_waiter waiter{b.time, {[&] { b.time.advance(1h); }}};
  try {
    b.call(waiter, [] {});
    FAIL("it must throw");
  } catch (const gabion::refused_error& e) {
    CHECK(e.code() == errc::timeout);
  }
}

TEST_CASE("nothing is left when caller and work have both ended whoever was first",
          "[timeout][detached]") {
  bench b;
  int alive = 0;
  {
    scripted_waiter waiter{b.time, {[&] { b.spawner.run(); }}};
    b.call(waiter, [t = tracked{alive}] {});
    CHECK(alive == 0);
  }
  {
    scripted_waiter waiter{b.time};
    CHECK(b.call(waiter, [t = tracked{alive}] { return std::error_code{}; }) == errc::timeout);
    CHECK(alive == 1);
    b.spawner.run();
    CHECK(alive == 0);
  }
  {
    scripted_waiter waiter{b.time};
    CHECK(b.call(waiter, [t = tracked{alive}] { return std::error_code{}; }) == errc::timeout);
    b.spawner.drop();
    CHECK(alive == 0);
  }
}

TEST_CASE("work may outlive the timeout that started it", "[timeout][detached]") {
  manual_time time;
  held_spawner spawner;
  int permits = 0;
  {
    gabion::basic_detached_timeout timeout{detached_timeout_options{.run = 1s}, spawner,
                                           time.clock()};
    scripted_waiter waiter{time};
    const auto answer = timeout.call_in(
        waiter, {.until = deadline::at(time.now() + 1s)}, [] { return std::error_code{}; },
        counted_permit{permits});
    CHECK(answer == errc::timeout);
  }
  CHECK(permits == 1);
  spawner.run();
  CHECK(permits == 0);
}

TEST_CASE("on the real clock a blocking call ends by its result", "[timeout][detached]") {
  spawner_tests::pool pool{2};
  gabion::basic_detached_timeout timeout{detached_timeout_options{}, pool};
  CHECK(timeout.call([] { return 7; }) == 7);
  CHECK(timeout.call({}, [](const call_context& c) { return c.until.is_never(); }) == false);
}

TEST_CASE("detached options outside their range are refused by name", "[timeout][detached]") {
  using Catch::Matchers::Contains;
  held_spawner spawner;
  const auto refusal = [&](const detached_timeout_options& o) -> std::string {
    try {
      gabion::basic_detached_timeout{o, spawner};
    } catch (const gabion::error& e) {
      CHECK(e.code() == errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  CHECK_THAT(refusal({.queue = 0ns}),
             Contains("detached_timeout_options.queue is 0 ns; allowed: more than 0 ns"));
  CHECK_THAT(refusal({.run = -1ns}),
             Contains("detached_timeout_options.run is -1 ns; allowed: more than 0 ns"));
  CHECK(refusal({.queue = 1ns, .run = 1ns}).empty());
  static_assert(gabion::valid(detached_timeout_options{}) &&
                !gabion::valid(detached_timeout_options{.run = 0ns}));
  static_assert(!gabion::valid(detached_timeout_options{.queue = 0ns}));
}
