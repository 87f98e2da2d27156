// SPDX-License-Identifier: MIT
// Calls on several threads while others share the circuit. Meant to run under the thread sanitizer
// too.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/circuit_opinion_store.hpp>
#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/shared_circuit.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

using gabion::testing::manual_clock;
using breaker = gabion::basic_circuit_breaker<manual_clock>;
using memory_store = gabion::memory::basic_circuit_opinion_store<manual_clock>;

/// A store that does not answer until it is let: whoever waits for it, waits.
class stuck_store {
 public:
  std::error_code publish(std::string_view, const gabion::circuit_opinion&, gabion::duration) {
    return {};
  }
  gabion::circuit_opinions read(std::string_view) {
    asked.store(true);
    const std::lock_guard wait{gate};
    return {};
  }

  std::mutex gate{};
  std::atomic<bool> asked{false};
};

}  // namespace

TEST_CASE("three instances share their circuit while calls fail and succeed on several threads",
          "[shared_circuit][threads]") {
  gabion::testing::manual_time time;
  memory_store store{time.clock()};
  const gabion::circuit_breaker_options options{
      .failures = 3, .open_for = 5ms, .successes_to_close = 1, .name = "stock"};
  std::array<breaker, 3> breakers{breaker{options, time.clock()}, breaker{options, time.clock()},
                                  breaker{options, time.clock()}};
  std::atomic<int> calling{4};
  std::atomic<std::uint64_t> trips{0};
  std::atomic<std::uint64_t> granted{0};
  std::atomic<bool> went_down{false};
  std::atomic<std::uint64_t> asked{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      // On and on until the others have opened a circuit, however the threads are scheduled.
      for (std::size_t i = 0; i < 10'000 || (trips.load() == 0 && i < 2'000'000); ++i) {
        auto admitted = breakers[(i + t) % 3].try_acquire();
        asked.fetch_add(1);
        if (admitted) {
          granted.fetch_add(1);
          (i / 40 + t) % 3 == 0 ? admitted->failure() : admitted->success();
        }
        time.advance(2us);
      }
      calling.fetch_sub(1);
    });
  std::array<std::string, 3> names{"a", "b", "c"};
  for (std::size_t i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      gabion::basic_shared_circuit shared{
          breakers[i], store,
          gabion::shared_circuit_options{.instance = names[i],
                                         .quorum = {.instances = 1, .percent = 1},
                                         .read_every = 100us,
                                         .renew_every = 1ms,
                                         .max_open = 10ms}};
      std::uint64_t seen = 0;
      while (calling.load() > 0) {
        (void)shared.step(time.now());
        const auto status = shared.status();
        trips.fetch_add(status.trips - std::exchange(seen, status.trips));
        if (!status.store_up) went_down = true;
        std::this_thread::yield();
      }
    });
  for (auto& t : threads) t.join();
  std::uint64_t counted = 0;
  for (const breaker& b : breakers)
    counted += b.snapshot().counts.settled() + b.snapshot().counts.rejected;
  CHECK(counted == asked.load());
  CHECK(granted.load() > 0);
  CHECK(trips.load() > 0);
  CHECK_FALSE(went_down.load());
}

TEST_CASE("no call waits for the store", "[shared_circuit][threads]") {
  gabion::testing::manual_time time;
  stuck_store store;
  breaker b{{.name = "stock"}, time.clock()};
  gabion::basic_shared_circuit shared{b, store, {.instance = "me"}};
  std::unique_lock closed{store.gate};
  std::thread agent{[&] { (void)shared.step(time.now()); }};
  while (!store.asked.load()) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) b.try_acquire()->success();
  CHECK(b.snapshot().counts.success == 1000);
  CHECK(shared.status().readings == 0);
  closed.unlock();
  agent.join();
  CHECK(shared.status().readings == 1);
}
