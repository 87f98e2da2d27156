// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include <gabion/core/wake_ref.hpp>
#include <gabion/testing/explorer_env.hpp>

#include "support/catch.hpp"

using gabion::testing::exploration;
using gabion::testing::explorer;
using gabion::testing::explorer_env;
using gabion::testing::explorer_options;
using gabion::testing::search_by;

namespace {

void lost_update(explorer& e) {
  explorer_env::atomic<int> n{0};
  const auto add = [&] { n.store(n.load() + 1); };
  if (!e.threads({add, add})) return;
  e.expect(n.load() == 2, "an update was lost");
}

// `threads` threads that each change one word `times` times: no two orders are alike.
std::size_t orders_of_updates(std::size_t threads, int times, explorer_options options = {}) {
  const exploration found = explorer{options}.run([=](explorer& e) {
    explorer_env::atomic<int> n{0};
    const auto add = [&] {
      for (int i = 0; i < times; ++i) n.fetch_add(1);
    };
    const bool done = threads == 2   ? e.threads({add, add})
                      : threads == 3 ? e.threads({add, add, add})
                                     : e.threads({add, add, add, add});
    e.expect(done && n.load() == static_cast<int>(threads) * times, "an update was lost");
  });
  CHECK(found);
  CHECK(found.exhausted);
  CHECK(found.redundant == 0);
  return found.executions;
}

// Only a reader that is interrupted between its loads, by a writer that is interrupted between its
// stores, sees both.
void seen_between_and_after(explorer& e) {
  explorer_env::atomic<int> x{0};
  std::array<int, 2> seen{};
  const auto write = [&] {
    x.store(1);
    x.store(2);
  };
  const auto read = [&] {
    seen[0] = x.load();
    seen[1] = x.load();
  };
  if (!e.threads({write, read})) return;
  e.expect(seen != std::array{1, 2}, "both stores were seen");
}

}  // namespace

TEST_CASE("the explorer finds the lost update of a load and a store", "[explorer]") {
  const exploration found = explorer{}.run(lost_update);
  CHECK(found.failure == "an update was lost");
  REQUIRE_FALSE(found.schedule.empty());

  const exploration again = explorer{{.replay = found.schedule}}.run(lost_update);
  CHECK(again.executions == 1);
  CHECK(again.failure == found.failure);
  CHECK(again.schedule == found.schedule);
}

TEST_CASE("the explorer runs each order of dependent steps once", "[explorer]") {
  CHECK(orders_of_updates(2, 1) == 2);
  CHECK(orders_of_updates(2, 2) == 6);
  CHECK(orders_of_updates(2, 5) == 252);  // 10 over 5
  CHECK(orders_of_updates(3, 1) == 6);
  CHECK(orders_of_updates(3, 2) == 90);    // 6! / 2! 2! 2!
  CHECK(orders_of_updates(4, 2) == 2520);  // 8! / 2! 2! 2! 2!
}

TEST_CASE("a bound of preemptions admits as many as it says", "[explorer]") {
  CHECK(orders_of_updates(2, 2, {.preemptions = 0}) == 2);  // AABB BBAA
  CHECK(orders_of_updates(2, 2, {.preemptions = 1}) == 4);  // ABBA BAAB
  CHECK(orders_of_updates(2, 2, {.preemptions = 2}) == 6);  // ABAB BABA
  CHECK(orders_of_updates(3, 1, {.preemptions = 0}) == 6);
  CHECK(orders_of_updates(3, 2, {.preemptions = 100}) == 90);
}

TEST_CASE("what takes two preemptions is found with two and not with one", "[explorer]") {
  const auto with = [](std::size_t preemptions) {
    return explorer{{.preemptions = preemptions, .old_values = 0}}.run(seen_between_and_after);
  };
  CHECK(with(0));
  CHECK(with(1));
  CHECK(with(1).exhausted);
  CHECK(with(2).failure == "both stores were seen");
}

TEST_CASE("the explorer sees every outcome of two threads that read what the other writes",
          "[explorer]") {
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
  CHECK(found.executions - found.redundant == 1);
  CHECK(found.executions < 50);  // of 184,756 interleavings
}

TEST_CASE("the explorer reports a deadlock", "[explorer]") {
  const auto crossed = [](explorer& e) {
    explorer_env::mutex a;
    explorer_env::mutex b;
    const auto ab = [&] {
      const std::lock_guard first{a};
      const std::lock_guard second{b};
    };
    const auto ba = [&] {
      const std::lock_guard first{b};
      const std::lock_guard second{a};
    };
    static_cast<void>(e.threads({ab, ba}));
  };
  const exploration found = explorer{}.run(crossed);
  CHECK(found.failure == "deadlock");
  CHECK(explorer{{.replay = found.schedule}}.run(crossed).failure == "deadlock");
}

TEST_CASE("the explorer keeps threads out of a mutex that is held", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::mutex m;
    explorer_env::atomic<int> n{0};
    explorer_env::plain<int> plain{0};
    const auto add = [&] {
      const std::lock_guard guard{m};
      n.store(n.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      plain = plain + 1;
    };
    if (!e.threads({add, add, add})) return;
    e.expect(n.load() == 3 && plain == 3, "an update was lost");
  });
  CHECK(found);
  CHECK(found.exhausted);
  CHECK(found.executions - found.redundant == 6);
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
  CHECK(found.deepest == 100);
}

TEST_CASE("the explorer reports a wakeup that was lost", "[explorer]") {
  // The flag is looked at, then the waiter gets ready: what is announced in between wakes nobody.
  const auto scenario = [](bool announced_before) {
    return [=](explorer& e) {
      explorer_env::atomic<int> ready{0};
      explorer_env::atomic<int> waiting{0};
      explorer_env::event parked;
      const auto wait = [&] {
        if (announced_before) waiting.store(1);
        if (ready.load() != 0) return;
        if (!announced_before) waiting.store(1);
        parked.wait();
      };
      const auto wake = [&] {
        ready.store(1);
        if (waiting.load() != 0) gabion::wake_ref{parked}.wake();
      };
      static_cast<void>(e.threads({wait, wake}));
    };
  };
  CHECK(explorer{}.run(scenario(false)).failure == "lost wakeup: a thread waits for ever");
  const exploration good = explorer{}.run(scenario(true));
  CHECK(good);
  CHECK(good.exhausted);
}

TEST_CASE("an event remembers one wakeup and shows what was done before it", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::plain<int> data{0};
    explorer_env::event told;
    int seen = 0;
    const auto tell = [&] {
      data = 7;
      told.wake();
      told.wake();
    };
    const auto hear = [&] {
      told.wait();
      seen = data;
    };
    if (!e.threads({tell, hear})) return;
    e.expect(seen == 7, "the data was not seen");
  });
  CHECK(found);
  CHECK(found.exhausted);
}

TEST_CASE("a wait whose time is over says whether it was woken before", "[explorer]") {
  std::set<bool> seen;
  const exploration found = explorer{}.run([&](explorer& e) {
    explorer_env::event told;
    bool woken = false;
    if (!e.threads({[&] { told.wake(); }, [&] { woken = told.take(); }})) return;
    seen.insert(woken);
    e.expect(told.take() != woken, "a wakeup was doubled or lost");
  });
  CHECK(found);
  CHECK(seen.size() == 2);
}

TEST_CASE("a wait for another value ends when it is told of one and not without", "[explorer]") {
  const auto scenario = [](bool told) {
    return [=](explorer& e) {
      explorer_env::atomic<int> n{0};
      explorer_env::plain<int> data{0};
      const auto change = [&] {
        data = 7;
        n.store(1, std::memory_order_release);
        if (told) n.notify_all();
      };
      const auto wait = [&] {
        n.wait(0, std::memory_order_acquire);
        e.expect(data == 7, "woken without the data");
      };
      static_cast<void>(e.threads({change, wait, wait}));
    };
  };
  const exploration good = explorer{}.run(scenario(true));
  CHECK(good);
  CHECK(good.exhausted);
  CHECK(explorer{}.run(scenario(false)).failure == "lost wakeup: a thread waits for ever");
}

TEST_CASE("a thread knows who it is", "[explorer]") {
  CHECK(explorer_env::this_thread() == nullptr);
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::atomic<int> n{0};
    const void* first = nullptr;
    const void* second = nullptr;
    const auto ask = [&](const void*& me) {
      return [&] {
        me = explorer_env::this_thread();
        n.fetch_add(1);
        e.expect(me == explorer_env::this_thread(), "another one after a step");
      };
    };
    if (!e.threads({ask(first), ask(second)})) return;
    e.expect(first != second && first != nullptr, "two are one");
  });
  CHECK(found);
}

TEST_CASE("the explorer reports a race on plain data in whatever order the two come",
          "[explorer]") {
  const auto publish_with = [](std::memory_order store, std::memory_order load) {
    return explorer{}.run([=](explorer& e) {
      explorer_env::plain<int> data{0};
      explorer_env::atomic<bool> ready{false};
      const auto write = [&] {
        data = 1;
        ready.store(true, store);
      };
      const auto read = [&] {
        if (ready.load(load)) e.expect(data == 1, "ready without data");
      };
      static_cast<void>(e.threads({write, read}));
    });
  };
  CHECK(publish_with(std::memory_order_release, std::memory_order_acquire));
  CHECK(publish_with(std::memory_order_release, std::memory_order_acquire).exhausted);
  CHECK(publish_with(std::memory_order_relaxed, std::memory_order_acquire)
            .failure.find("data race") == 0);
  CHECK(publish_with(std::memory_order_release, std::memory_order_relaxed)
            .failure.find("data race") == 0);

  const auto first_execution =
      // one after the other, and a race all the same
      explorer{{.max_executions = 1}}.run([](explorer& e) {
        explorer_env::plain<int> data{0};
        static_cast<void>(e.threads({[&] { data = 1; }, [&] { data = 2; }}));
      });
  CHECK(first_execution.failure == "data race: a thread writes plain data that another one uses");
}

TEST_CASE("a weak exchange fails for nothing as often as the options say", "[explorer]") {
  const auto fails = [](std::size_t allowed) {
    std::set<int> seen;
    const exploration found = explorer{{.spurious_failures = allowed}}.run([&](explorer& e) {
      explorer_env::atomic<int> n{0};
      int failed = 0;
      const auto add = [&] {
        for (int old = n.load(); !n.compare_exchange_weak(old, old + 1);) ++failed;
      };
      if (!e.threads({add})) return;
      seen.insert(failed);
    });
    CHECK(found);
    CHECK(found.exhausted);
    return seen;
  };
  CHECK(fails(0) == std::set<int>{0});
  CHECK(fails(2) == std::set<int>{0, 1, 2});
}

TEST_CASE("a schedule holds the values that were read and what failed for nothing", "[explorer]") {
  const auto scenario = [](explorer& e) {
    explorer_env::atomic<int> x{0};
    explorer_env::atomic<int> y{0};
    explorer_env::atomic<int> z{0};
    int a = -1;
    int b = -1;
    bool failed = false;
    const auto left = [&] {
      x.store(1, std::memory_order_relaxed);
      a = y.load(std::memory_order_relaxed);
      int none = 0;
      failed = !z.compare_exchange_weak(none, 1);
    };
    const auto right = [&] {
      y.store(1, std::memory_order_relaxed);
      b = x.load(std::memory_order_relaxed);
    };
    if (!e.threads({left, right})) return;
    e.expect(a != 0 || b != 0 || !failed, "both read old values and the exchange failed");
  };
  const exploration found = explorer{{.spurious_failures = 1}}.run(scenario);
  REQUIRE_FALSE(found);
  CHECK(found.schedule.find('b') != std::string::npos);
  CHECK(found.schedule.find('!') != std::string::npos);
  CHECK(found.trace.find("(old by 1)") != std::string::npos);
  CHECK(explorer{{.replay = found.schedule, .spurious_failures = 1}}.run(scenario).failure ==
        found.failure);
}

TEST_CASE("a schedule that is none or of another scenario is refused in words", "[explorer]") {
  CHECK(explorer{{.replay = "hello"}}.run(lost_update).failure.find("cannot be read") !=
        std::string::npos);
  CHECK(explorer{{.replay = "A2C"}}.run(lost_update).failure.find("another scenario") !=
        std::string::npos);
}

TEST_CASE("a random walk finds what it can and is the same for the same seed", "[explorer]") {
  const auto walk = [](std::uint64_t seed) {
    return explorer{{.max_executions = 1'000, .search = search_by::random_walk, .seed = seed}}.run(
        lost_update);
  };
  CHECK(walk(1).failure == "an update was lost");
  CHECK(walk(1).executions == walk(1).executions);
  CHECK(walk(1).schedule == walk(1).schedule);

  const exploration good =
      explorer{{.max_executions = 50, .search = search_by::random_walk}}.run([](explorer& e) {
        explorer_env::atomic<int> n{0};
        const auto add = [&] { n.fetch_add(1); };
        if (!e.threads({add, add})) return;
        e.expect(n.load() == 2, "an update was lost");
      });
  CHECK(good);
  CHECK(good.executions == 50);
  CHECK_FALSE(good.exhausted);
}

TEST_CASE("an exception that leaves a thread is a failure", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    static_cast<void>(e.threads({[] { throw std::runtime_error{"lost"}; }}));
  });
  CHECK(found.failure == "an exception left a thread");
}

TEST_CASE("a scenario has up to eight threads and not nine", "[explorer]") {
  const auto with = [](bool ninth) {
    return explorer{{.max_executions = 1}}.run([=](explorer& e) {
      const auto f = [] {};
      const bool done =
          ninth ? e.threads({f, f, f, f, f, f, f, f, f}) : e.threads({f, f, f, f, f, f, f, f});
      e.expect(done != ninth, "not as it should be");
    });
  };
  CHECK(with(false));
  CHECK(with(true).failure.find("at most 8 threads") != std::string::npos);
}

TEST_CASE("a scenario may have one set of threads after another", "[explorer]") {
  const exploration found = explorer{}.run([](explorer& e) {
    explorer_env::atomic<int> n{0};
    explorer_env::plain<int> data{0};
    const auto add = [&] { n.fetch_add(1); };
    if (!e.threads({add, [&] { data = 1; }})) return;
    if (!e.threads(
            {add, [&] { e.expect(data == 1 && n.load() >= 1, "what was before is not seen"); }}))
      return;
    e.expect(n.load() == 2, "an update was lost");
  });
  CHECK(found);
  CHECK(found.exhausted);
}

TEST_CASE("outside of a scenario the environment is plain memory", "[explorer]") {
  explorer_env::atomic<unsigned> n{6};
  CHECK(n.fetch_or(1) == 6);
  CHECK(n.fetch_and(5) == 7);
  CHECK(n.fetch_xor(4) == 5);
  CHECK(n.exchange(3) == 1);
  CHECK(n.fetch_sub(1) == 3);
  unsigned seen = 9;
  CHECK_FALSE(n.compare_exchange_weak(seen, 4));
  CHECK(seen == 2);
  CHECK(n.compare_exchange_strong(seen, 4));
  explorer_env::plain<std::string> text{"a"};
  text.edit() += "b";
  CHECK(text.get() == "ab");
  explorer_env::event e;
  CHECK_FALSE(e.take());
  e.wake();
  CHECK(e.take());
}
