// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <gabion/adapters/sqlite/connection.hpp>
#include <gabion/adapters/sqlite/transaction.hpp>

namespace gabion::inline v0::sqlite {

namespace detail {

/// BEGIN ... COMMIT around a scope; rolls back unless committed.
class transaction_scope {
 public:
  transaction_scope(connection& on, const char* begin) : on_{on} { on_.execute(begin); }
  transaction_scope(const transaction_scope&) = delete;
  ~transaction_scope() {
    if (on_.in_transaction()) sqlite3_exec(on_.native(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  /// Throws error(busy | full) if nothing was written, error(in_doubt) if that is unknown.
  void commit() {
    if (sqlite3_exec(on_.native(), "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK) return;
    const int native = sqlite3_extended_errcode(on_.native());
    const std::string what = sqlite3_errmsg(on_.native());
    if ((native & 0xff) == SQLITE_IOERR) throw sqlite_error{errc::in_doubt, native, "commit: " + what};
    throw sqlite_error{native, "commit: " + what};
  }

 private:
  connection& on_;
};

}  // namespace detail

/// A SQLite database file in WAL mode: one writing and one reading connection.
///
/// Safe to use from several threads: writers take turns, readers take turns, a reader never waits for a writer and sees
/// the last commit. For many small writes from many threads put a group_commit in front.
class database {
 public:
  using transaction = sqlite::transaction;

  explicit database(std::string path, const connection_options& options = {})
      : path_{std::move(path)}, options_{options}, writer_{path_, options} {}

  /// Runs `body(transaction&)` between BEGIN IMMEDIATE and COMMIT; rolls back when it throws. Durable once it returns.
  /// Throws error(busy) if another process kept the lock for the busy timeout, error(full) on a full disk.
  template <class Body>
  auto transact(Body&& body) {
    const std::lock_guard guard{writing_};
    detail::transaction_scope scope{writer_, "BEGIN IMMEDIATE"};
    transaction tx{writer_};
    if constexpr (std::is_void_v<std::invoke_result_t<Body, transaction&>>) {
      std::forward<Body>(body)(tx);
      scope.commit();
      tx.committed();
    } else {
      auto result = std::forward<Body>(body)(tx);
      scope.commit();
      tx.committed();
      return result;
    }
  }

  /// Runs `body(connection&)` on the reading connection in one snapshot. It sees only what is committed.
  template <class Body>
  auto read(Body&& body) {
    const std::lock_guard guard{reading_};
    if (!reader_) reader_.emplace(path_, read_options());
    detail::transaction_scope scope{*reader_, "BEGIN"};
    return std::forward<Body>(body)(*reader_);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[nodiscard]] connection_options read_options() const {
    connection_options o = options_;
    o.read_only = true;
    return o;
  }

  std::string path_;
  connection_options options_;
  std::mutex writing_{};
  connection writer_;
  std::mutex reading_{};
  std::optional<connection> reader_{};
};

}  // namespace gabion::inline v0::sqlite
