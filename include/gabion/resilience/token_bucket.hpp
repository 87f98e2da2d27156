// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/detail/bucket_rule.hpp>
#include <gabion/resilience/detail/bucket_word.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {

/// How large the bucket is and how fast it fills. New members go last.
struct token_bucket_options {
  /// Permits that a full bucket holds, so that may be taken at once. 1 to 2147483648; default 10.
  std::uint32_t burst = 10;
  /// How fast it fills. permits: 1 to 1000000000; per: 1 ns to 366 days. Default 10 per second.
  rate refill{};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const token_bucket_options& o) noexcept {
  if (const auto p = out_of_range("burst", o.burst, 1, 2'147'483'648, "1 to 2147483648")) return p;
  if (const auto p =
          out_of_range("refill.permits", o.refill.permits, 1, 1'000'000'000, "1 to 1000000000"))
    return p;
  if (o.refill.per <= duration::zero() || o.refill.per > std::chrono::hours{24 * 366})
    return {"refill.per", o.refill.per, "1 ns to 366 days"};
  return {};
}

}  // namespace detail

/// True if a bucket takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const token_bucket_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const token_bucket_options& o) {
  detail::refuse_option("token_bucket_options", detail::problem_of(o));
}

namespace presets {

/// That rate with bursts of as much as the rate gives in its time: 60 per minute may come all at
/// once, then one each second.
[[nodiscard]] constexpr token_bucket_options token_bucket_of(rate r) noexcept {
  return {.burst = r.permits, .refill = r};
}

}  // namespace presets

/// Rate limiter by a token bucket: full at first, refilled at an even rate, a call takes one permit
/// out or does not go on.
///
/// In any time t it gives at most `burst + t * rate` permits, and at least as many as are asked for
/// and in it: the refill is exact to a fraction of a nanosecond and loses nothing over years. A
/// rest fills it up to `burst` and not beyond. A `now` that goes back gives nothing away; the waits
/// that it is told are counted from it. Taking is one compare-and-swap while time and debt fit into
/// 64 bits, which they do for years with most rates (see detail/bucket_word.hpp). Otherwise, and
/// once it was reconfigured, a lock is held for a few instructions, never across code of yours.
/// Every member is safe to call from several threads. Nothing waits or allocates. Neither copied
/// nor moved.
template <env Env = native_env>
class basic_token_bucket {
 public:
  using options_type = token_bucket_options;
  using run = detail::rate_run<basic_token_bucket>;
  static constexpr policy_kind kind = policy_kind::rate_limiter;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_token_bucket(const token_bucket_options& options = {})
      : options_{(gabion::validate(options), options)},
        rule_{options.refill, options.burst},
        word_{rule_, options.burst} {}

  basic_token_bucket(const basic_token_bucket&) = delete;
  basic_token_bucket& operator=(const basic_token_bucket&) = delete;

  /// Takes `permits` permits, or none and says when there will be enough; never for more than
  /// `burst`.
  [[gnu::always_inline]] rate_admission take(instant now, std::uint32_t permits = 1) noexcept {
    if (permits == 1 && word_.try_take_one(now)) [[likely]]
      return rate_admission::yes();
    return take_slowly(now, permits);
  }

  /// Takes `permits` permits that are good at `at`, not later than now + max_wait; or none, if it
  /// would be later. Those who reserve are served in the order in which they ask.
  rate_reservation reserve(instant now, duration max_wait, std::uint32_t permits = 1) noexcept {
    const auto quick = word_.take(now, max_wait, permits);
    if (quick.full_at == quick_word::locked) return reserve_locked(now, max_wait, permits);
    if (quick.full_at == quick_word::refused) return {.retry_after = duration{quick.wait}};
    return {true, gabion::saturating_add(now, duration{quick.wait}), duration::zero(), permits,
            static_cast<std::uint64_t>(quick.full_at)};
  }

  /// Gives the permits of a reservation back, if nobody has taken any since and nothing was
  /// reconfigured; otherwise they are spent. True if it gave them back. For those that were not
  /// used. At most once.
  bool cancel(const rate_reservation& reservation) noexcept {
    if (!reservation.granted) return false;
    if ((reservation.mark & locked_mark) == 0) return word_.cancel(reservation);
    const std::lock_guard<typename Env::mutex> guard{lock_};
    if (reservation.mark != taken_) return false;
    full_at_ = full_at_ - detail::product(rule_.cost, reservation.permits);
    --taken_;
    return true;
  }

  /// Calls f if there is a permit now and returns exactly what f returns; what f throws passes
  /// unchanged. If there is none, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(errc::rate_limited, retry_after)` if the type has it,
  /// otherwise refused_error is thrown.
  template <std::invocable Function, clock Clock = steady_clock>
  std::invoke_result_t<Function> call(Function&& f, const Clock& time = Clock{}) {
    return detail::call_limited(*this, time, std::forward<Function>(f));
  }

  /// Goes on with other options from that moment. What is in the bucket stays, the part of the next
  /// permit included, up to the new `burst`; so do reservations. Throws error(invalid_argument), as
  /// the constructor does, and then changes nothing.
  void reconfigure(const token_bucket_options& options, instant now) {
    gabion::validate(options);
    const detail::bucket_rule rule{options.refill, options.burst};
    const std::lock_guard<typename Env::mutex> guard{lock_};
    retire_word();
    const detail::wide level = rule.converted(rule_.level(full_at_, rule_.at(now)), rule_);
    full_at_ = rule.at(now) + rule.capacity - level;
    rule_ = rule;
    options_ = options;
    ++taken_;
  }

  /// How many whole permits could be taken at that moment.
  [[nodiscard]] std::uint32_t available(instant now) const noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    const detail::wide level = rule_.level(word_.full_at().value_or(full_at_), rule_.at(now));
    if (level <= 0) return 0;
    return static_cast<std::uint32_t>(detail::floor_divide(level, rule_.cost).whole.low);
  }

  [[nodiscard]] token_bucket_options options() const noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    return options_;
  }

  /// How long an empty bucket takes to be full.
  [[nodiscard]] duration refill_time() const noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    return rule_.refill_time();
  }

 private:
  using quick_word = detail::bucket_word<Env>;

  // Marks of reservations that were made under the lock; those of the word are ticks, which are
  // below it.
  static constexpr std::uint64_t locked_mark = std::uint64_t{1} << 63;

  [[gnu::noinline]] rate_admission take_slowly(instant now, std::uint32_t permits) noexcept {
    const auto quick = word_.take(now, duration::zero(), permits);
    if (quick.full_at >= 0) return rate_admission::yes();
    if (quick.full_at == quick_word::refused) return rate_admission::no(duration{quick.wait});
    const rate_reservation r = reserve_locked(now, duration::zero(), permits);
    return {r.granted, r.retry_after};
  }

  [[gnu::noinline]] rate_reservation reserve_locked(instant now, duration max_wait,
                                                    std::uint32_t permits) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    retire_word();
    if (permits > options_.burst) return {.retry_after = (duration::max)()};
    const detail::wide tick = rule_.at(now);
    const detail::wide full_at = rule_.after(full_at_, tick, permits);
    const duration wait = rule_.wait(full_at, tick);
    if (wait > duration::zero() && wait > max_wait) return {.retry_after = wait};
    full_at_ = full_at;
    return {true, gabion::saturating_add(now, wait), duration::zero(), permits, ++taken_};
  }

  /// From here on all happens under the lock. Under the lock.
  void retire_word() noexcept {
    if (const auto last = word_.retire()) full_at_ = *last;
  }

  mutable typename Env::mutex lock_{};
  token_bucket_options options_;
  detail::bucket_rule rule_;
  detail::wide full_at_ = detail::bucket_rule::long_ago;
  std::uint64_t taken_ = locked_mark;
  alignas(64) quick_word word_;
};

/// The limiter for production.
using token_bucket = basic_token_bucket<>;

}  // namespace v0
}  // namespace gabion
