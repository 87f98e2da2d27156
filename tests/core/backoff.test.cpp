// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <gabion/core/backoff.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::backoff_growth;
using gabion::backoff_jitter;
using gabion::backoff_options;
using gabion::duration;

namespace {

constexpr duration longest = (duration::max)();

[[nodiscard]] duration delay(const backoff_options& options, std::uint32_t attempt,
                             duration previous = 0ns) {
  gabion::xoshiro256 random{1};
  return gabion::next_delay(options, attempt, previous, random);
}

/// min(cap, base x (percent/100)^(attempt - 1)) in floating point, a little more than the truth.
[[nodiscard]] double bound(const backoff_options& o, std::uint32_t attempt) {
  double grown = static_cast<double>(o.initial.count());
  if (o.growth == backoff_growth::linear) grown *= static_cast<double>(attempt);
  if (o.growth == backoff_growth::exponential)
    for (std::uint32_t i = 1; i < attempt && i < 10'000; ++i)
      grown = std::min(grown * static_cast<double>(o.multiplier_percent) / 100.0 + 1.0, 1e19);
  return std::min(grown, static_cast<double>(o.cap.count())) * (1.0 + 1e-9) + 1.0;
}

}  // namespace

TEST_CASE("delays grow as their kind says until the cap", "[core][backoff]") {
  backoff_options o{.initial = 100ms, .cap = 1s, .jitter = backoff_jitter::none};
  SECTION("exponential") {
    for (const auto& [attempt, expected] :
         {std::pair{1U, 100ms}, {2U, 200ms}, {3U, 400ms}, {4U, 800ms}, {5U, 1000ms}, {6U, 1000ms}})
      CHECK(delay(o, attempt) == expected);
  }
  SECTION("exponential by one and a half, rounded up to the nanosecond") {
    o.multiplier_percent = 150;
    CHECK(delay(o, 2) == 150ms);
    CHECK(delay(o, 3) == 225ms);
    CHECK(delay({.initial = 1ns, .multiplier_percent = 150, .jitter = backoff_jitter::none}, 2) ==
          2ns);
  }
  SECTION("linear") {
    o.growth = backoff_growth::linear;
    CHECK(delay(o, 1) == 100ms);
    CHECK(delay(o, 7) == 700ms);
    CHECK(delay(o, 10) == 1s);
    CHECK(delay(o, 11) == 1s);
  }
  SECTION("constant") {
    o.growth = backoff_growth::constant;
    CHECK(delay(o, 1) == 100ms);
    CHECK(delay(o, 1000) == 100ms);
  }
  SECTION("attempt 0 counts as the first") { CHECK(delay(o, 0) == 100ms); }
}

TEST_CASE("no number of attempts overflows a delay", "[core][backoff]") {
  constexpr std::uint32_t most = (std::numeric_limits<std::uint32_t>::max)();
  for (const auto growth :
       {backoff_growth::constant, backoff_growth::linear, backoff_growth::exponential}) {
    for (const std::uint32_t percent : {100U, 101U, 150U, 200U, 1000U}) {
      for (const duration initial : {0ns, 1ns, duration{100ms}, longest / 2, longest}) {
        for (const std::uint32_t attempt : {1U, 2U, 63U, 64U, 65U, 5000U, most}) {
          const backoff_options o{initial, longest, growth, percent, backoff_jitter::none};
          CAPTURE(static_cast<int>(growth), percent, initial.count(), attempt);
          const duration got = delay(o, attempt);
          CHECK(got >= initial);
          CHECK(static_cast<double>(got.count()) <= bound(o, attempt));
        }
      }
    }
  }
  for (std::uint32_t percent = 200; percent <= 1000; percent += 50)
    for (const duration initial : {longest / 2 + 1ns, longest / 3 * 2, longest - 1ns})
      CHECK(delay({.initial = initial,
                   .cap = longest,
                   .multiplier_percent = percent,
                   .jitter = backoff_jitter::none},
                  2) == longest);
  CHECK(delay({.initial = 1ns, .cap = longest, .jitter = backoff_jitter::none}, 64) == longest);
  CHECK(delay({.initial = 1ns, .cap = longest, .jitter = backoff_jitter::none}, 63) ==
        duration{1LL << 62});
}

TEST_CASE("with any options and any seed a delay is between nothing and the bound of its attempt",
          "[core][backoff]") {
  gabion::xoshiro256 random{22};
  for (int run = 0; run < 20'000; ++run) {
    backoff_options o;
    o.initial = duration{static_cast<duration::rep>(random() >> gabion::uniform(random, 1, 63))};
    o.cap = gabion::saturating_add(
        o.initial,
        duration{static_cast<duration::rep>(random() >> gabion::uniform(random, 1, 63))});
    o.growth = static_cast<backoff_growth>(gabion::uniform(random, 3));
    o.multiplier_percent = static_cast<std::uint32_t>(gabion::uniform(random, 100, 1000));
    o.jitter = static_cast<backoff_jitter>(gabion::uniform(random, 3));
    const auto attempt =
        static_cast<std::uint32_t>(1 + (random() >> gabion::uniform(random, 32, 63)));
    const duration got = gabion::next_delay(o, attempt, 0ns, random);
    CAPTURE(o.initial.count(), o.cap.count(), static_cast<int>(o.growth), o.multiplier_percent,
            static_cast<int>(o.jitter), attempt);
    REQUIRE(got >= 0ns);
    REQUIRE(got <= o.cap);
    REQUIRE(static_cast<double>(got.count()) <= bound(o, attempt));
  }
}

TEST_CASE("jitter stays in its range and reaches both halves of it", "[core][backoff]") {
  gabion::xoshiro256 random{23};
  const backoff_options base{.initial = 1000ns, .cap = 4000ns};
  const auto range = [&](backoff_jitter jitter, std::uint32_t attempt, duration previous) {
    backoff_options o = base;
    o.jitter = jitter;
    std::array<duration, 2> ends{longest, 0ns};
    for (int i = 0; i < 20'000; ++i) {
      const duration d = gabion::next_delay(o, attempt, previous, random);
      ends = {std::min(ends[0], d), std::max(ends[1], d)};
    }
    return ends;
  };
  SECTION("full") {
    const auto [low, high] = range(backoff_jitter::full, 2, 0ns);
    CHECK(low < 20ns);
    CHECK(high > 1980ns);
    CHECK(high <= 2000ns);
  }
  SECTION("full at the cap is spread below it and never above") {
    const auto [low, high] = range(backoff_jitter::full, 50, 0ns);
    CHECK(low < 40ns);
    CHECK(high <= 4000ns);
    CHECK(high > 3960ns);
  }
  SECTION("both ends are possible and half of an odd delay is cut off") {
    const auto ends = [&](backoff_jitter jitter) {
      std::array<int, 4> seen{};
      for (int i = 0; i < 200; ++i)
        ++seen[static_cast<std::size_t>(
            gabion::next_delay({.initial = 3ns, .cap = 3ns, .jitter = jitter}, 1, 0ns, random)
                .count())];
      return std::array<bool, 4>{seen[0] > 0, seen[1] > 0, seen[2] > 0, seen[3] > 0};
    };
    CHECK(ends(backoff_jitter::full) == std::array<bool, 4>{true, true, true, true});
    CHECK(ends(backoff_jitter::equal) == std::array<bool, 4>{false, false, true, true});
  }
  SECTION("equal") {
    const auto [low, high] = range(backoff_jitter::equal, 2, 0ns);
    CHECK(low >= 1000ns);
    CHECK(low < 1020ns);
    CHECK(high <= 2000ns);
    CHECK(high > 1980ns);
  }
  SECTION("decorrelated begins between once and three times the first delay") {
    const auto [low, high] = range(backoff_jitter::decorrelated, 1, 0ns);
    CHECK(low >= 1000ns);
    CHECK(high <= 3000ns);
    CHECK(high > 2950ns);
  }
  SECTION("decorrelated follows the delay before up to the cap") {
    const auto [low, high] = range(backoff_jitter::decorrelated, 2, 1200ns);
    CHECK(low >= 1000ns);
    CHECK(high > 3550ns);
    CHECK(high <= 3600ns);
    CHECK(range(backoff_jitter::decorrelated, 3, 3999ns)[1] <= 4000ns);
    CHECK(range(backoff_jitter::decorrelated, 3, longest)[1] <= 4000ns);
  }
}

TEST_CASE("the same seed gives the same delays", "[core][backoff]") {
  gabion::basic_backoff one{backoff_options{}, gabion::xoshiro256{5}};
  gabion::basic_backoff two{backoff_options{}, gabion::xoshiro256{5}};
  for (int i = 0; i < 100; ++i) CHECK(one.next() == two.next());
  CHECK(one.failures() == 100);
}

TEST_CASE("after a success the delays begin again", "[core][backoff]") {
  gabion::basic_backoff backoff{{.initial = 1s, .jitter = backoff_jitter::none},
                                gabion::xoshiro256{5}};
  CHECK(backoff.next() == 1s);
  CHECK(backoff.next() == 2s);
  backoff.reset();
  CHECK(backoff.failures() == 0);
  CHECK(backoff.next() == 1s);
}

TEST_CASE("options outside their range are refused by name", "[core][backoff]") {
  const auto refusal = [](backoff_options o) -> std::string {
    try {
      gabion::backoff{o};
    } catch (const gabion::error& e) {
      CHECK(e.code() == gabion::errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal({.initial = -1ns}),
             Contains("backoff_options.initial is -1 ns; allowed: 0 ns to cap"));
  CHECK_THAT(refusal({.initial = 2s, .cap = 1s}),
             Contains("backoff_options.cap is 1000000000 ns; allowed: from initial up"));
  CHECK_THAT(refusal({.multiplier_percent = 99}),
             Contains("backoff_options.multiplier_percent is 99; allowed: 100 to 1000"));
  CHECK_THAT(refusal({.multiplier_percent = 1001}), Contains("1001"));
  CHECK(refusal({.initial = 0ns, .cap = 0ns, .multiplier_percent = 100}).empty());
  CHECK(refusal({.initial = longest, .cap = longest, .multiplier_percent = 1000}).empty());
}

TEST_CASE("case 59: exponential delays grow until the cap and no jitter ever goes above it",
          "[core][backoff]") {
  SECTION("without a cap they grow to the end of the range") {
    const backoff_options o{.initial = 1s, .cap = longest, .jitter = backoff_jitter::none};
    for (std::uint32_t attempt = 1; attempt <= 34; ++attempt)
      CHECK(delay(o, attempt) == duration{1s} * (1LL << (attempt - 1)));
    CHECK(delay(o, 35) == longest);
  }
  SECTION("at the cap every jitter stays at or below it and still spreads the delays") {
    gabion::xoshiro256 random{59};
    for (const auto jitter : {backoff_jitter::none, backoff_jitter::full, backoff_jitter::equal,
                              backoff_jitter::decorrelated}) {
      const backoff_options o{.initial = 1s, .cap = 10s, .jitter = jitter};
      duration previous = 0ns;
      duration most = 0ns;
      int at_the_cap = 0;
      for (std::uint32_t attempt = 1; attempt <= 2'000; ++attempt) {
        previous = gabion::next_delay(o, attempt, previous, random);
        CHECK(previous <= 10s);
        most = std::max(most, previous);
        if (previous == 10s) ++at_the_cap;
      }
      CHECK(most > 9900ms);
      // Cutting what jitter has added would bring nearly all of them to the cap, at the same
      // moment.
      CHECK((at_the_cap > 1'900) == (jitter == backoff_jitter::none));
    }
  }
}

TEST_CASE("full and equal jitter spread linear and constant delays too", "[core][backoff]") {
  gabion::xoshiro256 random{60};
  for (const auto growth : {backoff_growth::constant, backoff_growth::linear}) {
    for (std::uint32_t attempt = 1; attempt <= 6; ++attempt) {
      const duration grown = growth == backoff_growth::constant
                                 ? duration{100ms}
                                 : duration{std::min(400ms, 100ms * attempt)};
      duration sum = 0ns;
      for (int i = 0; i < 4'000; ++i) {
        const backoff_options full{
            .initial = 100ms, .cap = 400ms, .growth = growth, .jitter = backoff_jitter::full};
        const backoff_options equal{
            .initial = 100ms, .cap = 400ms, .growth = growth, .jitter = backoff_jitter::equal};
        const duration anywhere = gabion::next_delay(full, attempt, 0ns, random);
        const duration upper_half = gabion::next_delay(equal, attempt, 0ns, random);
        REQUIRE((anywhere >= 0ns && anywhere <= grown));
        REQUIRE((upper_half >= grown / 2 && upper_half <= grown));
        sum += anywhere + upper_half;
      }
      // the means are a half and three quarters
      CHECK(sum / 4'000 > grown * 120 / 100);
      CHECK(sum / 4'000 < grown * 130 / 100);
    }
  }
}

TEST_CASE("the options of delays can be checked at compile time", "[core][backoff]") {
  static_assert(gabion::valid(backoff_options{}));
  static_assert(gabion::valid({.initial = 0ns, .cap = 0ns, .multiplier_percent = 100}));
  static_assert(!gabion::valid({.initial = -1ns}) && !gabion::valid({.initial = 2s, .cap = 1s}));
  static_assert(!gabion::valid({.multiplier_percent = 99}) &&
                !gabion::valid({.multiplier_percent = 1001}));
  static_assert(gabion::valid({.multiplier_percent = 1000}));
  CHECK(gabion::valid(backoff_options{}));
}
