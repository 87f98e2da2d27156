// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

// What every lease store does in the same way, so that all of them answer alike.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Throws error(invalid_argument) for a lease that nobody could be told apart by.
inline void check_lease(std::string_view name, std::string_view owner) {
  if (name.empty() || owner.empty())
    detail::fail(errc::invalid_argument, "lease: name and owner must not be empty");
}

/// When a lease given now ends, rounded up. Throws error(invalid_argument) for a ttl that is not
/// positive.
[[nodiscard]] inline wall_time lease_expiry(wall_time now, duration ttl) {
  if (ttl <= duration::zero())
    detail::fail(errc::invalid_argument, "lease: the time to live must be above 0");
  return now + std::chrono::ceil<wall_time::duration>(ttl);
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
