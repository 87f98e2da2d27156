// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/log/detail/lease_rules.hpp>
#include <gabion/log/lease.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The table of the leases. A row is never deleted, so an epoch never returns.
inline constexpr schema lease_schema{
    .component = "lease",
    .version = 1,
    .ddl =
        "CREATE TABLE gabion_lease (name TEXT PRIMARY KEY, owner TEXT, epoch INTEGER NOT NULL, "
        "expires_at INTEGER NOT NULL)"
        " WITHOUT ROWID"};

/// Whether the lease is still the current one, inside the transaction whose writes it shall fence.
/// One look-up by key.
[[nodiscard]] inline bool holds(connection& on, const lease& held) {
  return on
      .query("SELECT 1 FROM gabion_lease WHERE name = ? AND epoch = ? AND owner = ?", held.name,
             held.epoch, held.owner)
      .next();
}

/// Leases in a SQLite database; satisfies gabion::lease_store. Expiry is judged by WallClock alone.
///
/// Safe to use from several threads and processes. A clock that jumps makes a lease change hands
/// early or late; the epoch keeps that harmless. A lease that was released is nobody's: its former
/// holder is fenced.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_lease_store {
 public:
  /// The tables must be there: see create_schema.
  explicit basic_lease_store(basic_database<Env>& in, WallClock time = WallClock{})
      : database_{&in}, time_{std::move(time)} {
    require_schema(in, lease_schema);
  }

  /// Creates the table if it is missing.
  static void create_schema(basic_database<Env>& in) { sqlite::create_schema(in, lease_schema); }

  /// Throws error(invalid_argument) for an empty name or owner or a ttl that is not positive.
  [[nodiscard]] std::optional<lease> acquire_lease(std::string_view name, std::string_view owner,
                                                   duration ttl) {
    gabion::detail::check_lease(name, owner);
    return database_->transact([&](transaction& tx) -> std::optional<lease> {
      const wall_time now = time_.now();
      const std::int64_t changed = tx.on().run(
          "INSERT INTO gabion_lease (name, owner, epoch, expires_at) VALUES (?, ?, 1, ?)"
          " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = epoch + 1, expires_at "
          "= excluded.expires_at"
          " WHERE owner IS NULL OR owner = excluded.owner OR expires_at <= ?",
          name, owner, gabion::detail::lease_expiry(now, ttl), now);
      if (changed == 0) return std::nullopt;
      rows found = tx.on().query("SELECT epoch FROM gabion_lease WHERE name = ?", name);
      found.next();
      return lease{std::string{name}, std::string{owner},
                   static_cast<std::uint64_t>(found->number(0))};
    });
  }

  [[nodiscard]] bool renew_lease(const lease& held, duration ttl) {
    return database_->transact([&](transaction& tx) {
      return tx.on().run(
                 "UPDATE gabion_lease SET expires_at = ? WHERE name = ? AND epoch = ? AND owner = "
                 "?",
                 gabion::detail::lease_expiry(time_.now(), ttl), held.name, held.epoch,
                 held.owner) == 1;
    });
  }

  [[nodiscard]] bool release_lease(const lease& held) {
    return database_->transact([&](transaction& tx) {
      return tx.on().run(
                 "UPDATE gabion_lease SET owner = NULL, expires_at = 0 WHERE name = ? AND epoch = "
                 "? AND owner = ?",
                 held.name, held.epoch, held.owner) == 1;
    });
  }

 private:
  basic_database<Env>* database_;
  WallClock time_;
};

using lease_store = basic_lease_store<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
