// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

// One list of checks for each options record, which serves `valid` at compile time and `validate` with words.
namespace gabion::inline v0::detail {

/// An option that is out of its range; `member` is empty if there is none.
struct option_fault {
  std::string_view member{};
  std::int64_t value = 0;
  std::string_view unit{};
  std::string_view allowed{};

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return !member.empty(); }
};

[[nodiscard]] constexpr option_fault faulty(std::string_view member, std::int64_t value, std::string_view allowed) noexcept {
  return {member, value, "", allowed};
}
[[nodiscard]] constexpr option_fault faulty(std::string_view member, duration value, std::string_view allowed) noexcept {
  return {member, value.count(), " ns", allowed};
}

/// Throws error(invalid_argument) that names owner, member, value and range, or does nothing.
inline void refuse(std::string_view owner, const option_fault& fault) {
  if (!fault) return;
  std::string text{owner};
  text.append(".").append(fault.member).append(" is ").append(std::to_string(fault.value)).append(fault.unit);
  detail::fail(errc::invalid_argument, text.append("; allowed: ").append(fault.allowed));
}

}  // namespace gabion::inline v0::detail
