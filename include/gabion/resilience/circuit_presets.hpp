// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <gabion/resilience/circuit_options.hpp>

/// Starting points for common dependencies, by how dear a failed call is and how fast the other
/// side recovers. Change a member of the copy: `auto o = presets::payment_api(); o.name =
/// "payment-eu";`.
namespace gabion {
inline namespace v0 {
namespace presets {

namespace detail {
[[nodiscard]] constexpr circuit_breaker_options preset(std::string_view name,
                                                       std::uint32_t failures,
                                                       std::chrono::seconds open_for,
                                                       std::uint32_t successes) noexcept {
  return {
      .failures = failures, .open_for = open_for, .successes_to_close = successes, .name = name};
}
}  // namespace detail

/// 3 failures in a row, 60 s open, 2 successes to close.
[[nodiscard]] constexpr circuit_breaker_options payment_api() noexcept {
  return presets::detail::preset("payment-api", 3, std::chrono::seconds{60}, 2);
}
/// 5 failures in a row, 30 s open, 3 successes to close.
[[nodiscard]] constexpr circuit_breaker_options user_database() noexcept {
  return presets::detail::preset("user-database", 5, std::chrono::seconds{30}, 3);
}
/// 10 failures in a row, 120 s open, 5 successes to close.
[[nodiscard]] constexpr circuit_breaker_options image_service() noexcept {
  return presets::detail::preset("image-service", 10, std::chrono::seconds{120}, 5);
}
/// 2 failures in a row, 300 s open, 1 success to close.
[[nodiscard]] constexpr circuit_breaker_options email_service() noexcept {
  return presets::detail::preset("email-service", 2, std::chrono::seconds{300}, 1);
}
/// 15 failures in a row, 60 s open, 10 successes to close.
[[nodiscard]] constexpr circuit_breaker_options analytics_api() noexcept {
  return presets::detail::preset("analytics-api", 15, std::chrono::seconds{60}, 10);
}

}  // namespace presets
}  // namespace v0
}  // namespace gabion
