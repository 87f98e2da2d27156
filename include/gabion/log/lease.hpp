// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// The right to move one cursor. The epoch rises with every change of owner and fences out the
/// former one: every write on behalf of the lease names the epoch and does nothing if a newer one
/// exists.
struct lease {
  std::string name{};
  std::string owner{};
  std::uint64_t epoch = 0;
  friend bool operator==(const lease&, const lease&) = default;
};

/// Where leases live. Expiry is judged by the store's own clock alone, never by the owner's.
///
/// `acquire_lease` gives the lease if it is free, expired or already this owner's, always with a
/// new epoch. `renew_lease` and `release_lease` do nothing and answer false if the epoch is no
/// longer the current one.
template <class S>
concept lease_store = requires(S& s, std::string_view text, const lease& held, duration ttl) {
  { s.acquire_lease(text, text, ttl) } -> std::same_as<std::optional<lease>>;
  { s.renew_lease(held, ttl) } -> std::same_as<bool>;
  { s.release_lease(held) } -> std::same_as<bool>;
};

}  // namespace v0
}  // namespace gabion
