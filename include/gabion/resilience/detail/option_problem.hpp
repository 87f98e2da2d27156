// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/detail/exceptions.hpp>

namespace gabion::inline v0::detail {

/// The first option that is out of its range; `member` is empty if there is none. A value, so that it serves a static_assert.
struct option_problem {
  std::string_view member{};
  std::int64_t value = 0;
  std::string_view allowed{};

  [[nodiscard]] explicit constexpr operator bool() const noexcept { return !member.empty(); }
};

/// The problem, or none, of a whole number that must be from `low` to `high`.
[[nodiscard]] constexpr option_problem out_of_range(std::string_view member, std::uint64_t value, std::uint64_t low,
                                                    std::uint64_t high, std::string_view allowed) noexcept {
  if (value >= low && value <= high) return {};
  return {member, static_cast<std::int64_t>(value), allowed};
}

/// Throws error(invalid_argument) that names record, member, value and range if there is a problem.
inline void refuse_option(std::string_view record, const option_problem& problem) {
  if (problem)
    detail::fail(errc::invalid_argument, std::string{record} + "." + std::string{problem.member} + " is " +
                                             std::to_string(problem.value) + "; allowed: " + std::string{problem.allowed});
}

}  // namespace gabion::inline v0::detail
