// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/detail/savepoint.hpp>
#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/lease_store.hpp>
#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/cqrs/checkpoint_store.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The tables of the checkpoints; the leases are in lease_schema.
inline constexpr schema checkpoint_schema{.component = "checkpoints", .version = 1, .ddl = R"sql(
  CREATE TABLE gabion_checkpoint (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, status INTEGER NOT NULL, replay_until INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE gabion_projection_letter (
    name TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL,
    died_at INTEGER NOT NULL, PRIMARY KEY (name, position)) WITHOUT ROWID;
  CREATE TABLE gabion_projection_serving (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
)sql"};

/// Checkpoints of projections in a SQLite database; satisfies gabion::checkpoint_store.
///
/// Safe to use from several threads and processes. WallClock judges the leases and stamps the rows.
/// Functions that take a transaction throw error(invalid_argument) for one of another database.
/// Operations are logarithmic.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_checkpoint_store {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(schema_missing | schema_mismatch); see create_schema(). The database must outlive
  /// the store.
  explicit basic_checkpoint_store(basic_database<Env>& in, WallClock time = WallClock{})
      : database_{&in}, time_{time}, leases_{in, std::move(time)} {
    require_schema(in, checkpoint_schema);
  }

  /// Creates the tables if they are missing.
  static void create_schema(basic_database<Env>& in) {
    sqlite::create_schema(in, lease_schema);
    sqlite::create_schema(in, checkpoint_schema);
  }

  [[nodiscard]] std::optional<lease> acquire_lease(std::string_view name, std::string_view owner,
                                                   duration ttl) {
    return leases_.acquire_lease(name, owner, ttl);
  }
  [[nodiscard]] bool renew_lease(const lease& held, duration ttl) {
    return leases_.renew_lease(held, ttl);
  }
  [[nodiscard]] bool release_lease(const lease& held) { return leases_.release_lease(held); }

  [[nodiscard]] std::optional<checkpoint> read_checkpoint(std::string_view key) {
    return database_->read([&](connection& on) { return basic_checkpoint_store::select(on, key); });
  }
  [[nodiscard]] std::optional<checkpoint> read_checkpoint(transaction& tx, std::string_view key) {
    database_->require_own(tx, "checkpoint_store.read_checkpoint");
    return basic_checkpoint_store::select(tx.on(), key);
  }

  [[nodiscard]] settle_status move_checkpoint(transaction& tx, const lease& held, position from,
                                              const checkpoint& to) {
    database_->require_own(tx, "checkpoint_store.move_checkpoint");
    detail::require_transaction(tx.on(), "checkpoint_store.move_checkpoint");
    if (!sqlite::holds(tx.on(), held)) return settle_status::fenced;
    const std::int64_t changed =
        from == beginning
            ? tx.on().run(
                  "INSERT INTO gabion_checkpoint (name, position, status, replay_until, attempts, "
                  "reason, updated_at)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET position = "
                  "excluded.position,"
                  " status = excluded.status, replay_until = excluded.replay_until, attempts = "
                  "excluded.attempts,"
                  " reason = excluded.reason, updated_at = excluded.updated_at WHERE position = 0",
                  held.name, to_number(to.at), to.status, to_number(to.replay_until), to.attempts,
                  to.reason, time_.now())
            : tx.on().run(
                  "UPDATE gabion_checkpoint SET position = ?, status = ?, replay_until = ?, "
                  "attempts = ?, reason = ?,"
                  " updated_at = ? WHERE name = ? AND position = ?",
                  to_number(to.at), to.status, to_number(to.replay_until), to.attempts, to.reason,
                  time_.now(), held.name, to_number(from));
    return changed == 1 ? settle_status::applied : settle_status::fenced;
  }

  void keep_letter(transaction& tx, std::string_view key, const projection_letter& letter) {
    database_->require_own(tx, "checkpoint_store.keep_letter");
    tx.on().run(
        "INSERT OR REPLACE INTO gabion_projection_letter (name, position, event_id, attempts, "
        "reason, died_at) VALUES (?, ?, ?, "
        "?, ?, ?)",
        key, to_number(letter.at), letter.event_id, letter.attempts, letter.reason, time_.now());
  }
  [[nodiscard]] bool remove_letter(transaction& tx, std::string_view key, position at) {
    database_->require_own(tx, "checkpoint_store.remove_letter");
    return tx.on().run("DELETE FROM gabion_projection_letter WHERE name = ? AND position = ?", key,
                       to_number(at)) == 1;
  }
  [[nodiscard]] std::vector<projection_letter> letters(std::string_view key, position after,
                                                       std::size_t limit) {
    return database_->read([&](connection& on) {
      std::vector<projection_letter> found;
      rows r = on.query(
          "SELECT position, event_id, attempts, reason, died_at FROM gabion_projection_letter "
          "WHERE name = ? AND position > ?"
          " ORDER BY position LIMIT ?",
          key, detail::to_signed(after), detail::to_signed(limit));
      while (r.next())
        found.push_back({.at = position{static_cast<std::uint64_t>(r->number(0))},
                         .event_id = r->text(1),
                         .attempts = static_cast<std::uint32_t>(r->number(2)),
                         .reason = r->text(3),
                         .died_at = r->time(4)});
      return found;
    });
  }

  [[nodiscard]] std::optional<std::uint32_t> serving(std::string_view name) {
    return database_->read(
        [&](connection& on) { return basic_checkpoint_store::select_serving(on, name); });
  }
  [[nodiscard]] std::optional<std::uint32_t> serving(transaction& tx, std::string_view name) {
    database_->require_own(tx, "checkpoint_store.serving");
    return basic_checkpoint_store::select_serving(tx.on(), name);
  }
  void serve(transaction& tx, std::string_view name, std::uint32_t version) {
    database_->require_own(tx, "checkpoint_store.serve");
    tx.on().run("INSERT OR REPLACE INTO gabion_projection_serving (name, version) VALUES (?, ?)",
                name, version);
  }

 private:
  [[nodiscard]] static std::optional<checkpoint> select(connection& on, std::string_view key) {
    rows r = on.query(
        "SELECT position, status, replay_until, attempts, reason FROM gabion_checkpoint WHERE name "
        "= ?",
        key);
    if (!r.next()) return std::nullopt;
    return checkpoint{.at = position{static_cast<std::uint64_t>(r->number(0))},
                      .status = static_cast<projection_status>(r->number(1)),
                      .replay_until = position{static_cast<std::uint64_t>(r->number(2))},
                      .attempts = static_cast<std::uint32_t>(r->number(3)),
                      .reason = r->text(4)};
  }

  [[nodiscard]] static std::optional<std::uint32_t> select_serving(connection& on,
                                                                   std::string_view name) {
    rows r = on.query("SELECT version FROM gabion_projection_serving WHERE name = ?", name);
    if (!r.next()) return std::nullopt;
    return static_cast<std::uint32_t>(r->number(0));
  }

  basic_database<Env>* database_;
  WallClock time_;
  basic_lease_store<WallClock, Env> leases_;
};

using checkpoint_store = basic_checkpoint_store<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
