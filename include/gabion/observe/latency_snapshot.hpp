// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

// Log-linear buckets: 0 to 63 ns have one each; above, every power of two is cut into 32 equal
// parts. The last power ends at 2^42 ns, 73 minutes; what is longer counts in the last bucket.
inline constexpr unsigned latency_part_bits = 5;
inline constexpr unsigned latency_top_bit = 41;
inline constexpr std::size_t latency_parts = std::size_t{1} << latency_part_bits;
inline constexpr std::size_t latency_buckets =
    (latency_top_bit - latency_part_bits + 2) * latency_parts;

/// The bucket that a number of nanoseconds belongs to.
[[nodiscard]] constexpr std::size_t latency_bucket(std::uint64_t ns) noexcept {
  if (ns < 2 * latency_parts) return static_cast<std::size_t>(ns);
  const auto top = static_cast<unsigned>(std::bit_width(ns)) - 1;
  if (top > latency_top_bit) return latency_buckets - 1;
  const unsigned shift = top - latency_part_bits;
  return shift * latency_parts + static_cast<std::size_t>(ns >> shift);
}

/// The highest number of nanoseconds in that bucket.
[[nodiscard]] constexpr std::uint64_t latency_bucket_top(std::size_t bucket) noexcept {
  if (bucket < 2 * latency_parts) return bucket;
  const std::size_t shift = bucket / latency_parts - 1;
  return ((static_cast<std::uint64_t>(bucket % latency_parts) + latency_parts + 1) << shift) - 1;
}

}  // namespace detail

/// What a latency histogram held at one moment: a plain value of 9.5 KB that can be added, asked
/// and thrown away. Not safe to change from several threads.
class latency_snapshot {
 public:
  /// No answer is more than 1/32 above the truth.
  static constexpr unsigned relative_error_denominator = 32;
  /// Longer samples are counted as this long, 73 minutes.
  static constexpr duration longest{(std::int64_t{1} << 42) - 1};

  [[nodiscard]] constexpr std::uint64_t count() const noexcept { return count_; }
  /// The exact sum of the samples; a negative sample counts as zero.
  [[nodiscard]] constexpr duration sum() const noexcept {
    return duration{static_cast<duration::rep>(sum_)};
  }
  /// The mean, zero if there are no samples.
  [[nodiscard]] constexpr duration mean() const noexcept {
    return duration{count_ == 0 ? 0 : static_cast<duration::rep>(sum_ / count_)};
  }

  /// The sample of rank ceil(p x count) for p from 0 to 1, so 0.99 asks for the 99th percentile:
  /// never below the true one, and at most 1/32 above it. Zero if there are no samples. Walks the
  /// buckets, about 1 microsecond.
  [[nodiscard]] constexpr duration quantile(double p) const noexcept {
    const std::uint64_t rank = latency_snapshot::rank_of(p, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < detail::latency_buckets; ++i) {
      seen += buckets_[i];
      if (seen >= rank && seen > 0)
        return duration{static_cast<duration::rep>(detail::latency_bucket_top(i))};
    }
    return duration::zero();
  }

  /// The number of samples whose bucket ends at or below `limit`: exact at 2^n - 1 ns, otherwise
  /// short by at most the samples within 1/32 below the limit.
  [[nodiscard]] constexpr std::uint64_t count_at_most(duration limit) const noexcept {
    if (limit < duration::zero()) return 0;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < detail::latency_buckets; ++i) {
      if (detail::latency_bucket_top(i) > static_cast<std::uint64_t>(limit.count())) break;
      seen += buckets_[i];
    }
    return seen;
  }

  /// Adds `n` samples of that length.
  constexpr void record(duration sample, std::uint64_t n = 1) noexcept {
    const std::uint64_t ns =
        sample < duration::zero() ? 0 : static_cast<std::uint64_t>(sample.count());
    buckets_[detail::latency_bucket(ns)] += n;
    count_ += n;
    sum_ += ns * n;
  }

  /// Adds the samples of the other one. In any order and grouping the result is the same.
  constexpr latency_snapshot& operator+=(const latency_snapshot& other) noexcept {
    for (std::size_t i = 0; i < detail::latency_buckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    return *this;
  }

  friend constexpr bool operator==(const latency_snapshot&,
                                   const latency_snapshot&) noexcept = default;

 private:
  template <class Env>
  friend class basic_latency_histogram;

  [[nodiscard]] static constexpr std::uint64_t rank_of(double p, std::uint64_t count) noexcept {
    if (!(p > 0.0)) return 1;
    if (p >= 1.0) return count;
    const double exact = p * static_cast<double>(count);
    const auto whole = static_cast<std::uint64_t>(exact);
    const std::uint64_t rank = whole + (static_cast<double>(whole) < exact ? 1U : 0U);
    return rank == 0 ? 1 : rank;
  }

  std::array<std::uint64_t, detail::latency_buckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace v0
}  // namespace gabion
