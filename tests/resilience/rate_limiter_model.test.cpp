// SPDX-License-Identifier: MIT
// Each limiter against the plainest description of what it promises, on random sequences.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::duration;
using gabion::instant;

namespace {

__extension__ using wide = __int128;
constexpr duration for_ever = (duration::max)();

/// Permits given, and what the promise allows: never more than burst + rate * t in any time t.
/// Permits that are reserved are good from a whole nanosecond on: `rounding` is that nanosecond.
class ledger {
 public:
  ledger(gabion::rate rate, std::uint32_t burst, duration rounding = {})
      : rate_{rate}, burst_{burst}, rounding_{rounding} {}

  void add(instant at, std::uint32_t n) { given_.emplace_back(at, n); }
  [[nodiscard]] bool kept() {
    std::sort(given_.begin(), given_.end());
    for (auto last = given_.begin(); last != given_.end(); ++last) {
      wide sum = 0;
      for (auto first = std::make_reverse_iterator(last + 1); first != given_.rend(); ++first) {
        sum += first->second;
        const wide time = (last->first - first->first + rounding_).count();
        if (sum > burst_ + time * rate_.permits / rate_.per.count()) return false;
      }
    }
    return true;
  }

 private:
  gabion::rate rate_;
  wide burst_;
  duration rounding_;
  std::vector<std::pair<instant, std::uint32_t>> given_;
};

/// A bucket as one would fill it by hand: step by step, in fractions of a permit.
class plain_bucket {
 public:
  plain_bucket(wide permits, wide per, wide burst)
      : permits_{permits}, per_{per}, full_{burst * per}, level_{full_} {}

  void to(instant now) {
    if (last_) level_ += wide{(now - *last_).count()} * permits_;
    if (level_ > full_) level_ = full_;
    last_ = now;
  }
  /// The wait for that many, as it is now; nothing if they never fit.
  [[nodiscard]] std::optional<wide> wait(std::uint32_t n) const {
    if (n * per_ > full_) return std::nullopt;
    const wide missing = n * per_ - level_;
    return missing <= 0 ? 0 : (missing + permits_ - 1) / permits_;
  }
  void take(std::uint32_t n) { level_ -= n * per_; }
  void give_back(std::uint32_t n) { level_ += n * per_; }
  [[nodiscard]] wide whole() const { return level_ <= 0 ? 0 : level_ / per_; }

 private:
  wide permits_;
  wide per_;
  wide full_;
  wide level_;
  std::optional<instant> last_{};
};

/// A step of time that is now and then nothing, short, about a permit long, or very long.
duration some_time(gabion::xoshiro256& random, duration permit) {
  const auto scale = static_cast<std::uint64_t>(permit.count());
  switch (gabion::uniform(random, 8)) {
    case 0:
    case 1: return 0ns;
    case 2: return 1ns;
    case 3: return duration{static_cast<duration::rep>(gabion::uniform(random, 50 * scale))};
    default: return duration{static_cast<duration::rep>(gabion::uniform(random, 2 * scale))};
  }
}

template <class Limiter>
void against_the_plain_bucket(Limiter& limiter, gabion::rate rate, std::uint32_t burst,
                              std::uint64_t seed) {
  gabion::xoshiro256 random{seed};
  plain_bucket plain{rate.permits, rate.per.count(), burst};
  const bool reserves = gabion::uniform(random, 2) == 0;
  ledger given{rate, burst, reserves ? 1ns : 0ns};
  const duration permit = rate.per / rate.permits + 1ns;
  instant now{
      duration{static_cast<duration::rep>(gabion::uniform(random, std::uint64_t{1} << 58))}};
  for (int step = 0; step < 150; ++step) {
    now += some_time(random, permit);
    plain.to(now);
    const auto n = static_cast<std::uint32_t>(
        gabion::uniform(random, std::uint64_t{1}, burst > 4 ? std::uint64_t{5} : burst + 1U));
    const std::optional<wide> needed = plain.wait(n);
    const duration wait = needed ? duration{static_cast<duration::rep>(*needed)} : for_ever;
    REQUIRE(limiter.available(now) == static_cast<std::uint64_t>(plain.whole()));
    if (!reserves || gabion::uniform(random, 4) != 0) {
      const gabion::rate_admission answer = limiter.take(now, n);
      REQUIRE(answer.granted == (wait == 0ns));
      REQUIRE(answer.retry_after == wait);
      if (!answer) continue;
      plain.take(n);
      given.add(now, n);
    } else {
      const duration patience = some_time(random, permit);
      const gabion::rate_reservation r = limiter.reserve(now, patience, n);
      REQUIRE(r.granted == (wait <= patience));
      if (!r) {
        REQUIRE(r.retry_after == wait);
        continue;
      }
      REQUIRE(r.at == now + wait);
      plain.take(n);
      if (gabion::uniform(random, 2) == 0) {
        REQUIRE(limiter.cancel(r));
        plain.give_back(n);
      } else {
        given.add(r.at, n);
      }
    }
  }
  REQUIRE(given.kept());
}

template <class Limiter>
void never_more_with_a_wild_clock(Limiter& limiter, gabion::rate rate, std::uint32_t burst,
                                  std::uint64_t seed) {
  gabion::xoshiro256 random{seed};
  const duration permit = rate.per / rate.permits + 1ns;
  instant now{24h * 365};
  ledger given{rate, burst};
  for (int step = 0; step < 150; ++step) {
    const duration by = some_time(random, permit);
    now += gabion::uniform(random, 3) == 0 ? -by : by;
    const auto n = static_cast<std::uint32_t>(gabion::uniform(random, std::uint64_t{1}, burst));
    if (limiter.take(now, n)) given.add(now, n);
  }
  REQUIRE(given.kept());
}

/// The log of all permits that the sliding window stands for.
class plain_window {
 public:
  plain_window(wide limit, wide slice, wide slices)
      : limit_{limit}, slice_{slice}, slices_{slices} {}

  [[nodiscard]] wide used(instant now) const {
    wide sum = 0;
    for (const auto& [at, n] : log_)
      if (counts_until(at) > wide{now.time_since_epoch().count()}) sum += n;
    return sum;
  }
  [[nodiscard]] wide wait(instant now, std::uint32_t n) const {
    if (used(now) + n <= limit_) return 0;
    for (const auto& [at, ignored] : log_) {
      const wide until = counts_until(at);
      const wide wait = until - now.time_since_epoch().count();
      if (wait > 0 && used(now + duration{static_cast<duration::rep>(wait)}) + n <= limit_)
        return wait;
    }
    return -1;
  }
  void add(instant at, std::uint32_t n) { log_.emplace_back(at, n); }
  /// Permits in the window of that length that ends now, exactly.
  [[nodiscard]] wide in_last(instant now, duration window) const {
    wide sum = 0;
    for (const auto& [at, n] : log_)
      if (now - at < window) sum += n;
    return sum;
  }

 private:
  [[nodiscard]] wide counts_until(instant at) const {
    return (at.time_since_epoch().count() / slice_ + 1 + slices_) * slice_;
  }

  wide limit_;
  wide slice_;
  wide slices_;
  std::deque<std::pair<instant, std::uint32_t>> log_;
};

constexpr std::uint64_t sequences = 150;

}  // namespace

TEST_CASE("a token bucket gives what the plain bucket gives and says its waits exactly",
          "[rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= sequences; ++seed)
    for (const gabion::rate rate :
         {gabion::rate{1, 1s}, gabion::rate{3, 1s}, gabion::rate{7, 10ns}, gabion::rate{5, 1ns},
          gabion::rate{1, 1ns}, gabion::rate{1, 24h}, gabion::rate{999'999'937, 24h},
          gabion::rate{1000, 1s}})
      for (const std::uint32_t burst : {1U, 2U, 10U}) {
        gabion::token_bucket limiter{{.burst = burst, .refill = rate}};
        against_the_plain_bucket(limiter, rate, burst, seed);
      }
}

TEST_CASE("a bucket goes on without a seam where its word no longer holds the time",
          "[rate_limiter][model]") {
  constexpr gabion::token_bucket_options options{.burst = 3, .refill = {7, 10ns}};
  constexpr instant latest{duration{(std::int64_t{1} << 60) / 7}};
  for (std::uint64_t seed = 1; seed <= sequences; ++seed) {
    for (const instant seam : {instant{0ns}, latest}) {
      gabion::xoshiro256 random{seed};
      instant now = seam - 40ns;
      gabion::token_bucket limiter{options};
      gabion::token_bucket under_lock{options};
      under_lock.reconfigure(options, now - 1h);
      for (int step = 0; step < 60; ++step) {
        now += some_time(random, 2ns);
        if (seam == instant{0ns} && step % 5 == 0) now -= 20ns;
        const auto n = static_cast<std::uint32_t>(gabion::uniform(random, 5));
        REQUIRE(limiter.available(now) == under_lock.available(now));
        const auto one = limiter.reserve(now, 3ns, n);
        const auto other = under_lock.reserve(now, 3ns, n);
        REQUIRE(one.granted == other.granted);
        REQUIRE(one.at == other.at);
        REQUIRE(one.retry_after == other.retry_after);
        if (one && gabion::uniform(random, 3) == 0) {
          REQUIRE(limiter.cancel(one));
          REQUIRE(under_lock.cancel(other));
        }
      }
    }
  }
}

TEST_CASE("a bucket goes on without a seam where its word no longer holds the debt",
          "[rate_limiter][model]") {
  constexpr gabion::token_bucket_options options{.burst = 2, .refill = {1, 24h * 366}};
  gabion::token_bucket limiter{options};
  gabion::token_bucket under_lock{options};
  under_lock.reconfigure(options, instant{0ns});
  for (int step = 0; step < 400; ++step) {
    const auto one = limiter.reserve(instant{1h}, for_ever);
    const auto other = under_lock.reserve(instant{1h}, for_ever);
    REQUIRE(one.granted == other.granted);
    REQUIRE(one.at == other.at);
    REQUIRE(limiter.take(instant{2h}) == under_lock.take(instant{2h}));
  }
}

TEST_CASE("GCRA gives what the plain bucket gives and says its waits exactly",
          "[rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= sequences; ++seed)
    for (const duration interval : {duration{1ns}, duration{7ns}, duration{100ms}, duration{24h}})
      for (const std::uint32_t burst : {1U, 2U, 10U}) {
        gabion::gcra limiter{{.interval = interval, .burst = burst}};
        against_the_plain_bucket(limiter, {1, interval}, burst, seed);
      }
}

TEST_CASE("a clock that goes back and forth never gives more than burst and rate allow",
          "[rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= sequences; ++seed)
    for (const std::uint32_t burst : {1U, 2U, 10U}) {
      gabion::token_bucket bucket{{.burst = burst, .refill = gabion::per_second(3)}};
      never_more_with_a_wild_clock(bucket, gabion::per_second(3), burst, seed);
      gabion::gcra spaced{{.interval = 100ms, .burst = burst}};
      never_more_with_a_wild_clock(spaced, gabion::per_second(10), burst, seed);
    }
}

TEST_CASE("a sliding window never exceeds its limit in any window and is late by a slice at most",
          "[rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= sequences; ++seed)
    for (const std::uint32_t slices : {1U, 2U, 7U, 10U})
      for (const std::uint32_t limit : {1U, 3U, 20U}) {
        gabion::xoshiro256 random{seed};
        const duration window = 1s;
        const duration slice{(window.count() - 1) / slices + 1};
        gabion::sliding_window_limiter limiter{
            {.limit = limit, .window = window, .slices = slices}};
        plain_window plain{limit, slice.count(), slices};
        instant now{
            duration{static_cast<duration::rep>(gabion::uniform(random, std::uint64_t{1} << 58))}};
        for (int step = 0; step < 80; ++step) {
          now += some_time(random, window / 8);
          const auto n =
              static_cast<std::uint32_t>(gabion::uniform(random, std::uint64_t{1}, limit));
          const wide wait = plain.wait(now, n);
          const gabion::rate_admission answer = limiter.take(now, n);
          REQUIRE(answer.granted == (wait == 0));
          REQUIRE(wide{answer.retry_after.count()} == wait);
          if (answer) {
            plain.add(now, n);
            REQUIRE(plain.in_last(now, window) <= limit);
          } else {
            REQUIRE(plain.in_last(now, window + slice + 1ns * slices) + n > limit);
          }
          REQUIRE(limiter.available(now) == static_cast<std::uint64_t>(limit - plain.used(now)));
        }
      }
}

TEST_CASE("what is in the bucket outlives any number of new configurations",
          "[rate_limiter][model]") {
  for (std::uint64_t seed = 1; seed <= sequences; ++seed) {
    gabion::xoshiro256 random{seed};
    gabion::rate rate{1, 1s};
    std::uint32_t burst = 100;
    gabion::token_bucket limiter{{.burst = burst, .refill = rate}};
    // In permits, as an interval: each change may round the part of a permit down by less than a
    // tick.
    long double level = burst;
    instant now{1h};
    for (int step = 0; step < 60; ++step) {
      const duration by{static_cast<duration::rep>(gabion::uniform(random, 3'000'000'000))};
      now += by;
      level += static_cast<long double>(by.count()) * rate.permits /
               static_cast<long double>(rate.per.count());
      if (level > burst) level = burst;
      if (limiter.take(now, 2)) level -= 2;
      REQUIRE(level > -0.001L);
      REQUIRE(static_cast<long double>(limiter.available(now)) <= level + 0.001L);
      REQUIRE(static_cast<long double>(limiter.available(now)) > level - 1.001L);
      if (gabion::uniform(random, 4) != 0) continue;
      rate = {
          static_cast<std::uint32_t>(gabion::uniform(random, std::uint64_t{1}, std::uint64_t{20})),
          duration{static_cast<duration::rep>(
              gabion::uniform(random, std::uint64_t{1'000'000}, std::uint64_t{9'000'000'000}))}};
      burst =
          static_cast<std::uint32_t>(gabion::uniform(random, std::uint64_t{2}, std::uint64_t{200}));
      limiter.reconfigure({.burst = burst, .refill = rate}, now);
      if (level > burst) level = burst;
    }
  }
}
