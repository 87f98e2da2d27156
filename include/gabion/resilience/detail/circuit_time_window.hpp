// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/detail/circuit_history.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The outcomes of the last time, in a ring of buckets, for use under a lock.
///
/// A moment t is in bucket floor(t / width), width = span / buckets in whole ns. At `now` those
/// buckets count whose number is greater than that of now's bucket - buckets: nothing as old as the
/// span ever counts, and what is younger than span - width always does. Time that goes back counts
/// as the latest time seen: nothing leaves, and the outcome goes into the newest bucket. O(1)
/// within a bucket, O(buckets) at most after any jump.
class circuit_time_window {
 public:
  /// Takes over what counts at `now`, bucket by bucket, each at its beginning. Allocates.
  void configure(const circuit_time_window_options& o, instant now) {
    if (used_) advance(now);
    circuit_time_window next;
    if (o.span != duration::zero()) {
      next.ring_.resize(o.buckets);
      next.width_ = o.span.count() / o.buckets;
      for (std::size_t i = 1; used_ && i <= ring_.size(); ++i) {
        const auto age = static_cast<rep>(ring_.size() - i);
        next.add(instant{duration{(number_ - age) * width_}}, ring_[(slot_ + i) % ring_.size()]);
      }
      if (used_) next.advance(instant{duration{number_ * width_}});
    }
    *this = std::move(next);
  }

  void clear() noexcept {
    for (circuit_sum& s : ring_) s = {};
    sum_ = {};
    used_ = false;
    end_ = (std::numeric_limits<rep>::min)();
  }

  void record(circuit_outcome o, instant now) noexcept {
    if (ring_.empty()) return;
    advance(now);
    ring_[slot_].add(o);
    sum_.add(o);
  }

  /// What counts at `now`, and what was counted at an earlier moment if `now` is one.
  [[nodiscard]] circuit_sum sum(instant now) const noexcept {
    if (now.time_since_epoch().count() < end_ || !used_) return sum_;
    const std::uint64_t steps = steps_to(number_of(now));
    if (steps >= ring_.size()) return {};
    circuit_sum left = sum_;
    for (std::size_t i = 1; i <= steps; ++i) left -= ring_[(slot_ + i) % ring_.size()];
    return left;
  }

  /// The same, and forgets what does not count any more.
  const circuit_sum& advance(instant now) noexcept {
    if (now.time_since_epoch().count() < end_ || ring_.empty()) return sum_;
    const rep to = number_of(now);
    if (used_) expire(steps_to(to));
    used_ = true;
    number_ = to;
    end_ = to >= (std::numeric_limits<rep>::max)() / width_ ? (std::numeric_limits<rep>::max)()
                                                            : (to + 1) * width_;
    return sum_;
  }

 private:
  using rep = duration::rep;

  [[nodiscard]] rep number_of(instant t) const noexcept {
    const rep count = t.time_since_epoch().count();
    return count / width_ - (count % width_ < 0 ? 1 : 0);
  }
  [[nodiscard]] std::uint64_t steps_to(rep number) const noexcept {
    return static_cast<std::uint64_t>(number) - static_cast<std::uint64_t>(number_);
  }

  void add(instant at, const circuit_sum& s) noexcept {
    if (s.calls == 0) return;
    advance(at);
    ring_[slot_] += s;
    sum_ += s;
  }

  /// Moves on by so many buckets, but never around the ring twice.
  void expire(std::uint64_t steps) noexcept {
    for (std::uint64_t i = 0; i < steps && i < ring_.size(); ++i) {
      slot_ = slot_ + 1 == ring_.size() ? 0 : slot_ + 1;
      sum_ -= std::exchange(ring_[slot_], circuit_sum{});
    }
  }

  std::vector<circuit_sum> ring_{};
  rep width_ = 1;
  rep number_ = 0;                               // of the newest bucket
  rep end_ = (std::numeric_limits<rep>::min)();  // of the newest bucket
  std::size_t slot_ = 0;                         // of the newest bucket
  bool used_ = false;
  circuit_sum sum_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
