// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
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

/// How a Vegas limit moves. "log" is the decimal logarithm of the limit, rounded down, at least 1.
/// New members go last.
struct vegas_limit_options {
  std::uint32_t initial_limit = 20;  ///< min_limit to max_limit; default 20
  std::uint32_t min_limit = 1;       ///< never below; 1 to max_limit; default 1
  std::uint32_t max_limit = 1000;    ///< never above; 1 to 1,000,000; default 1000
  /// It grows by log while fewer calls queue; 0 to 1,000,000; 0 = 3 log, the default
  std::uint32_t alpha = 0;
  /// It shrinks while more calls queue; alpha to 1,000,000; 0 = 6 log, the default
  std::uint32_t beta = 0;
  /// What a decrease leaves of it; 0 to 99; 0 = it takes log away, the default
  std::uint32_t decrease_percent = 0;
  /// How much of the way to a new limit a sample goes; 1 to 100; default 100
  std::uint32_t smoothing_percent = 100;
  /// A probe after so many samples x limit, at most; 0 to 1000; 0 = none; default 30
  std::uint32_t probe_multiplier = 30;
  /// The limit during a probe; 1 to 100, 100 = as usual; default 50
  std::uint32_t probe_limit_percent = 50;
  std::uint32_t probe_samples = 3;  ///< of a probe; 1 to 1000; default 3
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const vegas_limit_options& o) noexcept {
  if (const auto p = range_problem_of(o)) return p;
  if (const auto p = out_of_range("alpha", o.alpha, 0, max_concurrency, "0 to 1000000")) return p;
  if (o.beta != 0 || o.alpha != 0)
    if (const auto p =
            out_of_range("beta", o.beta, o.alpha, max_concurrency, "alpha to 1000000, or both 0"))
      return p;
  if (const auto p = out_of_range("decrease_percent", o.decrease_percent, 0, 99, "0 to 99"))
    return p;
  if (const auto p = out_of_range("smoothing_percent", o.smoothing_percent, 1, 100, "1 to 100"))
    return p;
  if (const auto p = out_of_range("probe_multiplier", o.probe_multiplier, 0, 1000, "0 to 1000"))
    return p;
  if (const auto p = out_of_range("probe_limit_percent", o.probe_limit_percent, 1, 100, "1 to 100"))
    return p;
  return out_of_range("probe_samples", o.probe_samples, 1, 1000, "1 to 1000");
}

/// The decimal logarithm, rounded down, at least 1.
[[nodiscard]] constexpr std::uint32_t log10_of(std::uint32_t n) noexcept {
  std::uint32_t log = 1;
  for (n /= 100; n != 0; n /= 10) ++log;
  return log;
}

/// limit x (1 - base / rtt), rounded up: how many of the calls wait in a queue. 0 < base <= rtt.
[[nodiscard]] constexpr std::uint64_t queued_of(std::uint64_t fine, std::uint64_t base,
                                                std::uint64_t rtt) noexcept {
  const auto width = static_cast<unsigned>(std::bit_width(rtt));
  // 27 significant bits, so that the product fits
  const unsigned drop = width > 27 ? width - 27 : 0;
  const std::uint64_t divisor = (rtt >> drop) << limit_shift;
  return (fine * ((rtt >> drop) - (base >> drop)) + divisor - 1) / divisor;
}

}  // namespace detail

/// True if a Vegas limit takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const vegas_limit_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const vegas_limit_options& o) {
  detail::refuse_option("vegas_limit_options", detail::problem_of(o));
}

/// Keeps a short queue at the other side: it compares how long calls take with the shortest time
/// ever seen, and reckons from it how many of them wait there: queued = limit x (1 - shortest /
/// rtt), rounded up.
///
/// At most log: it grows by beta. Fewer than alpha: by log. More than beta, or dropped: it shrinks
/// by log. It does not grow while half of it is not in use. The shortest time is measured anew by a
/// probe, with a lowered limit, so that it does not drift; calls from before the probe do not
/// count. Exact integers; a time of zero is taken as 1 ns. One thread at a time. Source: Brakmo and
/// Peterson, "TCP Vegas", 1995; as used for calls by Netflix concurrency-limits.
template <random_source Random>
class basic_vegas_limit {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_vegas_limit(const vegas_limit_options& options = {}, Random random = Random{})
      : options_{(gabion::validate(options), options)},
        fine_{detail::fine_limit(options.initial_limit)},
        probe_{options.probe_samples, options.probe_limit_percent, std::move(random)} {}

  [[nodiscard]] std::uint32_t limit() const noexcept {
    return probe_.limit(detail::whole_limit(fine_), options_.min_limit);
  }
  /// The time without a queue that it reckons with; zero = none yet.
  [[nodiscard]] duration shortest() const noexcept {
    return duration{static_cast<duration::rep>(shortest_)};
  }

  limit_effect update(const limit_sample& sample) noexcept {
    const std::uint64_t rtt =
        sample.rtt < duration{1} ? 1 : static_cast<std::uint64_t>(sample.rtt.count());
    if (sample.dropped) {
      move_to(decreased());
    } else if (probe_.running()) {
      measured_ = measured_ == 0 ? rtt : detail::min_of(measured_, rtt);
      if (probe_.ends()) shortest_ = std::exchange(measured_, 0);
    } else if (probe_.begins(std::uint64_t{options_.probe_multiplier} *
                             detail::whole_limit(fine_))) {
      return limit_effect::restart;
    } else if (shortest_ == 0 || rtt < shortest_) {
      shortest_ = rtt;
    } else if (!detail::has_room(sample.in_flight, fine_)) {
      adjust(detail::queued_of(fine_, shortest_, rtt));
    }
    return limit_effect::go_on;
  }

 private:
  void adjust(std::uint64_t queued) noexcept {
    const std::uint32_t log = detail::log10_of(detail::whole_limit(fine_));
    const std::uint64_t alpha = options_.beta == 0 ? 3 * log : options_.alpha;
    const std::uint64_t beta = options_.beta == 0 ? 6 * log : options_.beta;
    if (queued <= log)
      move_to(fine_ + detail::fine_limit(beta));
    else if (queued < alpha)
      move_to(fine_ + detail::fine_limit(log));
    else if (queued > beta)
      move_to(decreased());
  }

  [[nodiscard]] std::uint64_t decreased() const noexcept {
    if (options_.decrease_percent != 0) return fine_ * options_.decrease_percent / 100;
    const std::uint64_t log = detail::fine_limit(detail::log10_of(detail::whole_limit(fine_)));
    return fine_ > log ? fine_ - log : 0;
  }

  void move_to(std::uint64_t wanted) noexcept {
    const std::uint64_t low = detail::fine_limit(options_.min_limit);
    const std::uint64_t high = detail::fine_limit(options_.max_limit);
    fine_ = detail::max_of(low, detail::smoothed(fine_, detail::clamped(wanted, low, high),
                                                 options_.smoothing_percent));
  }

  vegas_limit_options options_;
  std::uint64_t fine_;
  std::uint64_t shortest_ = 0;
  std::uint64_t measured_ = 0;
  detail::limit_probe<Random> probe_;
};

using vegas_limit = basic_vegas_limit<xoshiro256>;

}  // namespace v0
}  // namespace gabion
