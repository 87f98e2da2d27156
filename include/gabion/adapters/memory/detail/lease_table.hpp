// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/log/detail/lease_rules.hpp>
#include <gabion/log/lease.hpp>

namespace gabion {
inline namespace v0 {
namespace memory::detail {

/// Leases by name. Not thread safe: its owner holds the lock of the database. A name is never
/// forgotten, so an epoch never returns.
class lease_table {
 public:
  std::optional<lease> acquire(std::string_view name, std::string_view owner, duration ttl,
                               wall_time now) {
    gabion::detail::check_lease(name, owner);
    const wall_time until = gabion::detail::lease_expiry(now, ttl);
    entry& e = entries_.try_emplace(std::string{name}).first->second;
    if (!e.owner.empty() && e.owner != owner && now < e.expires_at) return std::nullopt;
    e = {std::string{owner}, e.epoch + 1, until};
    return lease{std::string{name}, e.owner, e.epoch};
  }

  bool renew(const lease& held, duration ttl, wall_time now) {
    const wall_time until = gabion::detail::lease_expiry(now, ttl);
    if (!holds(held)) return false;
    entries_.find(held.name)->second.expires_at = until;
    return true;
  }

  bool release(const lease& held) {
    if (!holds(held)) return false;
    entries_.find(held.name)->second.owner.clear();
    return true;
  }

  [[nodiscard]] bool holds(const lease& held) const {
    const auto found = entries_.find(held.name);
    return found != entries_.end() && !held.owner.empty() && found->second.owner == held.owner &&
           found->second.epoch == held.epoch;
  }

 private:
  struct entry {
    std::string owner{};
    std::uint64_t epoch = 0;
    wall_time expires_at{};
  };

  std::map<std::string, entry, std::less<>> entries_{};
};

}  // namespace memory::detail
}  // namespace v0
}  // namespace gabion
