// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/core/uuid.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::uuid;
using gabion::xoshiro256;
using gabion::testing::manual_wall_clock;

namespace {

using manual_generator = gabion::basic_uuid_v7_generator<manual_wall_clock, xoshiro256>;
using manual_shared_generator =
    gabion::basic_shared_uuid_v7_generator<manual_wall_clock, xoshiro256, gabion::native_env>;

// The example of RFC 9562, appendix A.6.
constexpr std::string_view rfc_text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
constexpr uuid rfc_id = *uuid::parse(rfc_text);
static_assert(rfc_id.version() == 7);
static_assert(rfc_id.high() == 0x017f22e279b07cc3U && rfc_id.low() == 0x98c4dc0c0c07398fU);
static_assert(uuid::from_bytes(rfc_id.bytes()) == rfc_id);
static_assert(uuid{}.is_nil() && !rfc_id.is_nil() && uuid{} < rfc_id);
static_assert(!std::is_copy_constructible_v<gabion::uuid_v7_generator>);
static_assert(!std::is_move_constructible_v<gabion::shared_uuid_v7_generator>);

/// Always the highest number, so that every counter starts as high as it can.
struct highest {
  std::uint64_t operator()() noexcept { return ~std::uint64_t{0}; }
};

}  // namespace

TEST_CASE("an id is written and read in the form of the standard", "[core][uuid]") {
  CHECK(to_string(rfc_id) == rfc_text);
  CHECK(uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == rfc_id);
  CHECK(to_string(uuid{}) == "00000000-0000-0000-0000-000000000000");
  CHECK(rfc_id.time() == gabion::wall_time{1645557742000ms});
  CHECK(rfc_id.bytes()[0] == 0x01);
  CHECK(rfc_id.bytes()[15] == 0x8f);
  for (const std::string_view bad :
       {"", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f ",
        "017f22e2x79b0-7cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0739-f"})
    CHECK_FALSE(uuid::parse(bad));
}

TEST_CASE("any id comes back from its text and its bytes and keeps its order in both",
          "[core][uuid]") {
  xoshiro256 random{30};
  for (int i = 0; i < 10'000; ++i) {
    const uuid a{random(), random()};
    const uuid b{random() >> gabion::uniform(random, 64), random()};
    REQUIRE(uuid::parse(to_string(a)) == a);
    REQUIRE(uuid::from_bytes(b.bytes()) == b);
    REQUIRE((a < b) == (to_string(a) < to_string(b)));
    REQUIRE((a < b) == (a.bytes() < b.bytes()));
  }
}

TEST_CASE("reading an id is total", "[core][uuid]") {
  xoshiro256 random{31};
  for (int i = 0; i < 50'000; ++i) {
    std::string text{rfc_text};
    if (i % 3 == 0) text.resize(gabion::uniform(random, 80));
    for (std::uint64_t n = gabion::uniform(random, 4); n > 0 && !text.empty(); --n)
      text[gabion::uniform(random, text.size())] = static_cast<char>(random());
    const auto id = uuid::parse(text);
    if (!id) continue;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    REQUIRE(to_string(*id) == text);
  }
}

TEST_CASE("a million ids of one generator are unique and rise", "[core][uuid]") {
  gabion::uuid_v7_generator next;
  uuid before = next();
  for (int i = 0; i < 1'000'000; ++i) {
    const uuid id = next();
    if (!(before < id)) FAIL("after " << to_string(before) << " came " << to_string(id));
    before = id;
  }
  CHECK(before.version() == 7);
  CHECK(before.low() >> 62U == 2);
}

TEST_CASE("an id tells the millisecond in which it was made", "[core][uuid]") {
  gabion::testing::manual_time time;
  manual_generator next{time.wall(), xoshiro256{1}};
  for (int i = 0; i < 1000; ++i) {
    CHECK(next().time() == std::chrono::floor<std::chrono::milliseconds>(time.wall_now()));
    time.advance(700us);
  }
  xoshiro256 random{2};
  CHECK(gabion::make_uuid_v7(time.wall_now(), random).time() ==
        std::chrono::floor<std::chrono::milliseconds>(time.wall_now()));
  CHECK(gabion::make_uuid_v7(time.wall_now(), random).version() == 7);
}

TEST_CASE("ids rise and stay unique while the wall clock jumps to and fro", "[core][uuid]") {
  gabion::testing::manual_time time;
  xoshiro256 jumps{32};
  manual_generator next{time.wall(), xoshiro256{3}};
  uuid before = next();
  for (int i = 0; i < 100'000; ++i) {
    const auto jump =
        std::chrono::milliseconds{static_cast<std::int64_t>(gabion::uniform(jumps, 2001)) - 1000};
    if (i % 3 == 0) time.step_wall(jump);
    const uuid id = next();
    REQUIRE(before < id);
    before = id;
  }
}

TEST_CASE("ids keep the latest time when the wall clock is set far back", "[core][uuid]") {
  gabion::testing::manual_time time;
  manual_generator next{time.wall(), xoshiro256{3}};
  const uuid before = next();
  time.set(gabion::wall_time{-1h});
  const uuid after = next();
  CHECK(before < after);
  CHECK(after.time() == before.time());
}

TEST_CASE("a used-up counter borrows the next millisecond", "[core][uuid]") {
  gabion::detail::uuid_v7_sequence sequence;
  highest random;
  // The counter starts in the lower half of its range: as much again is free in each millisecond.
  uuid id = sequence.next(1000, random);
  CHECK(id.time() == gabion::wall_time{1000ms});
  CHECK((id.high() & 0xfffU) == 0x7ffU);
  id = gabion::detail::uuid_v7_of(1000, gabion::detail::uuid_v7_last_count, 0);
  CHECK((id.high() & 0xfffU) == 0xfffU);
  CHECK(id.low() >> 32U == 0xbfffffffU);

  gabion::detail::uuid_v7_sequence near{1000, gabion::detail::uuid_v7_last_count - 1};
  const uuid last = near.next(1000, random);
  const uuid borrowed = near.next(1000, random);
  const uuid caught_up = near.next(1001, random);
  CHECK(last.time() == gabion::wall_time{1000ms});
  CHECK(borrowed.time() == gabion::wall_time{1001ms});
  CHECK(last < borrowed);
  CHECK(borrowed < caught_up);
  CHECK(caught_up.time() == gabion::wall_time{1001ms});
}

TEST_CASE("generators of one moment make different ids", "[core][uuid]") {
  // As processes that start at the same time, or again after the clock went back.
  gabion::testing::manual_time time;
  std::vector<uuid> all;
  for (int process = 0; process < 1000; ++process) {
    manual_generator next{time.wall()};
    for (int i = 0; i < 100; ++i) all.push_back(next());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("a shared generator serves many threads without a repeat", "[core][uuid][thread]") {
  gabion::shared_uuid_v7_generator next;
  constexpr std::size_t each = 20'000;
  std::vector<std::vector<uuid>> made(4);
  {
    std::vector<std::thread> threads;
    for (auto& mine : made)
      threads.emplace_back([&next, &mine] {
        for (std::size_t i = 0; i < each; ++i) mine.push_back(next());
      });
    for (auto& thread : threads) thread.join();
  }
  std::unordered_set<uuid> all;
  for (const auto& mine : made) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == made.size() * each);
}

TEST_CASE("times that an id has no room for are held at its ends", "[core][uuid]") {
  CHECK(gabion::detail::uuid_v7_time(gabion::wall_time{-1us}) == 0);
  CHECK(gabion::detail::uuid_v7_time((gabion::wall_time::min)()) == 0);
  CHECK(gabion::detail::uuid_v7_time((gabion::wall_time::max)()) ==
        gabion::detail::uuid_v7_last_time);
  CHECK(gabion::detail::uuid_v7_time(gabion::wall_time{1999us}) == 1);
}
