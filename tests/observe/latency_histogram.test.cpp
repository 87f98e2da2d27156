// SPDX-License-Identifier: MIT
#include <gabion/observe/latency_histogram.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include <gabion/core/random.hpp>

#include "core/archetypes.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::duration;
using gabion::latency_snapshot;

namespace {

namespace detail = gabion::detail;

static_assert(detail::latency_bucket(0) == 0);
static_assert(detail::latency_bucket(63) == 63);
static_assert(detail::latency_bucket(64) == 64);
static_assert(detail::latency_bucket(65) == 64);
static_assert(detail::latency_bucket_top(64) == 65);
static_assert(detail::latency_bucket(static_cast<std::uint64_t>(
                  latency_snapshot::longest.count())) == detail::latency_buckets - 1);
static_assert(detail::latency_bucket(static_cast<std::uint64_t>(latency_snapshot::longest.count()) +
                                     1) == detail::latency_buckets - 1);
static_assert(detail::latency_bucket_top(detail::latency_buckets - 1) ==
              static_cast<std::uint64_t>(latency_snapshot::longest.count()));
static_assert(detail::latency_bucket((std::numeric_limits<std::uint64_t>::max)()) ==
              detail::latency_buckets - 1);
static_assert(sizeof(gabion::latency_histogram) < 10'000);

/// An environment in which another thread adds one right after each of the next `left` times that a
/// number is read.
struct interrupted_env : archetype::env {
  static inline int left = 0;

  template <class T>
  class atomic : public archetype::atomic<T> {
   public:
    using archetype::atomic<T>::atomic;
    T load(std::memory_order order) const noexcept {
      const T value = archetype::atomic<T>::load(order);
      interrupt();
      return value;
    }
    T exchange(T next, std::memory_order order) noexcept {
      const T value = archetype::atomic<T>::exchange(next, order);
      interrupt();
      return value;
    }

   private:
    void interrupt() const noexcept {
      if (left > 0 && left-- > 0)
        const_cast<atomic*>(this)->fetch_add(1, std::memory_order_relaxed);
    }
  };
};

/// Latencies of very different sizes, as real ones are.
[[nodiscard]] duration any_latency(gabion::xoshiro256& random) {
  return duration{static_cast<duration::rep>(random() >> gabion::uniform(random, 22, 63))};
}

/// The sample of rank ceil(p x n), from the sorted samples.
[[nodiscard]] duration exact_quantile(const std::vector<duration>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

TEST_CASE("the buckets cover every length once and in order", "[observe][histogram]") {
  for (std::size_t i = 1; i < detail::latency_buckets; ++i) {
    const std::uint64_t below = detail::latency_bucket_top(i - 1);
    const std::uint64_t top = detail::latency_bucket_top(i);
    CAPTURE(i);
    REQUIRE(below < top);
    REQUIRE(detail::latency_bucket(top) == i);
    REQUIRE(detail::latency_bucket(below + 1) == i);
    // no number in the bucket is less than 32/33 of its top
    REQUIRE((top - (below + 1)) * 32 <= below + 1);
  }
}

TEST_CASE("each quantile is at least the true one and at most one part in 32 above",
          "[observe][histogram]") {
  gabion::xoshiro256 random{60};
  for (const std::size_t samples : {1U, 2U, 10U, 1000U, 20'000U}) {
    gabion::latency_histogram histogram;
    std::vector<duration> all;
    for (std::size_t i = 0; i < samples; ++i) {
      all.push_back(any_latency(random));
      histogram.record(all.back());
    }
    std::sort(all.begin(), all.end());
    const latency_snapshot seen = histogram.snapshot();
    CHECK(seen.count() == samples);
    for (const double p : {0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
      const duration exact = exact_quantile(all, p);
      const duration told = seen.quantile(p);
      CAPTURE(samples, p, exact.count(), told.count());
      CHECK(told >= exact);
      CHECK((told - exact) * 32 <= exact);
    }
  }
}

TEST_CASE("small samples are exact and odd ones are held at the ends", "[observe][histogram]") {
  latency_snapshot seen;
  for (int i = 1; i <= 50; ++i) seen.record(duration{i});
  CHECK(seen.quantile(0.5) == 25ns);
  CHECK(seen.quantile(1.0) == 50ns);
  CHECK(seen.quantile(0.0) == 1ns);
  CHECK(seen.quantile(-1.0) == 1ns);
  CHECK(seen.quantile(2.0) == 50ns);
  CHECK(seen.quantile(std::numeric_limits<double>::quiet_NaN()) == 1ns);
  CHECK(seen.sum() == 1275ns);
  CHECK(seen.mean() == 25ns);

  latency_snapshot odd;
  odd.record(-5s);
  odd.record(100h);
  CHECK(odd.quantile(0.5) == 0ns);
  CHECK(odd.quantile(1.0) == latency_snapshot::longest);
  CHECK(odd.sum() == 100h);
}

TEST_CASE("without samples there is nothing to tell", "[observe][histogram]") {
  const latency_snapshot none;
  CHECK(none.count() == 0);
  CHECK(none.quantile(0.99) == 0ns);
  CHECK(none.mean() == 0ns);
  CHECK(none.count_at_most(1h) == 0);
}

TEST_CASE("samples up to a limit are counted", "[observe][histogram]") {
  latency_snapshot seen;
  for (const duration d : {duration{10ns}, duration{20ns}, duration{1ms}, duration{1s}})
    seen.record(d);
  CHECK(seen.count_at_most(-1ns) == 0);
  CHECK(seen.count_at_most(9ns) == 0);
  CHECK(seen.count_at_most(10ns) == 1);
  CHECK(seen.count_at_most(900us) == 2);
  CHECK(seen.count_at_most(1100us) == 3);
  CHECK(seen.count_at_most((duration::max)()) == 4);
}

TEST_CASE("merging in any order gives what one histogram would have seen", "[observe][histogram]") {
  gabion::xoshiro256 random{61};
  latency_snapshot together;
  std::vector<latency_snapshot> parts(3);
  gabion::latency_histogram live;
  for (int i = 0; i < 3000; ++i) {
    const duration d = any_latency(random);
    together.record(d);
    parts[static_cast<std::size_t>(i % 3)].record(d);
  }
  for (const latency_snapshot& part : parts) live.merge(part);
  CHECK(live.snapshot() == together);
  latency_snapshot forward = parts[0];
  forward += parts[1];
  forward += parts[2];
  latency_snapshot backward = parts[2];
  backward += parts[1];
  backward += parts[0];
  CHECK(forward == together);
  CHECK(backward == together);
}

TEST_CASE("taking the samples leaves none behind", "[observe][histogram]") {
  gabion::latency_histogram histogram;
  histogram.record(5ns);
  CHECK(histogram.take().count() == 1);
  CHECK(histogram.snapshot() == latency_snapshot{});
  histogram.record(5ns);
  histogram.reset();
  CHECK(histogram.snapshot().count() == 0);
}

TEST_CASE("a sample that comes while its bucket is taken is in the next taking",
          "[observe][histogram]") {
  interrupted_env::left = 1000;
  gabion::basic_latency_histogram<interrupted_env> histogram;
  histogram.record(5ns);
  latency_snapshot taken = histogram.take();
  CHECK(interrupted_env::left == 0);
  taken += histogram.take();
  CHECK(taken.count() == 1001);
}

TEST_CASE("no sample is lost between threads that record and one that takes",
          "[observe][histogram][thread]") {
  gabion::latency_histogram histogram;
  constexpr int each = 400'000;
  std::atomic<int> recording{2};
  latency_snapshot taken;
  {
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&histogram, &recording] {
        for (int i = 0; i < each; ++i) histogram.record(duration{i % 2});
        --recording;
      });
    while (recording > 0) taken += histogram.take();
    for (auto& thread : threads) thread.join();
  }
  taken += histogram.take();
  CHECK(taken.count() == 2 * each);
  CHECK(taken.sum() == duration{each});
}

TEST_CASE("the histogram asks no more of its environment than the archetype has",
          "[observe][archetype]") {
  gabion::basic_latency_histogram<archetype::env> histogram;
  histogram.record(1ms);
  histogram.merge(histogram.snapshot());
  CHECK(histogram.take().count() == 2);
}
