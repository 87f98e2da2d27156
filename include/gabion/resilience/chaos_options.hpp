// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// A rate of 100 %, in parts per million.
inline constexpr std::uint32_t chaos_always = 1'000'000;

/// What chaos does, and how often. Rates are in parts per million of the calls: 0 = never,
/// 1,000,000 = each. New members go last.
struct chaos_options {
  bool enabled = true;             ///< off: every call passes; may be changed later. Default on
  std::uint32_t latency_rate = 0;  ///< delays the call; 0 to 1,000,000; default 0
  duration latency_min{};          ///< by at least; 0 and up; default 0
  duration latency_max{};          ///< by at most; latency_min and up; default 0
  std::uint32_t error_rate = 0;    ///< refuses the call; 0 to 1,000,000; default 0
  errc error = errc::unavailable;  ///< with this code; default unavailable
  duration retry_after{};          ///< and this stated wait; 0 and up; 0 = none, the default
  /// Replaces what the call returned by what the factory makes; 0 to 1,000,000; default 0
  std::uint32_t result_rate = 0;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const chaos_options& o) noexcept {
  if (const auto p = out_of_range("latency_rate", o.latency_rate, 0, chaos_always, "0 to 1000000"))
    return p;
  if (o.latency_min < duration::zero()) return {"latency_min", o.latency_min, "0 ns or more"};
  if (o.latency_max < o.latency_min) return {"latency_max", o.latency_max, "latency_min or more"};
  if (const auto p = out_of_range("error_rate", o.error_rate, 0, chaos_always, "0 to 1000000"))
    return p;
  if (o.retry_after < duration::zero()) return {"retry_after", o.retry_after, "0 ns or more"};
  return out_of_range("result_rate", o.result_rate, 0, chaos_always, "0 to 1000000");
}

}  // namespace detail

/// True if chaos takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const chaos_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const chaos_options& o) {
  detail::refuse_option("chaos_options", detail::problem_of(o));
}

/// What chaos has done since it was made.
struct chaos_counts {
  std::uint64_t latencies = 0;
  std::uint64_t errors = 0;
  std::uint64_t results = 0;
  friend bool operator==(const chaos_counts&, const chaos_counts&) = default;
};

}  // namespace v0
}  // namespace gabion
