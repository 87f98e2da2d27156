// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <gabion/adapters/sqlite/detail/savepoint.hpp>
#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/cqrs/command_log.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The table of done commands.
inline constexpr schema command_schema{.component = "commands", .version = 1, .ddl = R"sql(
  CREATE TABLE gabion_command (
    tenant TEXT NOT NULL, command_key TEXT NOT NULL, fingerprint INTEGER NOT NULL, result BLOB NOT NULL,
    completed_at INTEGER NOT NULL, PRIMARY KEY (tenant, command_key)) WITHOUT ROWID;
  CREATE INDEX gabion_command_completed ON gabion_command (completed_at);
)sql"};

/// Done commands in a SQLite database; satisfies gabion::command_log.
///
/// A claim needs no row of its own: a writing transaction holds the database from its beginning.
/// Safe to use from several threads and processes. WallClock stamps the records. Operations are
/// logarithmic in what is kept.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_command_log {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(schema_missing | schema_mismatch); see create_schema(). The database must outlive
  /// the log.
  explicit basic_command_log(basic_database<Env>& in, WallClock time = WallClock{})
      : database_{&in}, time_{std::move(time)} {
    require_schema(in, command_schema);
  }

  /// Creates the table if it is missing.
  static void create_schema(basic_database<Env>& in) { sqlite::create_schema(in, command_schema); }

  [[nodiscard]] std::optional<command_record> claim(transaction& tx, std::string_view tenant,
                                                    std::string_view key) {
    database_->require_own(tx, "command_log.claim");
    detail::require_transaction(tx.on(), "command_log.claim");
    rows r = tx.on().query(
        "SELECT fingerprint, result FROM gabion_command WHERE tenant = ? AND command_key = ?",
        tenant, key);
    if (!r.next()) return std::nullopt;
    return command_record{.fingerprint = static_cast<std::uint64_t>(r->number(0)),
                          .result = r->text(1)};
  }

  void complete(transaction& tx, std::string_view tenant, std::string_view key,
                const command_record& done) {
    database_->require_own(tx, "command_log.complete");
    tx.on().run(
        "INSERT OR REPLACE INTO gabion_command (tenant, command_key, fingerprint, result, "
        "completed_at) VALUES (?, ?, ?, ?, ?)",
        tenant, key, done.fingerprint, blob{done.result}, time_.now());
  }

  [[nodiscard]] std::size_t forget(wall_time before, std::size_t limit) {
    return database_->transact([&](transaction& tx) {
      return static_cast<std::size_t>(
          tx.on().run("DELETE FROM gabion_command WHERE (tenant, command_key) IN (SELECT tenant, "
                      "command_key FROM gabion_command"
                      " WHERE completed_at < ? ORDER BY completed_at LIMIT ?)",
                      before, detail::to_signed(limit)));
    });
  }

 private:
  basic_database<Env>* database_;
  WallClock time_;
};

using command_log = basic_command_log<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
