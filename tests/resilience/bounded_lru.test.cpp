// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/resilience/detail/bounded_lru.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::instant;
using gabion::key_hash;
using gabion::detail::bounded_lru;

namespace {

constexpr instant start{1h};
constexpr auto always = [](const auto&, const auto&, gabion::duration) { return true; };
constexpr auto never = [](const auto&, const auto&, gabion::duration) { return false; };

/// Neither copied nor moved, as a breaker is.
struct pinned {
  explicit pinned(int n) : number{n} {}
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  int number;
};

/// All keys in one place: the worst that a hash can do.
struct colliding_hash {
  std::uint64_t operator()(int) const noexcept { return 7; }
};
/// Few homes, next to each other and around the end of the table.
struct crowded_hash {
  std::uint64_t operator()(int key) const noexcept {
    return std::uint64_t{0} - 2 + static_cast<std::uint64_t>(key % 3);
  }
};

template <class Lru>
std::vector<int> keys_of(const Lru& lru) {
  std::vector<int> keys;
  lru.for_each([&](int key, const auto&, instant) { keys.push_back(key); });
  return keys;
}

/// The same by a list that is searched from the front.
class naive_lru {
 public:
  explicit naive_lru(std::size_t capacity) : capacity_{capacity} {}
  std::optional<int> find(int key) {
    for (auto it = items_.begin(); it != items_.end(); ++it)
      if (it->first == key) {
        const auto item = *it;
        items_.erase(it);
        items_.push_front(item);
        return item.second;
      }
    return std::nullopt;
  }
  int find_or_make(int key, int value) {
    if (const auto known = find(key)) return *known;
    if (items_.size() == capacity_) items_.pop_back();
    items_.emplace_front(key, value);
    return value;
  }
  bool erase(int key) {
    for (auto it = items_.begin(); it != items_.end(); ++it)
      if (it->first == key) {
        items_.erase(it);
        return true;
      }
    return false;
  }
  std::vector<int> keys() const {
    std::vector<int> keys;
    for (const auto& item : items_) keys.push_back(item.first);
    return keys;
  }

 private:
  std::size_t capacity_;
  std::deque<std::pair<int, int>> items_;
};

template <class Hash>
void against_the_naive_one(std::uint32_t capacity, std::uint64_t seed) {
  gabion::xoshiro256 random{seed};
  bounded_lru<int, int, Hash> lru{capacity};
  naive_lru naive{capacity};
  for (int step = 0; step < 4'000; ++step) {
    const int key = static_cast<int>(gabion::uniform(random, capacity * 2U));
    switch (gabion::uniform(random, 4)) {
      case 0: {
        const int* found = lru.find(key, start);
        const auto wanted = naive.find(key);
        REQUIRE((found != nullptr) == wanted.has_value());
        if (found != nullptr) REQUIRE(*found == *wanted);
        break;
      }
      case 1: REQUIRE(lru.erase(key) == naive.erase(key)); break;
      default: {
        const int* made = lru.find_or_make(key, start, [&] { return step; }, always);
        REQUIRE(made != nullptr);
        REQUIRE(*made == naive.find_or_make(key, step));
      }
    }
    REQUIRE(keys_of(lru) == naive.keys());
    REQUIRE(lru.size() == naive.keys().size());
  }
}

}  // namespace

TEST_CASE("a full table gives up the value that was not used for the longest time",
          "[bounded_lru][eviction]") {
  bounded_lru<int, pinned> lru{2};
  const auto make = [](int n) { return [n] { return pinned{n}; }; };
  REQUIRE(lru.find_or_make(1, start, make(10), always)->number == 10);
  REQUIRE(lru.find_or_make(2, start, make(20), always)->number == 20);
  REQUIRE(lru.find(1, start + 1s)->number == 10);
  REQUIRE(lru.find_or_make(3, start + 2s, make(30), always)->number == 30);
  CHECK(lru.find(2, start + 2s) == nullptr);
  CHECK(keys_of(lru) == std::vector{3, 1});
  CHECK(lru.evicted() == 1);
  CHECK(lru.size() == 2);
}

TEST_CASE("a value that may not go stays and the next oldest one goes", "[bounded_lru][eviction]") {
  bounded_lru<int, int> lru{3};
  for (int key = 1; key <= 3; ++key)
    REQUIRE(lru.find_or_make(key, start, [] { return 0; }, always) != nullptr);
  const auto but_one = [](int key, int, gabion::duration) { return key != 1; };
  CHECK(lru.find_or_make(4, start, [] { return 0; }, but_one) != nullptr);
  CHECK(keys_of(lru) == std::vector{4, 3, 1});
  CHECK(lru.find_or_make(5, start, [] { return 0; }, never) == nullptr);
  CHECK(keys_of(lru) == std::vector{4, 3, 1});
}

TEST_CASE("the address of a value holds while it is there", "[bounded_lru][memory]") {
  bounded_lru<int, pinned> lru{100};
  pinned* const first = lru.find_or_make(-1, start, [] { return pinned{1}; }, always);
  for (int key = 0; key < 99; ++key)
    static_cast<void>(lru.find_or_make(key, start, [] { return pinned{0}; }, always));
  for (int key = 0; key < 99; ++key) lru.erase(key);
  CHECK(lru.find(-1, start) == first);
  CHECK(first->number == 1);
}

TEST_CASE("what is idle for the whole time expires and what is a nanosecond short of it stays",
          "[bounded_lru][expiry]") {
  bounded_lru<int, int> lru{4};
  static_cast<void>(lru.find_or_make(1, start, [] { return 1; }, always));
  static_cast<void>(lru.find_or_make(2, start + 1ns, [] { return 2; }, always));
  CHECK(lru.oldest_use() == start);
  CHECK(lru.expire(start + 10s - 1ns, 10s, always) == 0);
  CHECK(lru.expire(start + 10s, 10s, never) == 0);
  CHECK(lru.expire(start + 10s, 10s, always) == 1);
  CHECK(keys_of(lru) == std::vector{2});
  CHECK(lru.evicted() == 0);
  CHECK(lru.expire(start + 1h, 10s, always) == 1);
  CHECK_FALSE(lru.oldest_use().has_value());
}

TEST_CASE("a clock that goes back makes nothing older and keeps the order of use",
          "[bounded_lru][expiry]") {
  bounded_lru<int, int> lru{4};
  static_cast<void>(lru.find_or_make(1, start, [] { return 1; }, always));
  static_cast<void>(lru.find_or_make(2, start - 30min, [] { return 2; }, always));
  static_cast<void>(lru.find(2, start - 40min));
  lru.for_each([](int, int, instant used) { CHECK(used == start); });
  CHECK(keys_of(lru) == std::vector{2, 1});
  CHECK(lru.expire(start - 40min, 1ns, always) == 0);
}

TEST_CASE("looking without touching leaves the order as it is", "[bounded_lru][lookup]") {
  bounded_lru<int, int> lru{2};
  static_cast<void>(lru.find_or_make(1, start, [] { return 10; }, always));
  static_cast<void>(lru.find_or_make(2, start, [] { return 20; }, always));
  REQUIRE(lru.peek(1) != nullptr);
  CHECK(*lru.peek(1) == 10);
  CHECK(lru.peek(3) == nullptr);
  CHECK(keys_of(lru) == std::vector{2, 1});
}

TEST_CASE("a text is found by a view of it", "[bounded_lru][lookup]") {
  bounded_lru<std::string, int> lru{8};
  static_cast<void>(lru.find_or_make(std::string_view{"tenant"}, start, [] { return 1; }, always));
  CHECK(lru.find(std::string{"tenant"}, start) != nullptr);
  CHECK(lru.find("tenant", start) == lru.find(std::string_view{"tenant"}, start));
  CHECK(lru.find("tenan", start) == nullptr);
}

TEST_CASE("any order of calls gives what a plain list gives", "[bounded_lru][model]") {
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (const std::uint32_t capacity : {1U, 2U, 3U, 8U, 33U}) {
      against_the_naive_one<key_hash>(capacity, seed);
      against_the_naive_one<colliding_hash>(capacity, seed);
      against_the_naive_one<crowded_hash>(capacity, seed);
    }
}

TEST_CASE("equal keys hash alike and another seed gives another hash", "[key_hash]") {
  constexpr key_hash plain;
  CHECK(plain("abc") == plain(std::string{"abc"}));
  CHECK(plain("abc") != plain("abd"));
  CHECK(plain(1) == plain(1L));
  CHECK(plain(1) != plain(2));
  CHECK(key_hash{1}("abc") != key_hash{2}("abc"));
  CHECK(key_hash{1}(5) != key_hash{2}(5));
  enum class tenant : std::uint8_t { a = 5 };
  CHECK(plain(tenant::a) == plain(5));
}
