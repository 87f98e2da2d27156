// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/env.hpp>
#include <gabion/log/detail/foreign_transaction.hpp>
#include <gabion/log/wake.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// A table that takes part in transactions: it changes in place and remembers how to undo that.
class participant {
 public:
  virtual void commit() noexcept = 0;
  virtual void rollback() noexcept = 0;

 protected:
  ~participant() = default;
};

/// A database in memory: serial transactions over any number of tables, all or nothing.
///
/// One transaction runs at a time, and reads wait for it. Safe to use from several threads; a
/// thread that has a transaction open reads through it, never beside it. Nothing survives the
/// process.
template <env Env = native_env>
class basic_database {
 public:
  /// An open transaction. Rolls back when it is destroyed without a commit.
  class transaction {
   public:
    explicit transaction(basic_database& owner) : owner_{&owner}, guard_{owner.mutex_} {}
    transaction(transaction&&) noexcept = default;
    transaction& operator=(transaction&&) = delete;
    ~transaction() {
      if (guard_.owns_lock()) rollback();
    }

    /// Enrols a table with this transaction. A table calls it before its first change.
    void join(participant& table) {
      for (const participant* known : joined_)
        if (known == &table) return;
      joined_.push_back(&table);
    }

    /// Wakes `who` once the work is committed; forgotten on rollback.
    void wake_on_commit(wake_ref who) { wakes_.add(who); }

    void commit() {
      Env::failpoint("memory.commit");
      for (participant* table : joined_) table->commit();
      finish();
      wakes_.wake_all();
    }

    void rollback() noexcept {
      for (auto table = joined_.rbegin(); table != joined_.rend(); ++table) (*table)->rollback();
      finish();
      wakes_.clear();
    }

   private:
    friend class basic_database;

    void finish() noexcept {
      joined_.clear();
      guard_.unlock();
    }

    const basic_database* owner_;
    std::unique_lock<typename Env::mutex> guard_;
    std::vector<participant*> joined_{};
    wake_list wakes_{};
  };

  basic_database() = default;
  /// Names the database in error messages. Default: its address.
  explicit basic_database(std::string name) : name_{std::move(name)} {}

  /// Begins a transaction that the caller ends with commit() or by dropping it.
  [[nodiscard]] transaction begin() { return transaction{*this}; }

  /// Runs `body(tx)` in one transaction: commits when it returns, rolls back when it throws.
  template <class Body>
  auto transact(Body&& body) {
    transaction tx{*this};
    if constexpr (std::is_void_v<std::invoke_result_t<Body, transaction&>>) {
      std::forward<Body>(body)(tx);
      tx.commit();
    } else {
      auto result = std::forward<Body>(body)(tx);
      tx.commit();
      return result;
    }
  }

  /// Excludes transactions while a table is read from outside one.
  [[nodiscard]] std::unique_lock<typename Env::mutex> lock() { return std::unique_lock{mutex_}; }

  /// Throws error(invalid_argument) that names both databases if `tx` is a transaction of another
  /// one. For stores; the message begins with `operation`, such as "outbox_store.enqueue".
  void require_own(const transaction& tx, const char* operation) const {
    if (tx.owner_ != this)
      gabion::detail::foreign_transaction(operation, display_name(), tx.owner_->display_name());
  }

 private:
  [[nodiscard]] std::string display_name() const {
    if (!name_.empty()) return "the memory database '" + name_ + "'";
    std::string digits;
    for (auto rest = reinterpret_cast<std::uintptr_t>(this); rest != 0; rest /= 16)
      digits.insert(digits.begin(), "0123456789abcdef"[rest % 16]);
    return "the memory database at 0x" + digits;
  }

  std::string name_{};
  typename Env::mutex mutex_{};
};

using database = basic_database<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
