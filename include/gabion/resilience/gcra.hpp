// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {

/// How far apart permits are. New members go last.
struct gcra_options {
  /// One permit each. More than zero; default 100 ms, which is 10 in a second.
  duration interval = std::chrono::milliseconds{100};
  /// Permits that may be taken at once after a rest of `burst * interval`. 1 and up; `burst *
  /// interval` at most 100 years. Default 1: evenly spaced.
  std::uint32_t burst = 1;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const gcra_options& o) noexcept {
  if (o.burst == 0) return {"burst", 0, "at least 1"};
  if (o.interval <= duration::zero() ||
      o.interval > duration{std::chrono::hours{24 * 366 * 100}} / o.burst)
    return {"interval", o.interval, "more than 0 ns, and burst * interval at most 100 years"};
  return {};
}

}  // namespace detail

/// True if a limiter takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const gcra_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const gcra_options& o) {
  detail::refuse_option("gcra_options", detail::problem_of(o));
}

namespace presets {

/// That rate evenly spaced, without bursts: 60 per minute is one each second. The interval is
/// rounded up to whole nanoseconds.
[[nodiscard]] constexpr gcra_options gcra_of(rate r) noexcept {
  return {.interval = duration{(r.per.count() - 1) / r.permits + 1}, .burst = 1};
}

}  // namespace presets

/// Rate limiter by the generic cell rate algorithm: one permit each `interval`, and after a rest up
/// to `burst` at once.
///
/// In any time t it gives at most `burst + t / interval` permits, exactly. What is not used in
/// `burst * interval` is gone. Its state is one atomic instant: each operation is one
/// compare-and-swap, without lock and allocation, and never waits. A `now` that goes back gives
/// nothing away; the waits that it is told are counted from it. Every member is safe to call from
/// several threads. Neither copied nor moved. Source: ITU-T I.371, virtual scheduling.
template <env Env = native_env>
class basic_gcra {
 public:
  using options_type = gcra_options;
  using run = detail::rate_run<basic_gcra>;
  static constexpr policy_kind kind = policy_kind::rate_limiter;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_gcra(const gcra_options& options = {})
      : interval_{(gabion::validate(options), options.interval.count())}, burst_{options.burst} {}

  basic_gcra(const basic_gcra&) = delete;
  basic_gcra& operator=(const basic_gcra&) = delete;

  /// Takes `permits` permits, or none and says when there will be enough; never for more than
  /// `burst`.
  rate_admission take(instant now, std::uint32_t permits = 1) noexcept {
    const rate_reservation r = reserve(now, duration::zero(), permits);
    return {r.granted, r.retry_after};
  }

  /// Takes `permits` permits that are good at `at`, not later than now + max_wait; or none, if it
  /// would be later. Those who reserve are served in the order in which they ask.
  rate_reservation reserve(instant now, duration max_wait, std::uint32_t permits = 1) noexcept {
    if (permits > burst_) return {.retry_after = (duration::max)()};
    const duration::rep cost = interval_ * permits;
    const duration::rep spare = interval_ * (burst_ - permits);
    const duration::rep when = now.time_since_epoch().count();
    duration::rep seen = next_.load(std::memory_order_acquire);
    for (;;) {
      const duration::rep start = seen > when ? seen : when;
      const duration::rep ahead = detail::saturating_subtract(start, when);
      const duration wait{ahead > spare ? ahead - spare : 0};
      if (start > (std::numeric_limits<duration::rep>::max)() - cost)
        return {.retry_after = (duration::max)()};
      if (wait > max_wait && wait > duration::zero()) return {.retry_after = wait};
      if (next_.compare_exchange_weak(seen, start + cost, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return {true, gabion::saturating_add(now, wait), duration::zero(), permits,
                static_cast<std::uint64_t>(start + cost)};
    }
  }

  /// Gives the permits of a reservation back, if nobody has taken any since; otherwise they are
  /// spent. True if it gave them back. For those that were not used. At most once.
  bool cancel(const rate_reservation& reservation) noexcept {
    auto seen = static_cast<duration::rep>(reservation.mark);
    return reservation.granted &&
           next_.compare_exchange_strong(seen, seen - interval_ * reservation.permits,
                                         std::memory_order_acq_rel, std::memory_order_acquire);
  }

  /// Calls f if there is a permit now and returns exactly what f returns; what f throws passes
  /// unchanged. If there is none, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(errc::rate_limited, retry_after)` if the type has it,
  /// otherwise refused_error is thrown.
  template <std::invocable Function, clock Clock = steady_clock>
  std::invoke_result_t<Function> call(Function&& f, const Clock& time = Clock{}) {
    return detail::call_limited(*this, time, std::forward<Function>(f));
  }

  /// How many permits could be taken at that moment.
  [[nodiscard]] std::uint32_t available(instant now) const noexcept {
    const duration::rep next = next_.load(std::memory_order_acquire);
    const duration ahead = gabion::elapsed(now, instant{duration{next}});
    const duration::rep room = interval_ * burst_ - ahead.count();
    return room <= 0 ? 0 : static_cast<std::uint32_t>(room / interval_);
  }

  /// How long it takes until all is as if nothing had ever been taken, at most, reservations aside.
  [[nodiscard]] duration refill_time() const noexcept { return duration{interval_ * burst_}; }

 private:
  duration::rep interval_;
  std::uint32_t burst_;
  // When the next permit would be due if all came evenly: the theoretical arrival time.
  typename Env::template atomic<duration::rep> next_{(std::numeric_limits<duration::rep>::min)()};
};

/// The limiter for production.
using gcra = basic_gcra<>;

}  // namespace v0
}  // namespace gabion
