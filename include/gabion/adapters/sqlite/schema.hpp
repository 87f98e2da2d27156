// SPDX-License-Identifier: MIT
#pragma once

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
  const char* ddl = nullptr;  ///< statements that create the tables in an empty database
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

[[noreturn]] inline void wrong_version(const schema& wanted, int found) {
  throw error{errc::schema_mismatch, "the " + std::string{wanted.component} +
                                         " tables have version " + std::to_string(found) +
                                         ", this gabion needs " + std::to_string(wanted.version)};
}

/// Creates the tables in the open transaction; false if they are there already in this version.
inline bool install(connection& on, const schema& wanted) {
  const int found = detail::installed_version(on, wanted.component);
  if (found == wanted.version) return false;
  if (found != 0) detail::wrong_version(wanted, found);
  on.execute(
      "CREATE TABLE IF NOT EXISTS gabion_schema (component TEXT PRIMARY KEY, version INTEGER NOT "
      "NULL) WITHOUT ROWID");
  on.execute(wanted.ddl);
  on.run("INSERT INTO gabion_schema (component, version) VALUES (?, ?)", wanted.component,
         wanted.version);
  return true;
}

}  // namespace detail

/// Creates the tables if they are missing, in one transaction. Safe to repeat and to run from
/// several processes at once. Throws error(schema_mismatch) if they are there in another version.
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
