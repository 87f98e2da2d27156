// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/detail/limit_probe.hpp>
#include <gabion/resilience/detail/limit_range.hpp>
#include <gabion/resilience/limit_algorithm.hpp>

namespace gabion {
inline namespace v0 {

/// How a Gradient2 limit moves. New members go last.
struct gradient2_limit_options {
  std::uint32_t initial_limit = 20;  ///< min_limit to max_limit; default 20
  std::uint32_t min_limit = 1;       ///< never below; 1 to max_limit; default 1
  std::uint32_t max_limit = 200;     ///< never above; 1 to 1,000,000; default 200
  /// How much it may grow by in a sample, before smoothing; 1 to 1000; default 4
  std::uint32_t queue = 4;
  /// How much of the way to a new limit a sample goes; 1 to 100; default 20
  std::uint32_t smoothing_percent = 20;
  std::uint32_t tolerance_percent = 150;  ///< of the long average; a sample up to it is as good as
                                          ///< usual; 100 to 1000; default 150
  std::uint32_t long_window = 600;  ///< samples of the long average; 10 to 1,000,000; default 600
  /// A probe after so many samples, at most; 0 to 1,000,000; 0 = none; default 100
  std::uint32_t probe_every = 100;
  /// The limit during a probe; 1 to 100, 100 = as usual; default 50
  std::uint32_t probe_limit_percent = 50;
  std::uint32_t probe_samples = 3;  ///< of a probe; 1 to 1000; default 3
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const gradient2_limit_options& o) noexcept {
  if (const auto p = range_problem_of(o)) return p;
  if (const auto p = out_of_range("queue", o.queue, 1, 1000, "1 to 1000")) return p;
  if (const auto p = out_of_range("smoothing_percent", o.smoothing_percent, 1, 100, "1 to 100"))
    return p;
  if (const auto p =
          out_of_range("tolerance_percent", o.tolerance_percent, 100, 1000, "100 to 1000"))
    return p;
  if (const auto p = out_of_range("long_window", o.long_window, 10, 1'000'000, "10 to 1000000"))
    return p;
  if (const auto p = out_of_range("probe_every", o.probe_every, 0, 1'000'000, "0 to 1000000"))
    return p;
  if (const auto p = out_of_range("probe_limit_percent", o.probe_limit_percent, 1, 100, "1 to 100"))
    return p;
  return out_of_range("probe_samples", o.probe_samples, 1, 1000, "1 to 1000");
}

/// An exponential average of times, in 1/256 ns. The first ten are averaged plainly, so that the
/// very first does not rule.
class long_average {
 public:
  explicit constexpr long_average(std::uint32_t window) noexcept : window_{window} {}

  /// rtt: 1 ns to 1 h.
  constexpr void add(std::int64_t rtt) noexcept {
    const std::int64_t fine = rtt * 256;
    if (count_ < warm_up)
      value_ += (fine - value_) / ++count_;
    else
      value_ += (fine - value_) * 2 / (std::int64_t{window_} + 1);
  }
  constexpr void reset(std::int64_t rtt) noexcept {
    value_ = rtt * 256;
    count_ = warm_up;
  }
  constexpr void shrink(std::uint32_t to_percent) noexcept { value_ = value_ * to_percent / 100; }
  /// In whole nanoseconds, at least 1 once there is a sample.
  [[nodiscard]] constexpr std::int64_t value() const noexcept {
    return value_ == 0 ? 0 : detail::max_of(value_ / 256, std::int64_t{1});
  }

 private:
  static constexpr std::int64_t warm_up = 10;
  std::int64_t value_ = 0;
  std::int64_t count_ = 0;
  std::uint32_t window_;
};

}  // namespace detail

/// True if a Gradient2 limit takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const gradient2_limit_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const gradient2_limit_options& o) {
  detail::refuse_option("gradient2_limit_options", detail::problem_of(o));
}

/// Compares how long calls take with how long they take in the long run:
/// gradient = tolerance x long / rtt, held at 1/2 and 1; new limit = limit x gradient + queue,
/// smoothed.
///
/// A drop is a gradient of 1/2 without a queue. It does not change while half of it is not in use.
/// A long average above twice the sample shrinks by 5 %. As published the long average follows a
/// lasting load, and the limit with it; so it is measured anew by a probe, with a lowered limit,
/// and calls from before the probe do not count. Fixed point; times are held at 1 ns and 1 h. It
/// wants samples that are averages of many calls. One thread at a time. Source: Netflix
/// concurrency-limits, "Gradient2".
template <random_source Random>
class basic_gradient2_limit {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_gradient2_limit(const gradient2_limit_options& options = {},
                                 Random random = Random{})
      : options_{(gabion::validate(options), options)},
        fine_{detail::fine_limit(options.initial_limit)},
        long_{options.long_window},
        probe_{options.probe_samples, options.probe_limit_percent, std::move(random)} {}

  [[nodiscard]] std::uint32_t limit() const noexcept {
    return probe_.limit(detail::whole_limit(fine_), options_.min_limit);
  }
  /// What it takes for usual; zero = nothing known yet.
  [[nodiscard]] duration usual() const noexcept { return duration{long_.value()}; }

  limit_effect update(const limit_sample& sample) noexcept {
    const auto rtt = detail::clamped<std::int64_t>(sample.rtt.count(), 1, longest);
    if (sample.dropped) {
      move(half, 0);
    } else if (probe_.running()) {
      measured_ += rtt;
      if (probe_.ends()) long_.reset(std::exchange(measured_, 0) / options_.probe_samples);
    } else if (probe_.begins(options_.probe_every)) {
      return limit_effect::restart;
    } else {
      long_.add(rtt);
      const std::int64_t usual = long_.value();
      if (usual > 2 * rtt) long_.shrink(95);
      if (!detail::has_room(sample.in_flight, fine_)) move(gradient(usual, rtt), options_.queue);
    }
    return limit_effect::go_on;
  }

 private:
  static constexpr std::int64_t longest = duration{std::chrono::hours{1}}.count();
  static constexpr std::uint64_t one = 1U << 14;  // gradients in 1/16384
  static constexpr std::uint64_t half = one / 2;

  [[nodiscard]] std::uint64_t gradient(std::int64_t usual, std::int64_t rtt) const noexcept {
    const std::uint64_t allowed = static_cast<std::uint64_t>(usual) * options_.tolerance_percent;
    const std::uint64_t taken = static_cast<std::uint64_t>(rtt) * 100;
    return allowed >= taken ? one : detail::max_of(half, allowed * one / taken);
  }

  void move(std::uint64_t gradient, std::uint32_t queue) noexcept {
    const std::uint64_t wanted = fine_ * gradient / one + detail::fine_limit(queue);
    fine_ = detail::clamped(detail::smoothed(fine_, wanted, options_.smoothing_percent),
                            detail::fine_limit(options_.min_limit),
                            detail::fine_limit(options_.max_limit));
  }

  gradient2_limit_options options_;
  std::uint64_t fine_;
  std::int64_t measured_ = 0;
  detail::long_average long_;
  detail::limit_probe<Random> probe_;
};

using gradient2_limit = basic_gradient2_limit<xoshiro256>;

}  // namespace v0
}  // namespace gabion
