// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/resilience/detail/limit_range.hpp>
#include <gabion/resilience/limit_algorithm.hpp>

namespace gabion {
inline namespace v0 {

/// How an AIMD limit moves. New members go last.
struct aimd_limit_options {
  std::uint32_t initial_limit = 20;    ///< min_limit to max_limit; default 20
  std::uint32_t min_limit = 1;         ///< never below; 1 to max_limit; default 1
  std::uint32_t max_limit = 200;       ///< never above; 1 to 1,000,000; default 200
  std::uint32_t backoff_percent = 90;  ///< what a drop leaves of the limit; 1 to 99; default 90
  /// A call that takes longer counts as dropped; more than 0; default 5 s
  duration slow = std::chrono::seconds{5};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const aimd_limit_options& o) noexcept {
  if (const auto p = range_problem_of(o)) return p;
  if (const auto p = out_of_range("backoff_percent", o.backoff_percent, 1, 99, "1 to 99")) return p;
  if (o.slow <= duration::zero()) return {"slow", o.slow, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if an AIMD limit takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const aimd_limit_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const aimd_limit_options& o) {
  detail::refuse_option("aimd_limit_options", detail::problem_of(o));
}

/// Additive increase, multiplicative decrease: one more after a sample without a drop, unless half
/// of the limit is not in use; `backoff_percent` of it, rounded down, after one with a drop or one
/// that took longer than `slow`.
///
/// It reacts to drops, not to latency: choose it where calls have a deadline. Exact integers. One
/// thread at a time. Source: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for
/// Congestion Avoidance", 1989.
class aimd_limit {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit aimd_limit(const aimd_limit_options& options = {})
      : options_{(gabion::validate(options), options)}, limit_{options.initial_limit} {}

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }

  limit_effect update(const limit_sample& sample) noexcept {
    if (sample.dropped || sample.rtt > options_.slow)
      limit_ = detail::max_of(
          options_.min_limit,
          static_cast<std::uint32_t>(std::uint64_t{limit_} * options_.backoff_percent / 100));
    else if (std::uint64_t{sample.in_flight} * 2 >= limit_)
      limit_ = detail::min_of(options_.max_limit, limit_ + 1);
    return limit_effect::go_on;
  }

 private:
  aimd_limit_options options_;
  std::uint32_t limit_;
};

}  // namespace v0
}  // namespace gabion
