// SPDX-License-Identifier: MIT
// A waiter with nothing to wait for long: each wait would last an hour, and something ends it.
#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/pipeline.hpp>

#include "resilience/pipeline_fixture.hpp"
#include "support/catch.hpp"

using namespace pipeline_tests;

namespace {

[[nodiscard]] instant in_an_hour() { return gabion::steady_clock::now() + 1h; }

}  // namespace

TEST_CASE("a moment that is past is not waited for", "[blocking_waiter]") {
  gabion::blocking_waiter waiter;
  CHECK(waiter.wait_until(gabion::steady_clock::now()));
  CHECK(waiter.wait_until((instant::min)()));
}

TEST_CASE("a wait lasts until its moment by the waiter's clock", "[blocking_waiter]") {
  gabion::blocking_waiter waiter;
  const instant moment = gabion::steady_clock::now() + 2ms;
  CHECK(waiter.wait_until(moment));
  CHECK(gabion::steady_clock::now() >= moment);
  gabion::basic_blocking_waiter<gabion::coarse_clock> coarse;
  const instant tick = gabion::coarse_clock::now() + 2ms;
  CHECK(coarse.wait_until(tick));
  CHECK(gabion::coarse_clock::now() >= tick);
}

TEST_CASE("a wake that came before ends the next wait and only that", "[blocking_waiter]") {
  gabion::blocking_waiter waiter;
  waiter.wake();
  waiter.wake();
  CHECK(waiter.wait_until(in_an_hour()));
  const instant moment = gabion::steady_clock::now() + 1ms;
  CHECK(waiter.wait_until(moment));
  CHECK(gabion::steady_clock::now() >= moment);
}

TEST_CASE("a wake from another thread ends a wait", "[blocking_waiter]") {
  gabion::blocking_waiter waiter;
  std::thread other{[&] { waiter.wake(); }};
  CHECK(waiter.wait_until((instant::max)()));
  other.join();
}

TEST_CASE("a stop ends the wait that is going on and every later one", "[blocking_waiter]") {
  std::stop_source stop;
  gabion::blocking_waiter waiter{stop.get_token()};
  std::thread other{[&] { stop.request_stop(); }};
  CHECK_FALSE(waiter.wait_until(in_an_hour()));
  other.join();
  CHECK_FALSE(waiter.wait_until(in_an_hour()));
  CHECK_FALSE(waiter.wait_until(gabion::steady_clock::now()));
}

TEST_CASE("no wake is lost between two threads that take turns", "[blocking_waiter][threads]") {
  gabion::blocking_waiter mine;
  gabion::blocking_waiter theirs;
  constexpr int rounds = 2000;
  std::atomic<int> turn{0};
  std::thread other{[&] {
    for (int n = 0; n < rounds; ++n) {
      while (turn.load() != 2 * n + 1) static_cast<void>(theirs.wait_until(in_an_hour()));
      turn.store(2 * n + 2);
      mine.wake();
    }
  }};
  for (int n = 0; n < rounds; ++n) {
    turn.store(2 * n + 1);
    theirs.wake();
    while (turn.load() != 2 * n + 2) static_cast<void>(mine.wait_until(in_an_hour()));
  }
  other.join();
  CHECK(turn.load() == 2 * rounds);
}

TEST_CASE("case 60: a stop requested by another thread ends a real back-off at once",
          "[pipeline][threads]") {
  auto p = gabion::pipeline(simple_retry{3, 1h});
  std::stop_source stop;
  std::atomic<bool> failed{false};
  std::thread other{[&] {
    failed.wait(false);
    stop.request_stop();
  }};
  CHECK(p.call(call_context{.stop = stop.get_token()}, [&] {
    failed.store(true);
    failed.notify_all();
    return std::make_error_code(std::errc::timed_out);
  }) == make_error_code(errc::cancelled));
  other.join();
}
