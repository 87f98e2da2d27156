// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <set>

#include <gabion/core/random.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace {

/// Gives the numbers it was told to, and counts.
struct scripted {
  std::array<std::uint64_t, 3> numbers{};
  std::size_t drawn = 0;
  std::uint64_t operator()() noexcept { return numbers[drawn++ % numbers.size()]; }
};

static_assert(gabion::random_source<gabion::xoshiro256> &&
              gabion::explain_random_source<gabion::xoshiro256>());
static_assert(gabion::random_source<scripted>);
static_assert(std::uniform_random_bit_generator<gabion::xoshiro256>);
static_assert(gabion::xoshiro256{7}() == gabion::xoshiro256{7}());

}  // namespace

TEST_CASE("the generator gives the published numbers for a seed", "[core][random]") {
  // splitmix64 from 1234567, and xoshiro256** seeded by it, computed by independent
  // implementations.
  std::uint64_t state = 1234567;
  CHECK(gabion::detail::splitmix(state) == 6457827717110365317U);
  CHECK(gabion::detail::splitmix(state) == 3203168211198807973U);
  gabion::xoshiro256 random{42};
  for (const std::uint64_t expected :
       {0x15780b2e0c2ec716U, 0x6104d9866d113a7eU, 0xae17533239e499a1U, 0xecb8ad4703b360a1U})
    CHECK(random() == expected);
  CHECK(gabion::xoshiro256{0}() == 0x99ec5f36cb75f2b4U);
}

TEST_CASE("uniform numbers stay below the bound and reach every value", "[core][random]") {
  gabion::xoshiro256 random{1};
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen[gabion::uniform(random, 7)];
  for (const int count : seen) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
  CHECK(gabion::uniform(random, 0) == 0);
  CHECK(gabion::uniform(random, 1) == 0);
}

TEST_CASE("uniform draws again where a remainder would favour small numbers", "[core][random]") {
  // 2^64 mod 10 is 6, so 0 to 5 would come once too often.
  scripted random{{0, 5, 6}};
  CHECK(gabion::uniform(random, 10) == 6);
  CHECK(random.drawn == 3);
  // A power of two never has to draw again.
  scripted even{{0, 1, 2}};
  CHECK(gabion::uniform(even, 16) == 0);
  CHECK(even.drawn == 1);
}

TEST_CASE("uniform between two ends includes both", "[core][random]") {
  gabion::xoshiro256 random{2};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(gabion::uniform(random, 5, 8));
  CHECK(seen == std::set<std::uint64_t>{5, 6, 7, 8});
  CHECK(gabion::uniform(random, 9, 9) == 9);
  CHECK(gabion::uniform(random, 9, 3) == 9);
  constexpr std::uint64_t all = (std::numeric_limits<std::uint64_t>::max)();
  scripted ends{{all, 0, 7}};
  CHECK(gabion::uniform(ends, 0, all) == all);
  CHECK(gabion::uniform(ends, 0, all) == 0);
}

TEST_CASE("seeds differ from call to call", "[core][random]") {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 1000; ++i) seeds.insert(gabion::random_seed());
  CHECK(seeds.size() == 1000);
}

TEST_CASE("in a test a generator without a seed draws the same numbers in every run",
          "[core][random]") {
  gabion_test::restart_seeds(5);
  const gabion::xoshiro256 first;
  const gabion::xoshiro256 other;
  gabion_test::restart_seeds(5);
  CHECK(gabion::xoshiro256{} == first);
  CHECK_FALSE(first == other);
}
