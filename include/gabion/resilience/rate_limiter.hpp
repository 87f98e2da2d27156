// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>

#include <gabion/core/clock.hpp>

// What every rate limiter has in common; the algorithms are in token_bucket.hpp, gcra.hpp and
// sliding_window_limiter.hpp.
namespace gabion {
inline namespace v0 {

/// So many permits in so much time. It says nothing about how evenly: that is the algorithm's part.
struct rate {
  std::uint32_t permits = 10;              ///< 1 and up
  duration per = std::chrono::seconds{1};  ///< above zero
  friend bool operator==(const rate&, const rate&) = default;
};

[[nodiscard]] constexpr rate per_second(std::uint32_t permits) noexcept {
  return {permits, std::chrono::seconds{1}};
}
[[nodiscard]] constexpr rate per_minute(std::uint32_t permits) noexcept {
  return {permits, std::chrono::minutes{1}};
}
[[nodiscard]] constexpr rate per_hour(std::uint32_t permits) noexcept {
  return {permits, std::chrono::hours{1}};
}
[[nodiscard]] constexpr rate per_day(std::uint32_t permits) noexcept {
  return {permits, std::chrono::hours{24}};
}

/// A limiter's answer: go on, or ask again after `retry_after` and not before. True if it is a yes.
struct [[nodiscard("it says whether the call may go on")]] rate_admission {
  bool granted = false;
  /// The shortest wait after which the same request is granted if nobody else asks; duration::max()
  /// = never, zero if granted.
  duration retry_after{};

  [[nodiscard]] explicit constexpr operator bool() const noexcept { return granted; }
  [[nodiscard]] static constexpr rate_admission yes() noexcept { return {true, duration::zero()}; }
  [[nodiscard]] static constexpr rate_admission no(duration retry_after) noexcept {
    return {false, retry_after};
  }
  friend bool operator==(const rate_admission&, const rate_admission&) = default;
};

/// Permits that are taken already and good from `at` on: whoever holds it waits until then and asks
/// nobody again. True if granted.
struct [[nodiscard("its permits are taken: use them, or cancel it")]] rate_reservation {
  bool granted = false;
  instant at{};            ///< when the call may go on; not after now + max_wait
  duration retry_after{};  ///< if not granted: as in rate_admission
  std::uint32_t permits = 0;
  std::uint64_t mark = 0;  ///< the limiter's own

  [[nodiscard]] explicit constexpr operator bool() const noexcept { return granted; }
};

/// Limits how many permits are given in a time: `take(now, n)` takes all n now or none.
///
/// It answers at once and is safe to call from several threads. One that asks another machine may
/// block or throw, and says so.
template <class L>
concept rate_limiter = requires(L& limiter, instant now, std::uint32_t permits) {
  { limiter.take(now, permits) } -> std::same_as<rate_admission>;
};

/// Gives a reservation back: `cancel(r)`.
template <class L>
concept cancels_reservations = requires(L& limiter, const rate_reservation& reservation) {
  { limiter.cancel(reservation) } -> std::same_as<bool>;
};

/// Gives permits ahead of their time: `reserve(now, max_wait, n)`.
template <class L>
concept gives_reservations =
    requires(L& limiter, instant now, duration max_wait, std::uint32_t permits) {
      { limiter.reserve(now, max_wait, permits) } -> std::same_as<rate_reservation>;
    };

/// A rate limiter whose permits can be taken ahead, so that a call may wait for one and then has
/// it.
template <class L>
concept reserving_rate_limiter =
    rate_limiter<L> && gives_reservations<L> && cancels_reservations<L>;

/// Names what L lacks to be a rate limiter, in words.
template <class L>
consteval bool explain_rate_limiter() {
  static_assert(
      rate_limiter<L>,
      "rate_limiter: `rate_admission take(gabion::instant, std::uint32_t permits)` is missing");
  return rate_limiter<L>;
}

/// Names everything that L lacks to be a reserving rate limiter, in words.
template <class L>
consteval bool explain_reserving_rate_limiter() {
  gabion::explain_rate_limiter<L>();
  static_assert(gives_reservations<L>,
                "reserving_rate_limiter: `rate_reservation reserve(gabion::instant now, "
                "gabion::duration max_wait, "
                "std::uint32_t permits)` is missing");
  static_assert(cancels_reservations<L>,
                "reserving_rate_limiter: `bool cancel(const rate_reservation&)` is missing");
  return reserving_rate_limiter<L>;
}

}  // namespace v0
}  // namespace gabion
