// SPDX-License-Identifier: MIT
// What the explorer's memory does, pinned by the usual small programs. Names as in the literature
// on memory models.
#include <array>
#include <atomic>
#include <cstddef>
#include <set>
#include <utility>

#include <gabion/testing/explorer_env.hpp>

#include "support/catch.hpp"

using gabion::testing::explorer;
using gabion::testing::explorer_env;
using gabion::testing::explorer_options;

namespace {

using word = explorer_env::atomic<int>;
template <std::size_t N>
using outcomes = std::set<std::array<int, N>>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

// Runs `program(e, result)` to the end and gives every result that it had.
template <std::size_t N, class Program>
outcomes<N> all_of(Program program, explorer_options options = {}) {
  outcomes<N> seen;
  const auto found = explorer{options}.run([&](explorer& e) {
    std::array<int, N> result{};
    if (!program(e, result)) return;
    seen.insert(result);
  });
  INFO(found.summary());
  CHECK(found);
  CHECK(found.exhausted);
  return seen;
}

outcomes<2> store_buffering(std::memory_order stores, std::memory_order loads,
                            explorer_options options = {}) {
  return all_of<2>(
      [=](explorer& e, std::array<int, 2>& r) {
        word x{0};
        word y{0};
        return e.threads({[&] {
                            x.store(1, stores);
                            r[0] = y.load(loads);
                          },
                          [&] {
                            y.store(1, stores);
                            r[1] = x.load(loads);
                          }});
      },
      options);
}

outcomes<2> message_passing(std::memory_order store, std::memory_order load) {
  return all_of<2>([=](explorer& e, std::array<int, 2>& r) {
    word data{0};
    word flag{0};
    return e.threads({[&] {
                        data.store(1, relaxed);
                        flag.store(1, store);
                      },
                      [&] {
                        r[0] = flag.load(load);
                        r[1] = data.load(relaxed);
                      }});
  });
}

// Two writers, two readers; whether the readers can disagree on who was first.
bool readers_disagree(std::memory_order store, std::memory_order load) {
  const auto seen = all_of<4>([=](explorer& e, std::array<int, 4>& r) {
    word x{0};
    word y{0};
    return e.threads({[&] { x.store(1, store); }, [&] { y.store(1, store); },
                      [&] {
                        r[0] = x.load(load);
                        r[1] = y.load(load);
                      },
                      [&] {
                        r[2] = y.load(load);
                        r[3] = x.load(load);
                      }});
  });
  return seen.contains({1, 0, 1, 0});
}

// A store published by a flag that a second thread changes before a third one reads it; whether the
// third can miss it.
template <class Change>
bool misses_the_data(Change change) {
  const auto seen = all_of<2>([=](explorer& e, std::array<int, 2>& r) {
    word data{0};
    word flag{0};
    return e.threads({[&] {
                        data.store(1, relaxed);
                        flag.store(1, release);
                      },
                      [&] {
                        if (flag.load(relaxed) == 1) change(flag);
                      },
                      [&] {
                        r[0] = flag.load(acquire);
                        r[1] = data.load(relaxed);
                      }});
  });
  REQUIRE(seen.contains({2, 1}));
  return seen.contains({2, 0});
}

}  // namespace

TEST_CASE("store buffering: both threads may read the old value unless all accesses are seq_cst",
          "[explorer][memory]") {
  const outcomes<2> ordered{{0, 1}, {1, 0}, {1, 1}};
  outcomes<2> weak = ordered;
  weak.insert({0, 0});
  CHECK(store_buffering(seq_cst, seq_cst) == ordered);
  CHECK(store_buffering(release, acquire) == weak);
  CHECK(store_buffering(relaxed, relaxed) == weak);
  CHECK(store_buffering(seq_cst, acquire) == weak);
  CHECK(store_buffering(release, seq_cst) == weak);
}

TEST_CASE("without old values the memory is sequentially consistent whatever the orders say",
          "[explorer][memory]") {
  CHECK(store_buffering(relaxed, relaxed, {.old_values = 0}) ==
        outcomes<2>{{0, 1}, {1, 0}, {1, 1}});
}

TEST_CASE("message passing: a flag shows the data only by release and acquire",
          "[explorer][memory]") {
  const outcomes<2> published{{0, 0}, {0, 1}, {1, 1}};
  outcomes<2> torn = published;
  torn.insert({1, 0});
  CHECK(message_passing(release, acquire) == published);
  CHECK(message_passing(seq_cst, seq_cst) == published);
  CHECK(message_passing(relaxed, acquire) == torn);
  CHECK(message_passing(release, relaxed) == torn);
  CHECK(message_passing(relaxed, relaxed) == torn);
}

TEST_CASE("load buffering is not modelled: no load returns a store that comes later",
          "[explorer][memory]") {
  const auto seen = all_of<2>([](explorer& e, std::array<int, 2>& r) {
    word x{0};
    word y{0};
    return e.threads({[&] {
                        r[0] = x.load(relaxed);
                        y.store(1, relaxed);
                      },
                      [&] {
                        r[1] = y.load(relaxed);
                        x.store(1, relaxed);
                      }});
  });
  CHECK(seen == outcomes<2>{{0, 0}, {0, 1}, {1, 0}});
}

TEST_CASE("independent readers of independent writers agree only by seq_cst",
          "[explorer][memory]") {
  CHECK(readers_disagree(relaxed, relaxed));
  CHECK(readers_disagree(release, acquire));
  CHECK_FALSE(readers_disagree(seq_cst, seq_cst));
}

TEST_CASE("a load and a store have two executions, however their orders fall",
          "[explorer][memory]") {
  for (const auto order : {relaxed, seq_cst}) {
    const auto found = explorer{}.run([=](explorer& e) {
      word x{0};
      static_cast<void>(
          e.threads({[&] { static_cast<void>(x.load(order)); }, [&] { x.store(1, order); }}));
    });
    CHECK(found.exhausted);
    CHECK(found.executions == 2);
  }
}

TEST_CASE("coherence: two loads of one location never go back", "[explorer][memory]") {
  const auto seen = all_of<2>([](explorer& e, std::array<int, 2>& r) {
    word x{0};
    return e.threads({[&] {
                        x.store(1, relaxed);
                        x.store(2, relaxed);
                      },
                      [&] {
                        r[0] = x.load(relaxed);
                        r[1] = x.load(relaxed);
                      }});
  });
  CHECK(seen == outcomes<2>{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}});
}

TEST_CASE("coherence: a thread never reads what is older than its own store",
          "[explorer][memory]") {
  const auto seen = all_of<1>([](explorer& e, std::array<int, 1>& r) {
    word x{0};
    return e.threads({[&] { x.store(1, relaxed); },
                      [&] {
                        x.store(2, relaxed);
                        r[0] = x.load(relaxed);
                      }});
  });
  CHECK(seen == outcomes<1>{{1}, {2}});
}

TEST_CASE("coherence: what happened before by two steps is not missed", "[explorer][memory]") {
  const auto seen = all_of<3>([](explorer& e, std::array<int, 3>& r) {  // write-to-read causality
    word x{0};
    word y{0};
    return e.threads({[&] { x.store(1, relaxed); },
                      [&] {
                        r[0] = x.load(relaxed);
                        y.store(1, release);
                      },
                      [&] {
                        r[1] = y.load(acquire);
                        r[2] = x.load(relaxed);
                      }});
  });
  CHECK(seen.contains({1, 1, 1}));
  CHECK(seen.contains({0, 1, 0}));
  CHECK_FALSE(seen.contains({1, 1, 0}));
}

TEST_CASE("a release sequence goes on through updates and ends at a store", "[explorer][memory]") {
  CHECK_FALSE(misses_the_data([](word& flag) { flag.fetch_add(1, relaxed); }));
  CHECK(misses_the_data([](word& flag) { flag.store(2, relaxed); }));
}

TEST_CASE("an update reads the newest value though it is relaxed", "[explorer][memory]") {
  const auto seen = all_of<1>([](explorer& e, std::array<int, 1>& r) {
    word x{0};
    const auto add = [&] { x.fetch_add(1, relaxed); };
    const bool done = e.threads({add, add, add});
    r[0] = x.load();
    return done;
  });
  CHECK(seen == outcomes<1>{{3}});
}

TEST_CASE(
    "the modification order is the order of execution: two writers of two words leave no crossed "
    "pair",
    "[explorer][memory]") {
  const auto seen = all_of<2>([](explorer& e, std::array<int, 2>& r) {
    word x{0};
    word y{0};
    const bool done = e.threads({[&] {
                                   x.store(1, relaxed);
                                   y.store(2, relaxed);
                                 },
                                 [&] {
                                   y.store(1, relaxed);
                                   x.store(2, relaxed);
                                 }});
    r = {x.load(), y.load()};
    return done;
  });
  CHECK(seen == outcomes<2>{{1, 2}, {2, 1}, {2, 2}});
}

TEST_CASE("a mutex shows what was done under it", "[explorer][memory]") {
  const auto seen = all_of<2>([](explorer& e, std::array<int, 2>& r) {
    explorer_env::mutex m;
    word x{0};
    word y{0};
    return e.threads({[&] {
                        m.lock();
                        x.store(1, relaxed);
                        y.store(1, relaxed);
                        m.unlock();
                      },
                      [&] {
                        m.lock();
                        r[0] = x.load(relaxed);
                        r[1] = y.load(relaxed);
                        m.unlock();
                      }});
  });
  CHECK(seen == outcomes<2>{{0, 0}, {1, 1}});
}

TEST_CASE("an old value is read three times in a row and not for ever", "[explorer][memory]") {
  const auto seen = all_of<1>([](explorer& e, std::array<int, 1>& r) {
    word x{0};
    return e.threads({[&] { x.store(1, relaxed); },
                      [&] {
                        for (int i = 0; i < 6; ++i) r[0] += x.load(relaxed) == 0 ? 1 : 0;
                      }});
  });
  CHECK(seen == outcomes<1>{{0}, {1}, {2}, {3}, {4}, {5}, {6}});  // the store may also come late
  const auto after = all_of<1>([](explorer& e, std::array<int, 1>& r) {
    word x{0};
    word done{0};
    return e.threads({[&] {
                        x.store(1, relaxed);
                        done.store(1, relaxed);
                      },
                      [&] {
                        if (done.load(seq_cst) == 0) return;
                        for (int i = 0; i < 6; ++i) r[0] += x.load(relaxed) == 0 ? 1 : 0;
                      }});
  });
  CHECK(after == outcomes<1>{{0}, {1}, {2}, {3}});
}
