// SPDX-License-Identifier: MIT
#include <set>
#include <string>
#include <utility>

#include <gabion/testing/explorer_env.hpp>

#include "support/catch.hpp"

using gabion::testing::exploration;
using gabion::testing::explorer;
using gabion::testing::explorer_env;

TEST_CASE("the explorer finds the lost update of a load and a store", "[explorer]") {
  const auto lost_update = [](explorer& e) {
    explorer_env::atomic<int> n{0};
    const auto add = [&] { n.store(n.load() + 1); };
    if (!e.threads({add, add})) return;
    e.expect(n.load() == 2, "an update was lost");
  };
  const exploration found = explorer{}.run(lost_update);
  CHECK(found.failure == "an update was lost");
  REQUIRE_FALSE(found.schedule.empty());

  const exploration again = explorer{{.replay = found.schedule}}.run(lost_update);
  CHECK(again.executions == 1);
  CHECK(again.failure == found.failure);
  CHECK(again.schedule == found.schedule);
}

TEST_CASE("the explorer exhausts a correct update and finds nothing", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::atomic<int> n{0};
    const auto add = [&] { n.fetch_add(1); };
    if (!e.threads({add, add, add})) return;
    e.expect(n.load() == 3, "an update was lost");
  });
  CHECK(found);
  CHECK(found.exhausted);
  CHECK(found.executions == 6);
}

TEST_CASE("the explorer sees every outcome of two threads that read what the other writes", "[explorer]") {
  std::set<std::pair<int, int>> seen;
  const exploration found = explorer{}.run([&](explorer& e) {
    explorer_env::atomic<int> a{0};
    explorer_env::atomic<int> b{0};
    int x = -1;
    int y = -1;
    const auto left = [&] {
      a.store(1);
      x = b.load();
    };
    const auto right = [&] {
      b.store(1);
      y = a.load();
    };
    if (!e.threads({left, right})) return;
    seen.emplace(x, y);
  });
  CHECK(found.exhausted);
  CHECK(seen == std::set<std::pair<int, int>>{{0, 1}, {1, 0}, {1, 1}});
}

TEST_CASE("the explorer leaves out executions that only swap independent accesses", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::atomic<int> a{0};
    explorer_env::atomic<int> b{0};
    const auto left = [&] {
      for (int i = 0; i < 10; ++i) a.store(i);
    };
    const auto right = [&] {
      for (int i = 0; i < 10; ++i) b.store(i);
    };
    static_cast<void>(e.threads({left, right}));
  });
  CHECK(found.exhausted);
  CHECK(found.executions < 50);  // of 184,756 interleavings
}

TEST_CASE("the explorer reports a deadlock", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::mutex a;
    explorer_env::mutex b;
    const auto ab = [&] {
      a.lock();
      b.lock();
      b.unlock();
      a.unlock();
    };
    const auto ba = [&] {
      b.lock();
      a.lock();
      a.unlock();
      b.unlock();
    };
    static_cast<void>(e.threads({ab, ba}));
  });
  CHECK(found.failure == "deadlock");
}

TEST_CASE("the explorer keeps threads out of a mutex that is held", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::mutex m;
    explorer_env::atomic<int> n{0};
    const auto add = [&] {
      m.lock();
      n.store(n.load() + 1);
      m.unlock();
    };
    if (!e.threads({add, add, add})) return;
    e.expect(n.load() == 3, "an update was lost");
  });
  CHECK(found);
  CHECK(found.exhausted);
}

TEST_CASE("the explorer reports a thread that never ends", "[explorer]") {
  const exploration found = explorer{{.max_steps = 100}}.run([](explorer& e) {
    explorer_env::atomic<int> n{0};
    const auto wait = [&] {
      while (n.load() == 0) {}
    };
    static_cast<void>(e.threads({wait}));
  });
  CHECK(found.failure.find("livelock") != std::string::npos);
}
