// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// So many attempts a second, whatever the budget says, so that a caller with little traffic may
/// retry at all: at most `per_second` at once, and that many in each further second. One word,
/// lock-free, thread-safe. Source: the generic cell rate algorithm (ITU-T I.371).
template <class Env>
class attempt_reserve {
 public:
  /// 0 = nothing in reserve, up to 1'000'000.
  explicit attempt_reserve(std::uint32_t per_second) noexcept
      : interval_{per_second == 0
                      ? 0
                      : std::chrono::nanoseconds{std::chrono::seconds{1}}.count() / per_second} {}

  template <class Now>
  [[nodiscard]] bool try_take(const Now& now) noexcept {
    if (interval_ == 0) return false;
    constexpr std::int64_t second = std::chrono::nanoseconds{std::chrono::seconds{1}}.count();
    const std::int64_t current = duration{now().time_since_epoch()}.count();
    const std::int64_t latest = detail::saturating_add(current, second);
    std::int64_t seen = used_until_.load(std::memory_order_relaxed);
    for (;;) {
      // Two seconds ahead only if the clock went back, not by threads that overtake each other: it
      // begins afresh.
      const std::int64_t from =
          seen < current || seen > detail::saturating_add(latest, second) ? current : seen;
      if (from > latest - interval_) return false;
      if (used_until_.compare_exchange_weak(seen, from + interval_, std::memory_order_relaxed,
                                            std::memory_order_relaxed))
        return true;
    }
  }

 private:
  std::int64_t interval_;
  typename Env::template atomic<std::int64_t> used_until_{
      (std::numeric_limits<std::int64_t>::min)()};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
