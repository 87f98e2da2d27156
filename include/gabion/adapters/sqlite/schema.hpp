// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <gabion/adapters/sqlite/database.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The tables of one component, and their version.
struct schema {
  std::string_view component{};
  int version = 0;
  const char* ddl = nullptr;  ///< statements that create the tables of the first version
  /// Statements that upgrade each version to the next one, up to `version`
  std::span<const char* const> upgrades{};
};

namespace detail {

/// The version of the component's tables, or 0 if they are not there.
inline int installed_version(connection& on, std::string_view component) {
  if (!on.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'gabion_schema'")
           .next())
    return 0;
  rows found = on.query("SELECT version FROM gabion_schema WHERE component = ?", component);
  return found.next() ? static_cast<int>(found->number(0)) : 0;
}

/// Returns the version that `ddl` creates.
[[nodiscard]] inline int first_version(const schema& wanted) noexcept {
  return wanted.version - static_cast<int>(wanted.upgrades.size());
}

/// Returns whether tables of version `found` can be upgraded to the wanted one.
[[nodiscard]] inline bool can_upgrade(const schema& wanted, int found) noexcept {
  return found >= detail::first_version(wanted) && found < wanted.version;
}

[[noreturn]] inline void wrong_version(const schema& wanted, int found) {
  const char* const advice = detail::can_upgrade(wanted, found)
                                 ? "; call the store's create_schema(database) once to upgrade them"
                                 : "";
  throw error{errc::schema_mismatch, "the " + std::string{wanted.component} +
                                         " tables have version " + std::to_string(found) +
                                         ", this gabion needs " + std::to_string(wanted.version) +
                                         advice};
}

/// Creates or upgrades the tables in the open transaction. Returns false if they already have this
/// version.
inline bool install(connection& on, const schema& wanted) {
  int found = detail::installed_version(on, wanted.component);
  if (found == wanted.version) return false;
  if (found == 0) {
    on.execute(
        "CREATE TABLE IF NOT EXISTS gabion_schema (component TEXT PRIMARY KEY, version INTEGER NOT "
        "NULL) WITHOUT ROWID");
    on.execute(wanted.ddl);
    found = detail::first_version(wanted);
  } else if (!detail::can_upgrade(wanted, found)) {
    detail::wrong_version(wanted, found);
  }
  for (const char* const step :
       wanted.upgrades.last(static_cast<std::size_t>(wanted.version - found)))
    on.execute(step);
  on.run("INSERT OR REPLACE INTO gabion_schema (component, version) VALUES (?, ?)",
         wanted.component, wanted.version);
  return true;
}

}  // namespace detail

/// Creates the tables if they are missing, or upgrades those of an earlier version, in one
/// transaction.
///
/// Thread safety: may be repeated and called from several processes at once.
/// Errors: throws error(schema_mismatch) for a version that cannot be upgraded, such as a later
/// one.
template <env Env>
void create_schema(basic_database<Env>& in, const schema& wanted) {
  in.transact([&](transaction& tx) { detail::install(tx.on(), wanted); });
}

/// Throws error(schema_missing | schema_mismatch) unless the tables are there in this version.
template <env Env>
void require_schema(basic_database<Env>& in, const schema& wanted) {
  const int found =
      in.read([&](connection& on) { return detail::installed_version(on, wanted.component); });
  if (found == wanted.version) return;
  if (found != 0) detail::wrong_version(wanted, found);
  throw error{errc::schema_missing, "'" + in.path() + "' has no " + std::string{wanted.component} +
                                        " tables; call the store's create_schema(database) once"};
}

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
