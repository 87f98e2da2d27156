// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/core/subscriptions.hpp>
#include <gabion/resilience/circuit_breaker.hpp>

#include "support/catch.hpp"

namespace {

struct placed {
  int order = 0;
};
struct paid {
  int order = 0;
};
using hub_type = gabion::subscriptions<placed, paid>;

/// Counts how many of it there are.
struct counted {
  explicit counted(int& n) noexcept : alive{&n} { ++*alive; }
  counted(counted&& other) noexcept : alive{other.alive} { ++*alive; }
  ~counted() { --*alive; }
  int* alive;
};

}  // namespace

TEST_CASE("a listener hears what comes while it is subscribed and nothing after",
          "[subscriptions]") {
  hub_type hub;
  std::vector<int> heard;
  hub(placed{1});
  {
    const auto s = hub.subscribe([&](const placed& e) { heard.push_back(e.order); });
    CHECK(static_cast<bool>(s));
    CHECK(hub.size() == 1);
    hub(placed{2});
    hub(placed{3});
  }
  CHECK(hub.size() == 0);
  hub(placed{4});
  CHECK(heard == std::vector{2, 3});
}

TEST_CASE("a listener is told of the events that it takes and of no other", "[subscriptions]") {
  hub_type hub;
  int placed_heard = 0;
  int both_heard = 0;
  const auto one = hub.subscribe([&](const placed&) { ++placed_heard; });
  const auto both = hub.subscribe(gabion::observers{[&](const placed&) { ++both_heard; },
                                                    [&](const paid&) { both_heard += 10; }});
  hub(placed{1});
  hub(paid{1});
  CHECK(placed_heard == 1);
  CHECK(both_heard == 11);
}

TEST_CASE("a subscription moves and ends once", "[subscriptions]") {
  hub_type hub;
  int heard = 0;
  auto first = hub.subscribe([&](const placed&) { ++heard; });
  hub_type::subscription second = std::move(first);
  CHECK_FALSE(static_cast<bool>(first));
  hub(placed{1});
  CHECK(heard == 1);
  second = hub.subscribe([&](const placed&) { heard += 10; });  // the one before ends
  CHECK(hub.size() == 1);
  hub(placed{2});
  CHECK(heard == 11);
  second.reset();
  second.reset();
  hub(placed{3});
  CHECK(heard == 11);
  CHECK(hub.size() == 0);
}

TEST_CASE("a listener that is an lvalue stays with its owner", "[subscriptions]") {
  hub_type hub;
  struct {
    int heard = 0;
    void operator()(const placed&) { ++heard; }
  } mine;
  const auto s = hub.subscribe(mine);
  hub(placed{1});
  CHECK(mine.heard == 1);
}

TEST_CASE("a listener that is kept is destroyed with its subscription", "[subscriptions]") {
  hub_type hub;
  int alive = 0;
  {
    const auto s = hub.subscribe([c = counted{alive}](const placed&) { static_cast<void>(c); });
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("no more than the capacity may subscribe", "[subscriptions][bounds]") {
  hub_type hub{{.capacity = 2}};
  CHECK(hub.capacity() == 2);
  const auto ignore = [](const placed&) {};
  auto first = hub.subscribe(ignore);
  const auto second = hub.subscribe(ignore);
  try {
    const auto third = hub.subscribe(ignore);
    FAIL("a third one fitted");
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::full);
    CHECK(std::string{e.what()}.find(
              "all 2 are taken; end one, or raise subscriptions_options.capacity") !=
          std::string::npos);
  }
  first.reset();
  CHECK(static_cast<bool>(hub.subscribe(ignore)));
}

TEST_CASE("the capacity is checked on both sides", "[subscriptions][bounds]") {
  STATIC_REQUIRE(gabion::valid(gabion::subscriptions_options{.capacity = 1}));
  STATIC_REQUIRE(gabion::valid(gabion::subscriptions_options{.capacity = 1024}));
  STATIC_REQUIRE_FALSE(gabion::valid(gabion::subscriptions_options{.capacity = 0}));
  STATIC_REQUIRE_FALSE(gabion::valid(gabion::subscriptions_options{.capacity = 1025}));
  CHECK_THROWS_WITH(hub_type{{.capacity = 1025}},
                    Catch::Contains("subscriptions_options.capacity is 1025; allowed: 1 to 1024"));
  CHECK_THROWS_WITH(hub_type{{.capacity = 0}},
                    Catch::Contains("subscriptions_options.capacity is 0; allowed: 1 to 1024"));
}

TEST_CASE("what a listener throws is counted and keeps nobody else from hearing",
          "[subscriptions]") {
  hub_type hub;
  int heard = 0;
  const auto bad = hub.subscribe([](const placed&) { throw std::runtime_error{"no"}; });
  const auto worse = hub.subscribe([](const placed&) { throw 7; });
  const auto good = hub.subscribe([&](const placed&) { ++heard; });
  hub(placed{1});
  CHECK(heard == 1);
  CHECK(hub.listener_failures() == 2);
}

TEST_CASE("a listener may end its own subscription and is destroyed after its call",
          "[subscriptions][reentrant]") {
  hub_type hub;
  int alive = 0;
  int heard = 0;
  int alive_after_end = 0;
  hub_type::subscription s;
  s = hub.subscribe([&, c = counted{alive}](const placed&) {
    ++heard;
    s.reset();
    alive_after_end = *c.alive;
  });
  hub(placed{1});
  CHECK(alive_after_end == 1);
  CHECK(alive == 0);
  hub(placed{2});
  CHECK(heard == 1);
  CHECK(hub.size() == 0);
  std::vector<hub_type::subscription> all;  // its place is free again
  for (int i = 0; i < 8; ++i) all.push_back(hub.subscribe([](const placed&) {}));
  CHECK(hub.size() == 8);
}

TEST_CASE("a listener may subscribe others and end others and tell of further events",
          "[subscriptions][reentrant]") {
  hub_type hub;
  std::vector<std::string> heard;
  hub_type::subscription added;
  auto other = hub.subscribe([&](const paid&) { heard.emplace_back("paid"); });
  hub_type::subscription self;
  self = hub.subscribe([&](const placed& e) {
    heard.push_back("placed " + std::to_string(e.order));
    if (e.order == 1) {
      added = hub.subscribe([&](const paid&) { heard.emplace_back("paid too"); });
      hub(paid{1});
      hub(placed{2});  // inside its own call
    } else {
      other.reset();
      self.reset();
    }
  });
  hub(placed{1});
  hub(paid{2});
  hub(placed{3});
  CHECK(heard == std::vector<std::string>{"placed 1", "paid", "paid too", "placed 2", "paid too"});
}

TEST_CASE("a hub is the observer of a circuit breaker", "[subscriptions]") {
  gabion::subscriptions<gabion::circuit_transition> hub;
  gabion::basic_circuit_breaker breaker{gabion::circuit_breaker_options{.failures = 1},
                                        hub.observer()};
  gabion::circuit_state seen = gabion::circuit_state::closed;
  const auto s = hub.subscribe([&](const gabion::circuit_transition& t) { seen = t.to; });
  breaker.try_acquire()->failure();
  CHECK(seen == gabion::circuit_state::open);
}

TEST_CASE("ending a subscription waits for a call on another thread", "[subscriptions][threads]") {
  for (int round = 0; round < 200; ++round) {
    hub_type hub;
    std::atomic<bool> inside{false};
    std::atomic<bool> ending{false};
    std::atomic<bool> ended{false};
    std::atomic<bool> ended_too_soon{false};
    auto s = hub.subscribe([&](const placed&) {
      inside = true;
      while (!ending) std::this_thread::yield();
      for (int i = 0; i < 50; ++i) std::this_thread::yield();
      if (ended) ended_too_soon = true;
    });
    std::thread teller{[&] { hub(placed{1}); }};
    while (!inside) std::this_thread::yield();
    ending = true;
    s.reset();
    ended = true;
    teller.join();
    REQUIRE_FALSE(ended_too_soon.load());
  }
}

TEST_CASE("listeners come and go while events flow", "[subscriptions][threads]") {
  hub_type hub{{.capacity = 4}};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> heard{0};
  std::atomic<bool> called_after_end{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        hub(placed{1});
        hub(paid{1});
      }
    });
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 3'000; ++i) {
        // gone right after the subscription: a late call would be seen by the sanitizers
        std::vector<int> mine(1);
        bool over = false;
        {
          auto s = hub.subscribe([&](const placed&) {
            if (over) called_after_end = true;
            heard.fetch_add(static_cast<std::uint64_t>(mine.size()));
          });
          if (i % 3 == 0) hub(placed{2});
        }
        over = true;
      }
    });
  threads[2].join();
  threads[3].join();
  stop = true;
  threads[0].join();
  threads[1].join();
  CHECK_FALSE(called_after_end.load());
  CHECK(heard.load() >= 2'000);
  CHECK(hub.size() == 0);
  CHECK(hub.listener_failures() == 0);
}

TEST_CASE("a one-shot listener that events reach from several threads ends cleanly",
          "[subscriptions][threads]") {
  for (int round = 0; round < 300; ++round) {
    hub_type hub;
    int alive = 0;
    std::atomic<int> heard{0};
    std::atomic<bool> first{true};
    hub_type::subscription s;
    s = hub.subscribe([&, c = counted{alive}](const placed&) {
      heard.fetch_add(1);
      if (first.exchange(false)) s.reset();
    });
    std::array<std::thread, 3> tellers;
    for (auto& t : tellers) t = std::thread{[&] { hub(placed{1}); }};
    for (auto& t : tellers) t.join();
    REQUIRE(alive == 0);
    REQUIRE(heard >= 1);
    REQUIRE(hub.size() == 0);
  }
}
