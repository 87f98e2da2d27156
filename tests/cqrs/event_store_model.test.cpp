// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/cqrs/event_store.hpp>

#include "cqrs/event_store_worlds.hpp"
#include "support/catch.hpp"

using namespace gabion;

namespace {

/// What an event store is, said as plainly as possible: a list of events, searched from end to end.
class naive_store {
 public:
  struct entry {
    std::string stream{};
    std::uint64_t version = 0;
    std::string id{};
  };

  append_result append(const std::string& stream, expected_version expected,
                       const std::vector<message>& events) {
    const std::uint64_t actual = version(stream);
    std::vector<std::size_t> found;
    std::string taken;
    for (const message& m : events)
      for (std::size_t i = 0; i < log.size(); ++i)
        if (log[i].id == m.id) {
          if (taken.empty()) taken = m.id;
          found.push_back(i);
        }
    if (found.empty()) {
      if (!expected.admits(actual))
        return {.status = append_status::wrong_version, .actual = actual};
      append_result r{.version = actual + events.size(), .actual = actual + events.size()};
      if (!events.empty()) r.first = position{log.size() + 1};
      for (const message& m : events) log.push_back({stream, version(stream) + 1, m.id});
      if (!events.empty()) r.last = position{log.size()};
      return r;
    }
    bool run = found.size() == events.size();
    for (std::size_t i = 0; i < found.size() && run; ++i)
      run = log[found[i]].id == events[i].id && log[found[i]].stream == stream &&
            log[found[i]].version == log[found[0]].version + i;
    if (!run) return {.status = append_status::duplicate_id, .actual = actual, .id = taken};
    const std::uint64_t before = log[found[0]].version - 1;
    if (expected.which() != expected_version::kind::exists && !expected.admits(before))
      return {.status = append_status::wrong_version, .actual = actual};
    return {.status = append_status::idempotent,
            .version = before + events.size(),
            .actual = actual,
            .first = position{found.front() + 1},
            .last = position{found.back() + 1}};
  }
  [[nodiscard]] std::uint64_t version(const std::string& stream) const {
    std::uint64_t n = 0;
    for (const entry& e : log) n += e.stream == stream ? 1 : 0;
    return n;
  }
  std::vector<entry> log{};
};

struct rollback_wanted {};

/// One transaction of random appends, the same to the model and to a store.
class random_appends {
 public:
  explicit random_appends(std::uint64_t seed) : random_{seed} {}

  struct call {
    std::string stream{};
    expected_version expected = expected_version::any();
    std::vector<message> events{};
  };

  std::vector<call> next() {
    std::vector<call> calls(gabion::uniform(random_, 1, 3));
    for (call& c : calls)
      c = {"s" + std::to_string(gabion::uniform(random_, 0, 3)), expectation(), batch()};
    return calls;
  }
  bool rolls_back() { return gabion::uniform(random_, 0, 4) == 0; }

 private:
  expected_version expectation() {
    switch (gabion::uniform(random_, 0, 3)) {
      case 0: return expected_version::any();
      case 1: return expected_version::no_stream();
      case 2: return expected_version::exists();
      default: return expected_version::exact(gabion::uniform(random_, 0, 12));
    }
  }
  std::vector<message> batch() {
    std::vector<message> events;
    std::uint64_t id = gabion::uniform(random_, 0, 60);
    for (std::uint64_t n = gabion::uniform(random_, 0, 3); n > 0; --n) {
      events.push_back({.id = "e" + std::to_string(id), .type = "t", .data = std::to_string(id)});
      id += gabion::uniform(random_, 0, 5) == 0 ? 2 : 1;
    }
    return events;
  }
  xoshiro256 random_;
};

template <class World>
bool same_log(World& w, const naive_store& model) {
  const auto all = w.store().read_all(beginning, 100'000, read_direction::forward);
  if (all.size() != model.log.size() || to_number(w.store().head()) != all.size()) return false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& e = model.log[i];
    if (to_number(all[i].at) != i + 1 || all[i].stream != e.stream || all[i].version != e.version ||
        all[i].what.id != e.id)
      return false;
  }
  for (const char* stream : {"s0", "s1", "s2", "s3"})
    if (w.store().read(stream, 1, 1, read_direction::forward).version != model.version(stream))
      return false;
  return true;
}

template <class World>
void compare(std::uint64_t seed, std::map<append_status, int>& seen) {
  testing::manual_time time;
  World w{time};
  naive_store model;
  random_appends source{seed};
  for (int step = 0; step < 60; ++step) {
    const auto calls = source.next();
    const bool rolls_back = source.rolls_back();
    const naive_store before = model;
    try {
      w.database().transact([&](auto& tx) {
        for (const auto& c : calls) {
          const append_result wanted = model.append(c.stream, c.expected, c.events);
          const append_result got = w.store().append(tx, c.stream, c.expected, c.events);
          INFO("seed " << seed << " step " << step << " stream " << c.stream << " expected "
                       << to_string(c.expected));
          REQUIRE(got == wanted);
          ++seen[got.status];
        }
        if (rolls_back) throw rollback_wanted{};
      });
    } catch (const rollback_wanted&) {
      model = before;
    }
    INFO("seed " << seed << " step " << step);
    REQUIRE(same_log(w, model));
  }
}

template <class World>
void compare_many(std::uint64_t seeds) {
  std::map<append_status, int> seen;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) compare<World>(seed, seen);
  for (const append_status s : {append_status::appended, append_status::idempotent,
                                append_status::wrong_version, append_status::duplicate_id})
    CHECK(seen[s] > 10);
}

}  // namespace

TEST_CASE("random transactions leave the event store in memory as they leave a plain list",
          "[event_store][memory][model]") {
  compare_many<gabion_test::memory_events>(200);
}

TEST_CASE("random transactions leave the event store in SQLite as they leave a plain list",
          "[event_store][sqlite][model]") {
  compare_many<gabion_test::sqlite_events>(25);
}
