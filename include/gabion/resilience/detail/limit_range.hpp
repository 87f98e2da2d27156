// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/detail/option_problem.hpp>

// What the limit algorithms share: the range of a limit, and limits with a binary fraction.
namespace gabion {
inline namespace v0 {
namespace detail {

inline constexpr std::uint32_t max_concurrency = 1'000'000;

/// A limit in units of 1/65536, so that smoothing loses nothing that matters and no floating point
/// is needed.
inline constexpr unsigned limit_shift = 16;

[[nodiscard]] constexpr std::uint64_t fine_limit(std::uint64_t whole) noexcept {
  return whole << limit_shift;
}
[[nodiscard]] constexpr std::uint32_t whole_limit(std::uint64_t fine) noexcept {
  return static_cast<std::uint32_t>(fine >> limit_shift);
}

/// before + (wanted - before) * percent / 100.
[[nodiscard]] constexpr std::uint64_t smoothed(std::uint64_t before, std::uint64_t wanted,
                                               std::uint32_t percent) noexcept {
  return (before * (100 - percent) + wanted * percent) / 100;
}

/// Half a limit is not in use: the sample says nothing about a higher one.
[[nodiscard]] constexpr bool has_room(std::uint32_t in_flight, std::uint64_t fine) noexcept {
  return detail::fine_limit(std::uint64_t{in_flight} * 2) < fine;
}

/// The checks of `min_limit <= initial_limit <= max_limit`, which every algorithm's options have.
template <class Options>
[[nodiscard]] constexpr option_problem range_problem_of(const Options& o) noexcept {
  if (const auto p = out_of_range("max_limit", o.max_limit, 1, max_concurrency, "1 to 1000000"))
    return p;
  if (const auto p = out_of_range("min_limit", o.min_limit, 1, o.max_limit, "1 to max_limit"))
    return p;
  return out_of_range("initial_limit", o.initial_limit, o.min_limit, o.max_limit,
                      "min_limit to max_limit");
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
