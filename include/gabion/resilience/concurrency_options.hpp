// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/detail/limit_range.hpp>

namespace gabion {
inline namespace v0 {

/// What a concurrency limiter is told about one call.
enum class limit_verdict : std::uint8_t {
  success,  ///< it ended in its own time, whether well or not: how long it took is a sample
  dropped,  ///< it timed out, or was told that the other side is overloaded: the limit shrinks
  ignored,  ///< how long it took says nothing about the other side
};

[[nodiscard]] constexpr std::string_view to_string(limit_verdict v) noexcept {
  switch (v) {
    case limit_verdict::success: return "success";
    case limit_verdict::dropped: return "dropped";
    case limit_verdict::ignored: return "ignored";
  }
  return "unknown";
}

/// What a window tells the algorithm of the times in it.
enum class sample_of : std::uint8_t { average, minimum };

/// How samples are gathered before the algorithm sees them. New members go last.
struct limit_window_options {
  /// A window lasts at least so long; 0 and up; default 1 s
  duration span = std::chrono::seconds{1};
  std::uint32_t samples = 10;           ///< and until it has so many; 1 to 1,000,000; default 10
  sample_of take = sample_of::average;  ///< default average
};

/// How a concurrency limiter listens. New members go last.
struct concurrency_limiter_options {
  /// Default 1 s and 10 samples, average. {.span = 0, .samples = 1}: each call is a sample
  limit_window_options window{};
  /// A shorter call is taken as this long: below it the clock and the scheduler are measured. 0 to
  /// 1 h; default 100 us.
  duration shortest_rtt = std::chrono::microseconds{100};
  /// In a pipeline: what a failure is that neither ran out of time nor brought a stated wait; those
  /// are dropped. Default dropped.
  limit_verdict failures = limit_verdict::dropped;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const concurrency_limiter_options& o) noexcept {
  if (o.window.span < duration::zero()) return {"window.span", o.window.span, "0 ns or more"};
  if (const auto p =
          out_of_range("window.samples", o.window.samples, 1, max_concurrency, "1 to 1000000"))
    return p;
  if (o.shortest_rtt < duration::zero() || o.shortest_rtt > std::chrono::hours{1})
    return {"shortest_rtt", o.shortest_rtt, "0 ns to 1 h"};
  return {};
}

}  // namespace detail

/// True if a concurrency limiter takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const concurrency_limiter_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const concurrency_limiter_options& o) {
  detail::refuse_option("concurrency_limiter_options", detail::problem_of(o));
}

}  // namespace v0
}  // namespace gabion
