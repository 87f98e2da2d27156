// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What a window of time holds.
struct bucket_sum {
  std::uint64_t accepted = 0;
  std::uint64_t others = 0;
};

/// Two kinds of events over a sliding time, in a ring of sub-buckets. Lock-free and exact: an event
/// is one compare-and-swap.
///
/// A cell holds the number of its sub-bucket (32 bits) beside its count (32 bits), so a cell of an
/// earlier round counts nothing and nobody has to clear it: an idle time of any length costs
/// nothing. An event leaves the window when its sub-bucket is a whole span old, so the window is
/// between span - one sub-bucket and span. A clock that goes back writes to the newest sub-bucket.
/// A count stops at 2^32 - 1. O(sub-buckets) to read.
template <env Env>
class verdict_buckets {
 public:
  /// buckets from 1 up, span at least as many nanoseconds.
  verdict_buckets(duration span, std::uint32_t buckets)
      : width_{span.count() / buckets},
        buckets_{buckets},
        cells_(std::bit_ceil(std::size_t{buckets}) * 2) {}

  void accepted(instant now) noexcept { add(0, now); }
  void other(instant now) noexcept { add(1, now); }

  [[nodiscard]] bucket_sum sum(instant now) const noexcept {
    const std::uint64_t newest = tick(now);
    bucket_sum total;
    for (std::size_t i = 0; i < cells_.size(); i += 2) {
      total.accepted += count_in(cells_[i].load(std::memory_order_acquire), newest);
      total.others += count_in(cells_[i + 1].load(std::memory_order_acquire), newest);
    }
    return total;
  }

 private:
  using cell = typename Env::template atomic<std::uint64_t>;
  static constexpr std::uint64_t most = 0xffff'ffff;
  static constexpr std::uint64_t stalled = 65'536;  // sub-buckets

  /// The number of the sub-bucket: never lower than one that was seen before, never 0. It divides
  /// only when the newest is over.
  [[nodiscard]] std::uint64_t tick(instant now) const noexcept {
    const std::uint64_t newest = newest_.load(std::memory_order_relaxed);
    const duration::rep begins = (static_cast<duration::rep>(newest) - 1) * width_;
    const duration::rep time = now.time_since_epoch().count();
    return time < begins || apart(begins, time) < apart(0, width_)
               ? newest
               : static_cast<std::uint64_t>(time / width_ + 1);
  }

  /// to - from, also where that does not fit into the signed type.
  [[nodiscard]] static std::uint64_t apart(duration::rep from, duration::rep to) noexcept {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  }

  void add(std::size_t which, instant now) noexcept {
    const std::uint64_t t = tick(now);
    std::uint64_t newest = newest_.load(std::memory_order_relaxed);
    while (t > newest && !newest_.compare_exchange_weak(newest, t, std::memory_order_relaxed,
                                                        std::memory_order_relaxed)) {}
    cell& c = cells_[(t & (cells_.size() / 2 - 1)) * 2 + which];
    std::uint64_t seen = c.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint64_t ahead = ((seen >> 32) - t) & most;
      // A thread that stalled for a whole span meets a later round; it counts there rather than
      // wiping it out.
      const std::uint64_t tag = ahead < stalled ? seen >> 32 : t & most;
      const std::uint64_t before = ahead < stalled ? seen & most : 0;
      const std::uint64_t next = tag << 32 | (before == most ? most : before + 1);
      if (c.compare_exchange_weak(seen, next, std::memory_order_release, std::memory_order_relaxed))
        return;
    }
  }

  [[nodiscard]] std::uint64_t count_in(std::uint64_t bits, std::uint64_t newest) const noexcept {
    const std::uint64_t age = (newest - (bits >> 32)) & most;
    return age < buckets_ ? bits & most : 0;
  }

  duration::rep width_;
  std::uint64_t buckets_;
  std::vector<cell> cells_;
  cell newest_{0};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
