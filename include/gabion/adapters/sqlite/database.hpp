// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <gabion/adapters/sqlite/connection.hpp>
#include <gabion/adapters/sqlite/detail/turn.hpp>
#include <gabion/adapters/sqlite/transaction.hpp>
#include <gabion/core/env.hpp>
#include <gabion/log/detail/foreign_transaction.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

namespace detail {

/// BEGIN ... COMMIT around a scope; rolls back unless committed.
class transaction_scope {
 public:
  transaction_scope(connection& on, const char* begin) : on_{on} { on_.execute(begin); }
  transaction_scope(const transaction_scope&) = delete;
  transaction_scope& operator=(const transaction_scope&) = delete;
  ~transaction_scope() {
    if (on_.in_transaction()) sqlite3_exec(on_.native(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  /// Throws error(busy | full) if nothing was written, error(in_doubt) if that is unknown.
  void commit() {
    if (sqlite3_exec(on_.native(), "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK) return;
    const int native = sqlite3_extended_errcode(on_.native());
    const std::string what = sqlite3_errmsg(on_.native());
    if ((native & 0xff) == SQLITE_IOERR)
      throw sqlite_error{errc::in_doubt, native, "commit: " + what};
    throw sqlite_error{native, "commit: " + what};
  }

 private:
  connection& on_;
};

}  // namespace detail

/// A SQLite database file in WAL mode: one writing and one reading connection.
///
/// Safe to use from several threads: writers take turns, readers take turns, a reader never waits
/// for a writer and sees the last commit. For many small writes from many threads put a
/// group_commit in front. Failpoints: "sqlite.before_commit" and "sqlite.after_commit".
template <env Env = native_env>
class basic_database {
 public:
  using transaction = sqlite::transaction;

  /// Opens or creates the file. Throws error(unavailable) that names the path,
  /// error(invalid_argument) for a database in memory, which a second connection could not see:
  /// take memory::database for that.
  explicit basic_database(std::string path, const connection_options& options = {})
      : path_{basic_database::require_file(std::move(path))},
        options_{options},
        writer_{path_, options} {}

  /// Runs `body(transaction&)` between BEGIN IMMEDIATE and COMMIT; rolls back when it throws.
  /// Durable once it returns; those who asked to be woken on commit are woken after the lock is
  /// released. Throws error(busy) if another process kept the lock for the busy timeout,
  /// error(full) on a full disk, error(in_doubt) if the commit itself failed half-way,
  /// error(invalid_argument) inside another transact() or a read() of this thread.
  template <class Body>
  auto transact(Body&& body) {
    transaction tx{writer_};
    if constexpr (std::is_void_v<std::invoke_result_t<Body, transaction&>>) {
      commit_after([&] { std::forward<Body>(body)(tx); });
      tx.committed();
    } else {
      std::optional<std::decay_t<std::invoke_result_t<Body, transaction&>>> result;
      commit_after([&] { result.emplace(std::forward<Body>(body)(tx)); });
      tx.committed();
      return std::move(*result);
    }
  }

  /// Runs `body(connection&)` on the reading connection in one snapshot. It sees only what is
  /// committed. Throws error(invalid_argument) inside another read() of this thread.
  template <class Body>
  auto read(Body&& body) {
    const std::lock_guard guard{reading_};
    if (!reader_) reader_.emplace(path_, read_options());
    const detail::transaction_scope scope{*reader_, "BEGIN"};
    return std::forward<Body>(body)(*reader_);
  }

  /// Throws error(invalid_argument) if this thread is inside transact(), where waiting for another
  /// one would be for ever, or inside read(), where it could be: a transaction may read, so one
  /// that waits for this reader would never end.
  void require_outside() const {
    writing_.require_outside("transact");
    reading_.require_outside("transact");
  }

  /// Throws error(invalid_argument) that names both files if `tx` is a transaction on another file.
  /// The caller may use its own connection to the same file. For stores; the message begins with
  /// `operation`, such as "outbox_store.enqueue".
  void require_own(const transaction& tx, const char* operation) const {
    if (&tx.on() == &writer_) return;
    if (const std::string other = tx.on().file(); other != file_)
      gabion::detail::foreign_transaction(
          operation, "'" + file_ + "'",
          other.empty() ? std::string{"a database in memory"} : "'" + other + "'");
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  template <class Work>
  void commit_after(Work&& work) {
    require_outside();
    const std::lock_guard guard{writing_};
    detail::transaction_scope scope{writer_, "BEGIN IMMEDIATE"};
    work();
    Env::failpoint("sqlite.before_commit");
    scope.commit();
    Env::failpoint("sqlite.after_commit");
  }

  [[nodiscard]] connection_options read_options() const {
    connection_options o = options_;
    o.read_only = true;
    return o;
  }

  [[nodiscard]] static std::string require_file(std::string path) {
    if (path.empty() || path.find(":memory:") != std::string::npos ||
        path.find("mode=memory") != std::string::npos)
      throw error{errc::invalid_argument, "sqlite::database needs the path of a file, got '" +
                                              path + "'; for data in memory use memory::database"};
    return path;
  }

  std::string path_;
  connection_options options_;
  detail::turn<typename Env::mutex> writing_{"transact"};
  connection writer_;
  std::string file_{writer_.file()};
  detail::turn<typename Env::mutex> reading_{"read"};
  std::optional<connection> reader_{};
};

using database = basic_database<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
