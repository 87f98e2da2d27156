// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/detail/bucket_rule.hpp>
#include <gabion/resilience/detail/wide.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The state of a token bucket in one atomic word, the tick at which the bucket is full: exact and
/// lock-free for as long as time and debt fit into 64 bits and the rule stays the same. Then it is
/// retired for good, and the bucket goes on under a lock.
///
/// It fits for rates of up to 16 ticks per nanosecond (any whole number of nanoseconds per permit,
/// 3 per second, 7 per minute), for 2 years of the clock's time at least, and buckets that fill in
/// as much. Every member is safe to call from several threads.
template <env Env>
class bucket_word {
 public:
  explicit bucket_word(const bucket_rule& rule, std::uint32_t burst) noexcept {
    if (rule.ticks_per_ns > 16 || rule.capacity > most) return;
    ticks_per_ns_ = static_cast<std::int64_t>(rule.ticks_per_ns);
    cost_ = rule.cost;
    capacity_ = detail::narrowed(rule.capacity);
    latest_ = static_cast<std::uint64_t>(most / ticks_per_ns_);
    burst_ = burst;
    word_.store(unused, std::memory_order_release);
  }

  /// What came of asking for permits. Small, so that it travels in registers.
  struct step {
    std::int64_t full_at = 0;  ///< after taking them; `refused` and `locked` if not
    std::int64_t wait = 0;     ///< in ns, until they are good; if refused until they would be
  };
  static constexpr std::int64_t refused = -1;
  static constexpr std::int64_t locked = -2;  ///< the word is retired or cannot hold it

  /// Takes one permit that is available now. Returns false if there is none, or if only `take` can
  /// decide.
  [[nodiscard, gnu::always_inline]] bool try_take_one(instant now) noexcept {
    std::int64_t seen = word_.load(std::memory_order_acquire);
    const std::int64_t time = now.time_since_epoch().count();
    while (seen != retired && static_cast<std::uint64_t>(time) <= latest_) {
      const std::int64_t tick = time * ticks_per_ns_;
      const std::int64_t next = (seen > tick ? seen : tick) + cost_;
      if (next - tick > capacity_) return false;
      if (word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) [[likely]]
        return true;
    }
    return false;
  }

  /// Takes permits that are good after a wait of no more than `max_wait`.
  [[nodiscard]] step take(instant now, duration max_wait, std::uint32_t permits) noexcept {
    std::int64_t seen = word_.load(std::memory_order_acquire);
    const std::int64_t time = now.time_since_epoch().count();
    if (seen == retired || static_cast<std::uint64_t>(time) > latest_) [[unlikely]]
      return {locked};
    if (permits > 1 && permits > burst_) [[unlikely]]
      return {refused, (duration::max)().count()};
    const std::int64_t tick = time * ticks_per_ns_;
    const std::int64_t cost = cost_ * permits;
    // The sum fits: it is at most tick + capacity without a wait, and at most `most` + cost with
    // one.
    for (;;) {
      const std::int64_t start = seen > tick ? seen : tick;
      const std::int64_t missing = start + cost - tick - capacity_;
      std::int64_t wait = 0;
      if (missing > 0) [[unlikely]] {
        wait = (missing + ticks_per_ns_ - 1) / ticks_per_ns_;
        if (wait > max_wait.count()) return {refused, wait};
        if (start > most) return {locked};
      }
      if (word_.compare_exchange_weak(seen, start + cost, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) [[likely]]
        return {start + cost, wait};
      if (seen == retired) return {locked};
    }
  }

  /// Gives back what a reservation of this word has taken, if it was the last to take.
  bool cancel(const rate_reservation& reservation) noexcept {
    auto seen = static_cast<std::int64_t>(reservation.mark);
    return word_.compare_exchange_strong(seen, seen - cost_ * reservation.permits,
                                         std::memory_order_acq_rel, std::memory_order_acquire);
  }

  /// The tick at which the bucket is full; nothing if the word is retired.
  [[nodiscard]] std::optional<wide> full_at() const noexcept {
    return state(word_.load(std::memory_order_acquire));
  }

  /// Ends it for good and tells its last state; nothing if it was ended before.
  [[nodiscard]] std::optional<wide> retire() noexcept {
    return state(word_.exchange(retired, std::memory_order_acq_rel));
  }

 private:
  static constexpr std::int64_t most = std::int64_t{1} << 60;
  static constexpr std::int64_t retired = -1;
  static constexpr std::int64_t unused = 0;  // not after any time that fits: full

  [[nodiscard]] static std::optional<wide> state(std::int64_t word) noexcept {
    if (word == retired) return std::nullopt;
    return word == unused ? bucket_rule::long_ago : wide{word};
  }

  std::int64_t ticks_per_ns_ = 1;
  std::int64_t cost_ = 1;
  std::int64_t capacity_ = 1;
  std::uint64_t latest_ = 0;
  std::uint32_t burst_ = 0;
  typename Env::template atomic<std::int64_t> word_{retired};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
