// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The first option that is out of its range, or none. A value, so that it serves a static_assert.
struct option_problem {
  std::string_view group{};  ///< of the member, with its dot, if it is in a record of its own
  std::string_view member{};
  std::int64_t value = 0;
  std::string_view unit{};
  std::string_view allowed{};

  constexpr option_problem() noexcept = default;
  constexpr option_problem(std::string_view wrong, std::int64_t is, std::string_view range) noexcept
      : member{wrong}, value{is}, allowed{range} {}
  constexpr option_problem(std::string_view wrong, duration is, std::string_view range) noexcept
      : member{wrong}, value{is.count()}, unit{" ns"}, allowed{range} {}
  constexpr option_problem(std::string_view wrong, std::int64_t is, std::string_view of,
                           std::string_view range) noexcept
      : member{wrong}, value{is}, unit{of}, allowed{range} {}

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return !member.empty(); }

  /// The same, of a member in that record.
  [[nodiscard]] constexpr option_problem in(std::string_view record) const noexcept {
    option_problem p = *this;
    p.group = record;
    return p;
  }
};

/// The problem, or none, of a whole number that must be from `low` to `high`.
[[nodiscard]] constexpr option_problem out_of_range(std::string_view member, std::uint64_t value,
                                                    std::uint64_t low, std::uint64_t high,
                                                    std::string_view allowed) noexcept {
  if (value >= low && value <= high) return {};
  return {member, static_cast<std::int64_t>(value), allowed};
}

/// The problem in words: record, member, value and range.
[[nodiscard]] inline std::string in_words(std::string_view record, const option_problem& p) {
  std::string text{record};
  text.append(".")
      .append(p.group)
      .append(p.member)
      .append(" is ")
      .append(std::to_string(p.value))
      .append(p.unit);
  return text.append("; allowed: ").append(p.allowed);
}

/// Throws error(invalid_argument) with the problem in words if there is one.
inline void refuse_option(std::string_view record, const option_problem& p) {
  if (p) detail::fail(errc::invalid_argument, detail::in_words(record, p));
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
