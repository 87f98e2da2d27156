// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/observe/latency_snapshot.hpp>

namespace gabion {
inline namespace v0 {

/// Counts durations in 1,216 log-linear buckets from 1 ns to 73 minutes: any quantile is right to
/// 1/32, in 9.5 KB that never grow, without allocation.
///
/// Safe to use from several threads. record() is two relaxed additions and never waits. A snapshot
/// taken while others record holds each sample wholly or not at all in its buckets; its sum may be
/// a few samples ahead or behind. Source: the bucket layout of HdrHistogram (Gil Tene), with 5 bits
/// of precision.
template <class Env>
class basic_latency_histogram {
  static_assert(explain_env<Env>());

 public:
  /// Negative durations count as zero, those beyond latency_snapshot::longest in the last bucket.
  void record(duration sample) noexcept {
    const std::uint64_t ns =
        sample < duration::zero() ? 0 : static_cast<std::uint64_t>(sample.count());
    buckets_[detail::latency_bucket(ns)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(ns, std::memory_order_relaxed);
  }

  /// Adds what another one held.
  void merge(const latency_snapshot& other) noexcept {
    for (std::size_t i = 0; i < detail::latency_buckets; ++i)
      if (other.buckets_[i] != 0)
        buckets_[i].fetch_add(other.buckets_[i], std::memory_order_relaxed);
    sum_.fetch_add(other.sum_, std::memory_order_relaxed);
  }

  /// What it holds now.
  [[nodiscard]] latency_snapshot snapshot() const noexcept {
    latency_snapshot result;
    for (std::size_t i = 0; i < detail::latency_buckets; ++i) {
      result.buckets_[i] = buckets_[i].load(std::memory_order_relaxed);
      result.count_ += result.buckets_[i];
    }
    result.sum_ = sum_.load(std::memory_order_relaxed);
    return result;
  }

  /// Takes out what it holds and leaves it empty. A sample recorded meanwhile is in this result or
  /// in the next.
  [[nodiscard("these samples are in no later snapshot")]] latency_snapshot take() noexcept {
    latency_snapshot result;
    for (std::size_t i = 0; i < detail::latency_buckets; ++i) {
      result.buckets_[i] = buckets_[i].exchange(0, std::memory_order_relaxed);
      result.count_ += result.buckets_[i];
    }
    result.sum_ = sum_.exchange(0, std::memory_order_relaxed);
    return result;
  }

  void reset() noexcept { static_cast<void>(take()); }

 private:
  std::array<typename Env::template atomic<std::uint64_t>, detail::latency_buckets> buckets_{};
  typename Env::template atomic<std::uint64_t> sum_{0};
};

using latency_histogram = basic_latency_histogram<native_env>;

}  // namespace v0
}  // namespace gabion
