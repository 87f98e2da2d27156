// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/random.hpp>

namespace gabion {
inline namespace v0 {

/// How the delay grows from one failed attempt to the next, before jitter.
enum class backoff_growth : std::uint8_t {
  constant,     ///< initial, initial, initial
  linear,       ///< initial, 2 x initial, 3 x initial
  exponential,  ///< initial, then each time multiplier_percent / 100 of the one before
};

/// How chance spreads the delays, so that clients that failed together do not come back together.
enum class backoff_jitter : std::uint8_t {
  none,   ///< the delay itself
  full,   ///< anything from zero to the delay: the least work for a contended server
  equal,  ///< anything from half the delay to the delay: never nearly at once
  /// Anything from `initial` to three times the delay before; takes the place of the growth
  decorrelated,
};

/// How long to wait between attempts. New members go last.
struct backoff_options {
  duration initial = std::chrono::milliseconds{100};  ///< the first delay; 0 to cap; default 100 ms
  duration cap = std::chrono::seconds{30};  ///< no delay is longer; from initial up; default 30 s
  backoff_growth growth = backoff_growth::exponential;  ///< default exponential
  /// For exponential growth; 100 to 1000; default 200, doubling
  std::uint32_t multiplier_percent = 200;
  backoff_jitter jitter = backoff_jitter::full;  ///< default full
  friend bool operator==(const backoff_options&, const backoff_options&) = default;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const backoff_options& o) noexcept {
  if (o.initial < duration::zero()) return {"initial", o.initial, "0 ns to cap"};
  if (o.cap < o.initial) return {"cap", o.cap, "from initial up"};
  return out_of_range("multiplier_percent", o.multiplier_percent, 100, 1000, "100 to 1000");
}

}  // namespace detail

/// True if these options are in their ranges. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const backoff_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
/// `owner` names the record in it.
inline void validate(const backoff_options& options, std::string_view owner = "backoff_options") {
  detail::refuse_option(owner, detail::problem_of(options));
}

namespace detail {

/// base x (percent / 100)^steps, rounded up, but at most cap. It ends early: each step grows by at
/// least 1, so it needs at most 4,200 of them (from 1 ns by 1 % to 2^63), and 63 when it doubles.
[[nodiscard]] constexpr std::uint64_t grow(std::uint64_t base, std::uint32_t percent,
                                           std::uint32_t steps, std::uint64_t cap) noexcept {
  if (percent == 100 || base == 0) return base;
  for (; steps > 0 && base < cap; --steps) {
    const std::uint64_t hundreds = base / 100;
    if (hundreds > cap / percent) return cap;
    base = hundreds * percent + (base % 100 * percent + 99) / 100;
  }
  return base < cap ? base : cap;
}

/// The delay before jitter.
[[nodiscard]] constexpr std::uint64_t grown_delay(const backoff_options& options,
                                                  std::uint32_t attempt) noexcept {
  const auto initial = static_cast<std::uint64_t>(options.initial.count());
  const auto cap = static_cast<std::uint64_t>(options.cap.count());
  const std::uint32_t nth = attempt == 0 ? 1 : attempt;
  switch (options.growth) {
    case backoff_growth::constant: return initial;
    case backoff_growth::linear: return initial > cap / nth ? cap : initial * nth;
    case backoff_growth::exponential: break;
  }
  return detail::grow(initial, options.multiplier_percent, nth - 1, cap);
}

}  // namespace detail

/// How long to wait after the attempt number `attempt` (from 1) has failed, when the wait before it
/// was `previous` (zero for the first). A pure function of its arguments, in exact integers.
///
/// 0 <= delay <= min(cap, initial x (multiplier_percent / 100)^(attempt - 1)) whatever the jitter,
/// for any attempt; with decorrelated jitter initial <= delay <= min(cap, 3 x max(initial,
/// previous)). The options must be valid. Source: Brooker, "Exponential Backoff and Jitter", AWS
/// Architecture Blog, 2015.
template <random_source Random>
[[nodiscard]] constexpr duration next_delay(const backoff_options& options, std::uint32_t attempt,
                                            duration previous, Random& random) noexcept {
  const auto wait = [](std::uint64_t count) { return duration{static_cast<duration::rep>(count)}; };
  const std::uint64_t delay = detail::grown_delay(options, attempt);
  switch (options.jitter) {
    case backoff_jitter::none: return wait(delay);
    case backoff_jitter::full: return wait(gabion::uniform(random, 0, delay));
    case backoff_jitter::equal: return wait(gabion::uniform(random, delay - delay / 2, delay));
    case backoff_jitter::decorrelated: break;
  }
  const auto initial = static_cast<std::uint64_t>(options.initial.count());
  const auto cap = static_cast<std::uint64_t>(options.cap.count());
  const std::uint64_t before =
      previous < options.initial ? initial : static_cast<std::uint64_t>(previous.count());
  const std::uint64_t high = before > cap / 3 ? cap : before * 3;
  return wait(gabion::uniform(random, initial, high));
}

/// The delays of one run of failures. Not safe to use from several threads.
template <random_source Random>
class basic_backoff {
 public:
  /// Throws error(invalid_argument) if the options are out of range.
  explicit basic_backoff(backoff_options options = {}, Random random = Random{})
      : options_{options}, random_{std::move(random)} {
    gabion::validate(options_);
  }

  /// The delay after one more failure.
  [[nodiscard("this counted a failure; wait as long as it says")]] duration next() noexcept {
    if (failures_ != ~std::uint32_t{0}) ++failures_;
    return previous_ = gabion::next_delay(options_, failures_, previous_, random_);
  }

  /// Begins again at `initial`; call it after a success.
  void reset() noexcept {
    failures_ = 0;
    previous_ = duration::zero();
  }

  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }
  [[nodiscard]] const backoff_options& options() const noexcept { return options_; }

 private:
  backoff_options options_;
  Random random_;
  duration previous_{};
  std::uint32_t failures_ = 0;
};

/// Delays with a generator that seeds itself.
using backoff = basic_backoff<xoshiro256>;

}  // namespace v0
}  // namespace gabion
