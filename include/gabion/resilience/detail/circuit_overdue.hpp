// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// How many calls are in flight, and how many of them for longer than a limit: in constant memory,
/// for use under a lock.
///
/// Starts are kept in buckets of an eighth of the limit, rounded up. A bucket is overdue when the
/// youngest call that it can hold has been out for longer than the limit: so a call is seen as
/// overdue up to a bucket late and never early. O(1).
class circuit_overdue {
 public:
  /// Forgets all, and says calls apart that were begun before.
  void configure(bool enabled, duration limit) noexcept {
    limit_ = limit.count();
    width_ = limit_ / parts + (limit_ % parts == 0 ? 0 : 1);
    if (width_ == 0) width_ = 1;
    oldest_ = time_ == (std::numeric_limits<rep>::min)()
                  ? time_
                  : number_of(detail::saturating_subtract(time_, limit_));
    enabled_ = enabled;
    epoch_ = epoch_ == max_epoch ? 1 : epoch_ + 1;
    clear();
  }

  void clear() noexcept {
    begun_.fill(0);
    overdue_ = 0;
    in_flight_ = 0;
  }

  [[nodiscard]] bool enabled() const noexcept { return enabled_; }
  /// Of calls that are begun now, to be handed back when they end. Never 0, which is for calls that
  /// are not tracked.
  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint32_t overdue() const noexcept { return overdue_; }

  /// A call begins. Returns its start for `end`: now, or the latest time seen if that is later.
  [[nodiscard]] instant begin(instant now) noexcept {
    advance(now);
    ++begun_[slot(number_of(time_))];
    ++in_flight_;
    return instant{duration{time_}};
  }

  /// The call that began in that epoch at that time has ended.
  void end(std::uint32_t epoch, instant started) noexcept {
    if (epoch != epoch_ || !enabled_) return;
    const rep number = number_of(started.time_since_epoch().count());
    --(number < oldest_ ? overdue_ : begun_[slot(number)]);
    --in_flight_;
  }

  /// Sees which calls are overdue by now.
  void advance(instant now) noexcept {
    const rep t = now.time_since_epoch().count();
    if (t <= time_) return;
    time_ = t;
    const rep oldest = number_of(detail::saturating_subtract(t, limit_));
    if (oldest <= oldest_) return;
    const std::uint64_t steps =
        static_cast<std::uint64_t>(oldest) - static_cast<std::uint64_t>(oldest_);
    for (std::uint64_t i = 0; i < steps && i < begun_.size(); ++i) {
      std::uint32_t& bucket = begun_[slot(oldest_ + static_cast<rep>(i))];
      overdue_ += bucket;
      bucket = 0;
    }
    oldest_ = oldest;
  }

 private:
  using rep = duration::rep;
  static constexpr rep parts = 8;
  static constexpr std::uint32_t max_epoch = (1U << 29) - 1;  // fits into a ticket

  // Overdue: now - (number + 1) * width >= limit, that is number < floor((now - limit) / width).
  // Every call in such a bucket began before its end, so it has been out for longer than the limit.
  // At most parts + 2 buckets are not overdue: they fit into the 16.
  [[nodiscard]] rep number_of(rep t) const noexcept {
    return t / width_ - (t % width_ < 0 ? 1 : 0);
  }
  [[nodiscard]] static std::size_t slot(rep number) noexcept {
    return static_cast<std::size_t>(number) % 16;
  }

  std::array<std::uint32_t, 16> begun_{};
  rep limit_ = 0;
  rep width_ = 1;
  rep time_ = (std::numeric_limits<rep>::min)();
  rep oldest_ = (std::numeric_limits<rep>::min)();  // buckets before it are overdue
  std::uint32_t overdue_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint32_t epoch_ = 0;
  bool enabled_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
