// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/limit_algorithm.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::aimd_limit;
using gabion::aimd_limit_options;
using gabion::gradient2_limit;
using gabion::gradient2_limit_options;
using gabion::limit_effect;
using gabion::limit_sample;
using gabion::vegas_limit;
using gabion::vegas_limit_options;
using gabion::xoshiro256;

namespace {

vegas_limit small_vegas() {
  return vegas_limit{{.initial_limit = 10, .max_limit = 20, .alpha = 3, .beta = 6}, xoshiro256{1}};
}

struct least_limit {
  least_limit(least_limit&&) = default;
  [[nodiscard]] std::uint32_t limit() const noexcept { return 1; }
  limit_effect update(const limit_sample&) noexcept { return limit_effect::go_on; }
};
struct throwing_limit {
  [[nodiscard]] std::uint32_t limit() const { return 1; }
  limit_effect update(const limit_sample&) noexcept { return limit_effect::go_on; }
};

}  // namespace

TEST_CASE("case 75: vegas grows without a queue and shrinks with a long one and stands in between",
          "[limit][vegas]") {
  vegas_limit l = small_vegas();
  l.update({10ms, 10});
  CHECK(l.limit() == 10);
  SECTION("10 ms again at 11 in flight gives 16") {
    l.update({10ms, 11});
    CHECK(l.limit() == 16);
  }
  SECTION("50 ms gives 9") {
    l.update({50ms, 11});
    CHECK(l.limit() == 9);
  }
  SECTION("14 ms leaves it at 10") {
    l.update({14ms, 11});
    CHECK(l.limit() == 10);
  }
  SECTION("half of it not in use leaves it at 10") {
    l.update({10ms, 4});
    CHECK(l.limit() == 10);
    l.update({10ms, 5});
    CHECK(l.limit() == 16);
  }
}

TEST_CASE("case 75: vegas with a smoothing of a half goes half of the way", "[limit][vegas]") {
  vegas_limit l{
      {.initial_limit = 100, .max_limit = 200, .decrease_percent = 50, .smoothing_percent = 50},
      xoshiro256{1}};
  l.update({10ms, 100});
  CHECK(l.limit() == 100);
  l.update({20ms, 100});
  CHECK(l.limit() == 75);
  l.update({20ms, 100});
  CHECK(l.limit() == 56);
}

TEST_CASE("vegas shrinks on a drop however few are in flight", "[limit][vegas]") {
  vegas_limit l = small_vegas();
  l.update({10ms, 1, true});
  CHECK(l.limit() == 9);
  CHECK(l.shortest() == 0ms);
}

TEST_CASE(
    "vegas measures anew after at most thirty times its limit of samples and at least half as many",
    "[limit][vegas]") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U);
  vegas_limit l{{.initial_limit = 10, .max_limit = 10}, xoshiro256{seed}};
  int samples = 1;
  while (samples < 10'000 && l.update({10ms, 10}) == limit_effect::go_on) ++samples;
  CHECK(samples >= 150);
  CHECK(samples <= 300);
  CHECK(l.limit() == 5);  // the queue empties meanwhile
  CHECK(l.shortest() == 10ms);
  CHECK(l.update({9ms, 5}) == limit_effect::go_on);
  CHECK(l.update({12ms, 5}) == limit_effect::go_on);
  CHECK(l.limit() == 5);
  CHECK(l.update({11ms, 5}) == limit_effect::go_on);
  CHECK(l.limit() == 10);
  CHECK(l.shortest() == 9ms);
}

TEST_CASE("a probe lets the shortest time of vegas rise", "[limit][vegas]") {
  vegas_limit l{{.initial_limit = 10, .probe_multiplier = 1}, xoshiro256{1}};
  l.update({10ms, 10});
  for (int i = 0; i < 200; ++i) l.update({40ms, l.limit()});
  CHECK(l.shortest() == 40ms);
}

TEST_CASE("probes are spread by the seed and are the same with the same seed", "[limit][vegas]") {
  const auto first_probe = [](std::uint64_t seed) {
    vegas_limit l{{.initial_limit = 100, .max_limit = 100}, xoshiro256{seed}};
    int samples = 1;
    while (samples < 10'000 && l.update({10ms, 100}) == limit_effect::go_on) ++samples;
    return samples;
  };
  CHECK(first_probe(1) == first_probe(1));
  std::vector<int> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) seen.push_back(first_probe(seed));
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() >= 15);
}

TEST_CASE("vegas without probes never measures anew", "[limit][vegas]") {
  vegas_limit l{{.initial_limit = 10, .probe_multiplier = 0}, xoshiro256{1}};
  for (int i = 0; i < 5000; ++i) CHECK(l.update({10ms, 10}) == limit_effect::go_on);
}

TEST_CASE(
    "case 76: aimd grows by one at half load and keeps ninety percent on a drop and stays below "
    "its maximum",
    "[limit][aimd]") {
  aimd_limit half{{.initial_limit = 20}};
  half.update({1ms, 10});
  CHECK(half.limit() == 21);
  aimd_limit below{{.initial_limit = 20}};
  below.update({1ms, 9});
  CHECK(below.limit() == 20);
  aimd_limit drop{{.initial_limit = 30}};
  drop.update({1ms, 30, true});
  CHECK(drop.limit() == 27);
  aimd_limit full{{.initial_limit = 21, .max_limit = 21}};
  full.update({1ms, 21});
  CHECK(full.limit() == 21);
}

TEST_CASE("aimd takes a call that is slower than allowed for a drop and one as slow as that not",
          "[limit][aimd]") {
  aimd_limit l{{.initial_limit = 10, .slow = 100ms}};
  l.update({100ms, 10});
  CHECK(l.limit() == 11);
  l.update({100ms + 1ns, 10});
  CHECK(l.limit() == 9);
}

namespace {

/// A limit that draws from that seed, if it draws at all.
template <class Limit, class Options>
Limit make_limit(const Options& options, std::uint64_t seed) {
  if constexpr (std::is_constructible_v<Limit, const Options&, xoshiro256>)
    return Limit{options, xoshiro256{seed}};
  else
    return Limit{options};
}

/// The highest limit of 500 samples: a probe may lower the last.
template <class Limit>
std::uint32_t highest_of_recovery(Limit& l) {
  std::uint32_t highest = 0;
  for (int i = 0; i < 500; ++i) {
    l.update({duration::zero(), l.limit()});
    highest = (std::max)(highest, l.limit());
  }
  return highest;
}

template <class Limit, class Options>
void check_minimum(std::uint32_t minimum) {
  const Options options{.initial_limit = 20, .min_limit = minimum, .max_limit = 100};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("minimum " << minimum << " seed " << seed);
    Limit l = make_limit<Limit>(options, seed);
    l.update({10ms, 20});
    std::uint32_t lowest = l.limit();
    for (int i = 0; i < 200; ++i) {
      l.update({10s, 1, true});
      lowest = (std::min)(lowest, l.limit());
    }
    CHECK(lowest == minimum);
    CHECK(l.limit() == minimum);
    CHECK(highest_of_recovery(l) > 50);
  }
}

}  // namespace

TEST_CASE(
    "case 77: a limit never falls below its minimum and recovers from it and takes a time of zero",
    "[limit]") {
  const auto minimum = GENERATE(1U, 3U);
  SECTION("aimd_limit") { check_minimum<aimd_limit, aimd_limit_options>(minimum); }
  SECTION("vegas_limit") { check_minimum<vegas_limit, vegas_limit_options>(minimum); }
  SECTION("gradient2_limit") { check_minimum<gradient2_limit, gradient2_limit_options>(minimum); }
}

TEST_CASE("gradient2 follows its formula", "[limit][gradient2]") {
  gradient2_limit l{
      {.initial_limit = 100, .max_limit = 1000, .smoothing_percent = 100, .probe_every = 0},
      xoshiro256{1}};
  // half of it is not in use: it learns and stays
  for (int i = 0; i < 10; ++i) l.update({100ms, 1});
  CHECK(l.limit() == 100);
  CHECK(l.usual() == 100ms);
  SECTION("as usual: it grows by the queue") {
    l.update({100ms, 100});
    CHECK(l.limit() == 104);
  }
  SECTION("up to the tolerance: it grows all the same") {
    l.update({150ms, 100});
    CHECK(l.limit() == 104);
  }
  SECTION("twice as long: three quarters and the queue") {
    l.update({200ms, 100});  // the long average has moved by 2 / 601 of 100 ms
    CHECK(l.usual() > 100ms);
    CHECK(l.usual() < 101ms);
    CHECK(l.limit() == 79);
  }
  SECTION("much longer: at least a half and the queue") {
    l.update({10s, 100});
    CHECK(l.limit() == 54);
  }
  SECTION("dropped: a half without the queue") {
    l.update({100ms, 1, true});
    CHECK(l.limit() == 50);
  }
  SECTION("half of it not in use: it stays") {
    l.update({100ms, 49});
    CHECK(l.limit() == 100);
    l.update({100ms, 50});
    CHECK(l.limit() == 104);
  }
}

TEST_CASE("gradient2 smooths by a fifth", "[limit][gradient2]") {
  gradient2_limit l{{.initial_limit = 100, .probe_every = 0}, xoshiro256{1}};
  l.update({100ms, 100, true});
  CHECK(l.limit() == 90);
  l.update({100ms, 100});
  l.update({100ms, 100});
  CHECK(l.limit() == 91);  // 90.8, then 91.6
}

TEST_CASE(
    "the long average of gradient2 shrinks by five percent while it is above twice the sample",
    "[limit][gradient2]") {
  gradient2_limit l{{.initial_limit = 100, .probe_every = 0}, xoshiro256{1}};
  for (int i = 0; i < 10; ++i) l.update({100ms, 1});
  l.update({50ms, 1});
  CHECK(l.usual() > 99ms);
  l.update({10ms, 1});
  CHECK(l.usual() < 95ms);
  CHECK(l.usual() > 94ms);
  for (int i = 0; i < 40; ++i) l.update({10ms, 1});
  CHECK(l.usual() < 21ms);
}

TEST_CASE("gradient2 measures what is usual anew by a probe with half of the limit",
          "[limit][gradient2]") {
  gradient2_limit l{{.initial_limit = 100, .max_limit = 100}, xoshiro256{1}};
  int samples = 1;
  while (samples < 10'000 && l.update({100ms, 100}) == limit_effect::go_on) ++samples;
  CHECK(samples >= 50);
  CHECK(samples <= 100);
  CHECK(l.limit() == 50);
  l.update({20ms, 50});
  l.update({30ms, 50});
  CHECK(l.usual() == 100ms);
  l.update({40ms, 50});
  CHECK(l.usual() == 30ms);
  CHECK(l.limit() == 100);
}

namespace {

/// Vegas and Gradient2 as published, in floating point: what the integers must agree with.
struct naive_vegas {
  double limit;
  double shortest = 0;
  void update(double rtt, std::uint32_t in_flight, bool dropped, double low, double high) {
    const double log = (std::max)(1.0, std::floor(std::log10(std::floor(limit))));
    double wanted = limit;
    if (dropped) {
      wanted = limit - log;
    } else if (shortest == 0 || rtt < shortest) {
      shortest = rtt;
      return;
    } else if (in_flight * 2 < limit) {
      return;
    } else {
      const double queue = std::ceil(limit * (rtt - shortest) / rtt - 1e-9);
      if (queue <= log)
        wanted = limit + 6 * log;
      else if (queue < 3 * log)
        wanted = limit + log;
      else if (queue > 6 * log)
        wanted = limit - log;
    }
    limit = std::clamp(wanted, low, high);
  }
};

struct naive_gradient2 {
  double limit;
  double usual = 0;
  int count = 0;
  void update(double rtt, std::uint32_t in_flight, bool dropped, double low, double high) {
    double wanted = limit / 2;
    if (!dropped) {
      usual += count < 10 ? (rtt - usual) / ++count : (rtt - usual) * 2 / 601;
      const double before = usual;
      if (usual > 2 * rtt) usual *= 0.95;
      if (in_flight < limit / 2) return;
      wanted = limit * std::clamp(1.5 * before / rtt, 0.5, 1.0) + 4;
    }
    limit = std::clamp(limit * 0.8 + wanted * 0.2, low, high);
  }
};

template <class Naive, class Real>
void agrees(std::uint64_t seed, Real real) {
  Naive naive{20};
  xoshiro256 random{seed};
  for (int i = 0; i < 400; ++i) {
    const auto rtt = static_cast<duration::rep>(gabion::uniform(random, 1'000'000, 50'000'000));
    const auto in_flight = static_cast<std::uint32_t>(gabion::uniform(random, 1, 60));
    const bool dropped = gabion::uniform(random, 20) == 0;
    if (std::abs(in_flight * 2 - naive.limit) < 0.01) continue;  // on the edge rounding decides
    real.update({duration{rtt}, in_flight, dropped});
    naive.update(static_cast<double>(rtt), in_flight, dropped, 1, 200);
    REQUIRE(std::abs(static_cast<double>(real.limit()) - std::floor(naive.limit)) <= 1);
  }
}

}  // namespace

TEST_CASE("the integers of vegas agree with the published floating point", "[limit][model]") {
  for (std::uint64_t seed = 0; seed < 250; ++seed)
    agrees<naive_vegas>(seed,
                        vegas_limit{{.max_limit = 200, .probe_multiplier = 0}, xoshiro256{1}});
}

TEST_CASE("the fixed point of gradient2 agrees with the published floating point",
          "[limit][model]") {
  for (std::uint64_t seed = 0; seed < 250; ++seed)
    agrees<naive_gradient2>(seed, gradient2_limit{{.probe_every = 0}, xoshiro256{1}});
}

namespace {

template <class Limit>
void check_bounds() {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    xoshiro256 random{seed};
    const auto low = static_cast<std::uint32_t>(gabion::uniform(random, 1, 50));
    const auto high = static_cast<std::uint32_t>(gabion::uniform(random, low, 1'000'000));
    const auto first = static_cast<std::uint32_t>(gabion::uniform(random, low, high));
    Limit l{{.initial_limit = first, .min_limit = low, .max_limit = high}};
    for (int i = 0; i < 300; ++i) {
      const duration rtt = gabion::uniform(random, 10) == 0
                               ? (duration::max)()
                               : duration{static_cast<duration::rep>(random() >> 1)};
      l.update({gabion::uniform(random, 3) == 0 ? -rtt : rtt,
                static_cast<std::uint32_t>(random() >> 40), gabion::uniform(random, 4) == 0});
      REQUIRE(l.limit() >= low);
      REQUIRE(l.limit() <= high);
    }
  }
}

}  // namespace

TEST_CASE("whatever the samples a limit stays within its bounds", "[limit][model]") {
  SECTION("aimd_limit") { check_bounds<aimd_limit>(); }
  SECTION("vegas_limit") { check_bounds<vegas_limit>(); }
  SECTION("gradient2_limit") { check_bounds<gradient2_limit>(); }
}

TEST_CASE("the decimal logarithm is rounded down and at least one", "[limit]") {
  using gabion::detail::log10_of;
  CHECK(log10_of(0) == 1);
  CHECK(log10_of(1) == 1);
  CHECK(log10_of(99) == 1);
  CHECK(log10_of(100) == 2);
  CHECK(log10_of(999) == 2);
  CHECK(log10_of(1000) == 3);
  CHECK(log10_of(1'000'000) == 6);
}

TEST_CASE("each option of a limit is checked at both bounds and named", "[limit][options]") {
  const auto aimd = [](aimd_limit_options o) {
    const std::string text = complaint([&] { aimd_limit{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(
      aimd({.initial_limit = 1, .min_limit = 1, .max_limit = 1, .backoff_percent = 1, .slow = 1ns})
          .empty());
  CHECK(aimd({.initial_limit = 1'000'000,
              .min_limit = 1'000'000,
              .max_limit = 1'000'000,
              .backoff_percent = 99})
            .empty());
  CHECK(aimd({.max_limit = 0}) ==
        "aimd_limit_options.max_limit is 0; allowed: 1 to 1000000: invalid argument");
  CHECK(aimd({.max_limit = 1'000'001})
            .find("aimd_limit_options.max_limit is 1000001; allowed: 1 to 1000000") == 0);
  CHECK(aimd({.min_limit = 0}).find("aimd_limit_options.min_limit is 0; allowed: 1 to max_limit") ==
        0);
  CHECK(aimd({.min_limit = 201})
            .find("aimd_limit_options.min_limit is 201; allowed: 1 to max_limit") == 0);
  CHECK(aimd({.initial_limit = 4, .min_limit = 5}).find("aimd_limit_options.initial_limit is 4") ==
        0);
  CHECK(aimd({.initial_limit = 201}).find("aimd_limit_options.initial_limit is 201") == 0);
  CHECK(aimd({.backoff_percent = 0})
            .find("aimd_limit_options.backoff_percent is 0; allowed: 1 to 99") == 0);
  CHECK(aimd({.backoff_percent = 100}).find("aimd_limit_options.backoff_percent is 100") == 0);
  CHECK(aimd({.slow = 0ns}).find("aimd_limit_options.slow is 0 ns; allowed: more than 0 ns") == 0);
  static_assert(valid(aimd_limit_options{}) && !valid(aimd_limit_options{.backoff_percent = 100}));
}

TEST_CASE("each option of vegas is checked at both bounds and named", "[limit][options]") {
  const auto vegas = [](vegas_limit_options o) {
    const std::string text = complaint([&] { vegas_limit{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(vegas({}).empty());
  CHECK(vegas({.alpha = 0, .beta = 1}).empty());
  CHECK(vegas({.alpha = 1'000'000, .beta = 1'000'000}).empty());
  CHECK(vegas({.decrease_percent = 99,
               .smoothing_percent = 1,
               .probe_multiplier = 1000,
               .probe_limit_percent = 1})
            .empty());
  CHECK(vegas({.probe_multiplier = 0, .probe_limit_percent = 100, .probe_samples = 1000}).empty());
  CHECK(vegas({.initial_limit = 0}).find("vegas_limit_options.initial_limit is 0") == 0);
  CHECK(vegas({.alpha = 1'000'001}).find("vegas_limit_options.alpha is 1000001") == 0);
  CHECK(vegas({.alpha = 4, .beta = 3})
            .find("vegas_limit_options.beta is 3; allowed: alpha to 1000000, or both 0") == 0);
  CHECK(vegas({.alpha = 4}).find("vegas_limit_options.beta is 0") == 0);
  CHECK(vegas({.beta = 1'000'001}).find("vegas_limit_options.beta is 1000001") == 0);
  CHECK(vegas({.decrease_percent = 100})
            .find("vegas_limit_options.decrease_percent is 100; allowed: 0 to 99") == 0);
  CHECK(vegas({.smoothing_percent = 0})
            .find("vegas_limit_options.smoothing_percent is 0; allowed: 1 to 100") == 0);
  CHECK(vegas({.smoothing_percent = 101}).find("vegas_limit_options.smoothing_percent is 101") ==
        0);
  CHECK(vegas({.probe_multiplier = 1001})
            .find("vegas_limit_options.probe_multiplier is 1001; allowed: 0 to 1000") == 0);
  CHECK(vegas({.probe_limit_percent = 0})
            .find("vegas_limit_options.probe_limit_percent is 0; allowed: 1 to 100") == 0);
  CHECK(
      vegas({.probe_limit_percent = 101}).find("vegas_limit_options.probe_limit_percent is 101") ==
      0);
  CHECK(vegas({.probe_samples = 0})
            .find("vegas_limit_options.probe_samples is 0; allowed: 1 to 1000") == 0);
  CHECK(vegas({.probe_samples = 1001}).find("vegas_limit_options.probe_samples is 1001") == 0);
}

TEST_CASE("each option of gradient2 is checked at both bounds and named", "[limit][options]") {
  const auto gradient = [](gradient2_limit_options o) {
    const std::string text = complaint([&] { gradient2_limit{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(gradient({}).empty());
  CHECK(gradient({.queue = 1,
                  .smoothing_percent = 1,
                  .tolerance_percent = 100,
                  .long_window = 10,
                  .probe_every = 0})
            .empty());
  CHECK(gradient({.queue = 1000,
                  .smoothing_percent = 100,
                  .tolerance_percent = 1000,
                  .long_window = 1'000'000})
            .empty());
  CHECK(gradient({.probe_every = 1'000'000, .probe_limit_percent = 1, .probe_samples = 1}).empty());
  CHECK(gradient({.probe_limit_percent = 100, .probe_samples = 1000}).empty());
  CHECK(gradient({.min_limit = 0}).find("gradient2_limit_options.min_limit is 0") == 0);
  CHECK(gradient({.queue = 0}).find("gradient2_limit_options.queue is 0; allowed: 1 to 1000") == 0);
  CHECK(gradient({.queue = 1001}).find("gradient2_limit_options.queue is 1001") == 0);
  CHECK(gradient({.smoothing_percent = 0}).find("gradient2_limit_options.smoothing_percent is 0") ==
        0);
  CHECK(gradient({.smoothing_percent = 101})
            .find("gradient2_limit_options.smoothing_percent is 101") == 0);
  CHECK(gradient({.tolerance_percent = 99})
            .find("gradient2_limit_options.tolerance_percent is 99; allowed: 100 to 1000") == 0);
  CHECK(gradient({.tolerance_percent = 1001})
            .find("gradient2_limit_options.tolerance_percent is 1001") == 0);
  CHECK(gradient({.long_window = 9})
            .find("gradient2_limit_options.long_window is 9; allowed: 10 to 1000000") == 0);
  CHECK(
      gradient({.long_window = 1'000'001}).find("gradient2_limit_options.long_window is 1000001") ==
      0);
  CHECK(
      gradient({.probe_every = 1'000'001}).find("gradient2_limit_options.probe_every is 1000001") ==
      0);
  CHECK(gradient({.probe_limit_percent = 0})
            .find("gradient2_limit_options.probe_limit_percent is 0") == 0);
  CHECK(gradient({.probe_samples = 0}).find("gradient2_limit_options.probe_samples is 0") == 0);
}

TEST_CASE("what is a limit algorithm and what is not", "[limit][concepts]") {
  CHECK(gabion::limit_algorithm<least_limit>);
  CHECK(gabion::limit_algorithm<gabion::fixed_limit>);
  CHECK(gabion::limit_algorithm<aimd_limit>);
  CHECK(gabion::limit_algorithm<vegas_limit>);
  CHECK(gabion::limit_algorithm<gradient2_limit>);
  CHECK_FALSE(gabion::limit_algorithm<throwing_limit>);
  CHECK_FALSE(gabion::limit_algorithm<int>);
}
