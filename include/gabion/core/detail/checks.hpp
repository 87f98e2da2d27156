// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

// What an option must be, and one wording for what it is not. `name` is that of the record and the
// member.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Throws error(invalid_argument) unless low <= value <= high.
inline void check_range(const std::string& name, std::uint64_t value, std::uint64_t low,
                        std::uint64_t high) {
  if (value < low || value > high)
    detail::fail(errc::invalid_argument, name + " is " + std::to_string(value) + "; allowed: " +
                                             std::to_string(low) + " to " + std::to_string(high));
}

/// Throws error(invalid_argument) for 0, where there is no upper bound.
inline void check_positive(const std::string& name, std::uint64_t value) {
  if (value == 0) detail::fail(errc::invalid_argument, name + " is 0; allowed: 1 and up");
}

/// Throws error(invalid_argument) unless low <= value.
inline void check_at_least(const std::string& name, duration value, duration low) {
  if (value < low)
    detail::fail(errc::invalid_argument, name + " is " + std::to_string(value.count()) +
                                             " ns; allowed: from " + std::to_string(low.count()) +
                                             " ns up");
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
