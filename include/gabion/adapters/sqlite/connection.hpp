// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

#include <gabion/adapters/sqlite/error.hpp>
#include <gabion/adapters/sqlite/statement.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// How hard a commit is. `full` survives power loss; `normal` may lose the last commits then, but
/// nothing when only the process dies; `off` is for throw-away data.
enum class durability { full, normal, off };

/// How to open a database file.
struct connection_options {
  durability synchronous = durability::full;  ///< PRAGMA synchronous; default full
  /// How long to wait for another process's lock; 0 = not at all; default 5 s
  std::chrono::milliseconds busy_timeout{5000};
  bool read_only = false;  ///< refuse every write; default false
};

/// One connection with its prepared statements. Not thread safe: see database.
class connection {
 public:
  /// Opens or creates the file in WAL mode. Throws error(unavailable) that names the path,
  /// error(invalid_argument) for a busy timeout that SQLite cannot keep.
  explicit connection(const std::string& path, const connection_options& options = {})
      : owned_{true} {
    connection::require_valid(options);
    const int flags =
        options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr) !=
        SQLITE_OK) {
      const sqlite_error failure{errc::unavailable, sqlite3_extended_errcode(handle_),
                                 "cannot open '" + path + "': " + sqlite3_errmsg(handle_)};
      sqlite3_close_v2(handle_);
      throw failure;
    }
    configure(path, options);
  }

  /// Works on a connection that the caller opened and closes. It must outlive this object.
  explicit connection(sqlite3* borrowed) noexcept : handle_{borrowed} {}

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    statements_.clear();
    if (owned_) sqlite3_close_v2(handle_);
  }

  /// Runs statements that give no rows, such as DDL.
  void execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw sqlite_error{sqlite3_extended_errcode(handle_), sqlite3_errmsg(handle_)};
  }

  /// The statement for this text, prepared once and kept. Bind it before use; it must not be in use
  /// already.
  [[nodiscard]] statement& prepare(std::string_view sql) {
    if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
    return statements_.emplace(std::string{sql}, statement{handle_, sql}).first->second;
  }

  /// Runs a statement that gives no rows, with its parameters, and answers how many rows it
  /// changed.
  template <class... Values>
  std::int64_t run(std::string_view sql, const Values&... values) {
    return prepare(sql).run(values...);
  }

  /// Starts a query with its parameters. The bound texts must outlive the rows.
  template <class... Values>
  [[nodiscard]] rows query(std::string_view sql, const Values&... values) {
    return rows{prepare(sql).bind(values...)};
  }

  [[nodiscard]] bool in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle_) == 0;
  }
  [[nodiscard]] std::int64_t last_insert_id() const noexcept {
    return sqlite3_last_insert_rowid(handle_);
  }
  /// The absolute path of the database file; empty for one in memory.
  [[nodiscard]] std::string file() const {
    const char* const path = sqlite3_db_filename(handle_, "main");
    return path == nullptr ? std::string{} : std::string{path};
  }
  [[nodiscard]] sqlite3* native() const noexcept { return handle_; }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  static void require_valid(const connection_options& options) {
    constexpr std::chrono::milliseconds most{(std::numeric_limits<int>::max)()};
    if (options.busy_timeout < std::chrono::milliseconds::zero() || options.busy_timeout > most)
      throw error{errc::invalid_argument, "connection_options.busy_timeout is " +
                                              std::to_string(options.busy_timeout.count()) +
                                              " ms; allowed: 0 to " + std::to_string(most.count()) +
                                              " ms"};
  }

  void configure(const std::string& path, const connection_options& options) {
    try {
      sqlite3_extended_result_codes(handle_, 1);
      sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
      if (!options.read_only) require_wal(options.busy_timeout);
      execute(options.synchronous == durability::full     ? "PRAGMA synchronous=FULL"
              : options.synchronous == durability::normal ? "PRAGMA synchronous=NORMAL"
                                                          : "PRAGMA synchronous=OFF");
    } catch (const sqlite_error& e) {
      sqlite3_close_v2(std::exchange(handle_, nullptr));
      throw sqlite_error{static_cast<errc>(e.code().value()), e.native(),
                         "cannot use '" + path + "': " + e.text()};
    }
  }

  /// Of several connections that switch a new file to WAL at once all but one get SQLITE_BUSY, and
  /// SQLite does not wait here as it does elsewhere.
  void require_wal(std::chrono::milliseconds timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const int code = sqlite3_exec(handle_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
      if (code == SQLITE_OK) break;
      if ((code & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() >= until)
        throw sqlite_error{sqlite3_extended_errcode(handle_), sqlite3_errmsg(handle_)};
      sqlite3_sleep(1);
    }
    statement mode{handle_, "PRAGMA journal_mode"};
    if (!mode.step() || mode.view(0) != "wal")
      throw sqlite_error{errc::unavailable, SQLITE_CANTOPEN,
                         "this file or file system does not support WAL mode"};
  }

  sqlite3* handle_ = nullptr;
  bool owned_ = false;
  std::unordered_map<std::string, statement, text_hash, std::equal_to<>> statements_{};
};

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
