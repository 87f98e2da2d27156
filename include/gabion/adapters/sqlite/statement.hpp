// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include <gabion/adapters/sqlite/error.hpp>
#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// Bytes for a BLOB column, or NULL; a plain string_view binds as TEXT.
struct blob {
  std::string_view bytes{};
  bool null = false;
};

/// The bytes, or NULL if there are none; no bytes and empty bytes stay different.
[[nodiscard]] inline blob blob_or_null(const std::optional<std::string>& bytes) noexcept {
  return bytes ? blob{*bytes} : blob{.null = true};
}

/// A prepared statement. Values travel as bound parameters only, never inside the SQL text. Not
/// thread safe.
class statement {
 public:
  /// Throws sqlite_error, with error code invalid_argument also for no statement and for more than
  /// one.
  statement(sqlite3* handle, std::string_view sql) {
    std::string_view rest = sql;
    handle_ = statement::prepare_first(handle, rest, SQLITE_PREPARE_PERSISTENT);
    if (handle_ == nullptr)
      throw sqlite_error{SQLITE_MISUSE, "there is no statement in '" + std::string{sql} + "'"};
    if (statement::holds_statement(handle, rest)) {
      sqlite3_finalize(handle_);
      rest.remove_prefix(rest.find_first_not_of(" \t\r\n"));
      throw sqlite_error{SQLITE_MISUSE, "only one statement is run at a time, but '" +
                                            std::string{rest} + "' follows; execute() runs many"};
    }
  }
  statement(statement&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  statement& operator=(statement&&) = delete;
  ~statement() { sqlite3_finalize(handle_); }

  /// Binds all parameters in order and starts over. Throws sqlite_error, with error code
  /// invalid_argument for more or fewer values; an EXPLAIN needs none.
  template <class... Values>
  statement& bind(const Values&... values) {
    reset();
    if (const int wanted = sqlite3_bind_parameter_count(handle_);
        wanted != static_cast<int>(sizeof...(Values)) && sqlite3_stmt_isexplain(handle_) == 0)
      throw sqlite_error{SQLITE_RANGE, std::to_string(sizeof...(Values)) + " values for " +
                                           std::to_string(wanted) + " parameters in '" +
                                           sqlite3_sql(handle_) + "'"};
    int index = 0;
    (require(bind_one(++index, values)), ...);
    return *this;
  }

  /// Moves to the next row; false at the end. Throws sqlite_error.
  bool step() {
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    const sqlite_error failure{sqlite3_extended_errcode(database()), sqlite3_errmsg(database())};
    sqlite3_reset(handle_);
    throw failure;
  }

  /// Binds, runs to the end and gives the number of rows changed.
  template <class... Values>
  std::int64_t run(const Values&... values) {
    bind(values...);
    while (step()) {}
    const std::int64_t changed = sqlite3_changes64(database());
    reset();
    return changed;
  }

  void reset() noexcept {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
  }

  [[nodiscard]] bool is_null(int column) const noexcept {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t number(int column) const noexcept {
    return sqlite3_column_int64(handle_, column);
  }
  [[nodiscard]] wall_time time(int column) const noexcept {
    return wall_time{std::chrono::microseconds{number(column)}};
  }
  /// The bytes of a TEXT or BLOB column.
  [[nodiscard]] std::string text(int column) const { return std::string{view(column)}; }
  /// The same without a copy, valid until the next step.
  [[nodiscard]] std::string_view view(int column) const noexcept {
    const void* bytes = sqlite3_column_blob(handle_, column);
    return {
        static_cast<const char*>(bytes),
        bytes == nullptr ? 0U : static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }
  [[nodiscard]] std::optional<std::string> optional_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
  }

 private:
  /// Prepares the first statement of `sql` and leaves what follows it; nothing if there is none,
  /// only space or a comment.
  [[nodiscard]] static sqlite3_stmt* prepare_first(sqlite3* handle, std::string_view& sql,
                                                   unsigned flags) {
    sqlite3_stmt* found = nullptr;
    const char* tail = nullptr;
    if (sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()), flags, &found,
                           &tail) != SQLITE_OK)
      throw sqlite_error{sqlite3_extended_errcode(handle), sqlite3_errmsg(handle)};
    sql.remove_prefix(static_cast<std::size_t>(tail - sql.data()));
    return found;
  }

  /// Whether anything but space and comments is in it. What does not parse counts: it may need what
  /// stands before it.
  [[nodiscard]] static bool holds_statement(sqlite3* handle, std::string_view sql) noexcept {
    while (!sql.empty()) {
      sqlite3_stmt* found = nullptr;
      const char* tail = nullptr;
      const int code =
          sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()), 0, &found, &tail);
      sqlite3_finalize(found);
      if (code != SQLITE_OK || found != nullptr) return true;
      if (tail == sql.data()) return false;
      sql.remove_prefix(static_cast<std::size_t>(tail - sql.data()));
    }
    return false;
  }

  [[nodiscard]] sqlite3* database() const noexcept { return sqlite3_db_handle(handle_); }

  void require(int code) const {
    if (code != SQLITE_OK) throw sqlite_error{code, sqlite3_errmsg(database())};
  }

  template <class Value>
  int bind_one(int i, const Value& value) {
    if constexpr (std::is_same_v<Value, std::nullptr_t>) {
      return sqlite3_bind_null(handle_, i);
    } else if constexpr (std::is_same_v<Value, blob>) {
      // An empty view may have no address, and SQLite would read that as NULL.
      if (value.null) return sqlite3_bind_null(handle_, i);
      const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
      return sqlite3_bind_blob64(handle_, i, bytes, value.bytes.size(), SQLITE_STATIC);
    } else if constexpr (std::is_same_v<Value, wall_time>) {
      return sqlite3_bind_int64(handle_, i, value.time_since_epoch().count());
    } else if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
      return sqlite3_bind_int64(handle_, i, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      return sqlite3_bind_double(handle_, i, value);
    } else if constexpr (requires { value.has_value(); }) {
      return value.has_value() ? bind_one(i, *value) : sqlite3_bind_null(handle_, i);
    } else {
      const std::string_view text{value};
      return sqlite3_bind_text64(handle_, i, text.empty() ? "" : text.data(), text.size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    }
  }

  sqlite3_stmt* handle_ = nullptr;
};

/// The rows of a query, one at a time: `while (r.next()) r->text(0)`. Lets go of the statement when
/// it is destroyed.
class [[nodiscard]] rows {
 public:
  explicit rows(statement& query) noexcept : query_{&query} {}
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;
  ~rows() { query_->reset(); }

  bool next() { return query_->step(); }
  const statement& operator*() const noexcept { return *query_; }
  const statement* operator->() const noexcept { return query_; }

 private:
  statement* query_;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
