// SPDX-License-Identifier: MIT
#include <gabion/core/tsc_clock.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using gabion::duration;
using gabion::instant;
using gabion::steady_clock;
using gabion::tsc_clock;

static_assert(gabion::clock<tsc_clock>);

/// A reading of the counter between two of the steady clock.
struct reading {
  instant before = steady_clock::now();
  instant now = tsc_clock::now();
  instant after = steady_clock::now();
};

}  // namespace

TEST_CASE("tsc_clock: as much time passes as by the steady clock", "[tsc_clock]") {
  tsc_clock::warm_up();
  const reading first;
  reading last = first;
  while (last.after - first.before < 20ms) last = reading{};
  // The steady clock itself is slewed by up to 500 ppm where a time server says so.
  const duration passed = last.now - first.now;
  const duration least = last.before - first.after;
  const duration most = last.after - first.before;
  CHECK(passed >= least - least / 1000);
  CHECK(passed <= most + most / 1000);
}

TEST_CASE("tsc_clock: begins as the steady clock", "[tsc_clock]") {
  tsc_clock::warm_up();
  const reading r;
  CHECK(r.now > r.before - 10ms);
  CHECK(r.now < r.after + 10ms);
}

TEST_CASE("tsc_clock: never goes back in a thread", "[tsc_clock]") {
  instant last = tsc_clock::now();
  bool went_back = false;
  for (int i = 0; i < 200'000; ++i) {
    const instant now = tsc_clock::now();
    went_back = went_back || now < last;
    last = now;
  }
  CHECK_FALSE(went_back);
}

TEST_CASE("tsc_clock: no thread reads less than another has published", "[tsc_clock]") {
  std::atomic<duration::rep> latest{0};
  std::atomic<int> went_back{0};
  const auto read = [&] {
    for (int i = 0; i < 100'000; ++i) {
      duration::rep seen = latest.load(std::memory_order_acquire);
      const duration::rep now = tsc_clock::now().time_since_epoch().count();
      if (now < seen) went_back.fetch_add(1, std::memory_order_relaxed);
      while (seen < now && !latest.compare_exchange_weak(seen, now, std::memory_order_acq_rel,
                                                         std::memory_order_acquire)) {}
    }
  };
  std::array threads{std::thread{read}, std::thread{read}, std::thread{read}};
  for (std::thread& t : threads) t.join();
  CHECK(went_back.load() == 0);
}

TEST_CASE("tsc_clock: a scale is exact over years, for fast and slow counters", "[tsc_clock]") {
  if (!tsc_clock::reads_counter()) return;
  const gabion::detail::tick_scale scale{1ms};
  const auto ticks = gabion::detail::tick_counter::read();
  const instant start = scale.at(ticks);
  const duration second = scale.at(ticks + 1'000'000'000U) - start;
  const duration year = scale.at(ticks + 31'536'000ULL * 1'000'000'000U) - start;
  CHECK(second > 0ns);
  const duration error = year / 31'536'000 - second;
  CHECK(error < 2ns);
  CHECK(error > -2ns);
  CHECK(scale.at(0) <= start);
}
