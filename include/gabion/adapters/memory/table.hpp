// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// A transactional map in a memory database: for read models, and for whatever else has to change
/// all or nothing.
///
/// Safe to use from several threads; a thread that has a transaction open reads through it. Each
/// change costs one undo entry, with a copy of the row that was there. Functions that take a
/// transaction throw error(invalid_argument) for one of another database.
template <class Key, class Value, env Env = native_env>
class basic_table final : private participant {
 public:
  using database_type = basic_database<Env>;
  using transaction = typename database_type::transaction;
  using map_type = std::map<Key, Value, std::less<>>;

  /// The database must outlive the table.
  explicit basic_table(database_type& in) noexcept : database_{&in} {}
  basic_table(const basic_table&) = delete;
  basic_table& operator=(const basic_table&) = delete;

  void put(transaction& tx, const Key& key, Value value) {
    change(tx, key, [&](Value& row) { row = std::move(value); });
  }

  /// Calls `f(Value&)` on the row of that key, which is made by default if it is not there.
  template <class Change>
  void change(transaction& tx, const Key& key, Change&& f) {
    database_->require_own(tx, "table.change");
    tx.join(*this);
    const auto [at, added] = rows_.try_emplace(key);
    remember(at, added);
    std::forward<Change>(f)(at->second);
  }

  /// False if there was no such row.
  bool erase(transaction& tx, const Key& key) {
    database_->require_own(tx, "table.erase");
    const auto at = rows_.find(key);
    if (at == rows_.end()) return false;
    tx.join(*this);
    undo_.push_back({key, std::move(at->second)});
    rows_.erase(at);
    return true;
  }

  void clear(transaction& tx) {
    database_->require_own(tx, "table.clear");
    tx.join(*this);
    undo_.reserve(undo_.size() + rows_.size());
    for (auto& [key, value] : rows_) undo_.push_back({key, std::move(value)});
    rows_.clear();
  }

  /// The rows as the transaction sees them.
  [[nodiscard]] const map_type& rows(transaction& tx) const {
    database_->require_own(tx, "table.rows");
    return rows_;
  }

  /// Calls `f(const map_type&)` on the rows as they are committed, and gives back what it returns.
  template <class Reader>
  auto read(Reader&& f) const {
    const auto guard = database_->lock();
    return std::forward<Reader>(f)(rows_);
  }

  /// A copy of the row, or nothing.
  [[nodiscard]] std::optional<Value> find(const Key& key) const {
    return read([&](const map_type& rows) {
      const auto at = rows.find(key);
      return at == rows.end() ? std::nullopt : std::optional<Value>{at->second};
    });
  }

 private:
  struct former {
    Key key;
    std::optional<Value> value;
  };

  /// Keeps what is needed to undo a change of that row. A row that cannot be remembered is not left
  /// behind either.
  void remember(typename map_type::iterator at, bool added) {
    struct guard {
      map_type* rows;
      typename map_type::iterator at;
      ~guard() {
        if (rows != nullptr) rows->erase(at);
      }
    } unless_kept{added ? &rows_ : nullptr, at};
    undo_.push_back({at->first, added ? std::nullopt : std::optional<Value>{at->second}});
    unless_kept.rows = nullptr;
  }

  void commit() noexcept override { undo_.clear(); }
  void rollback() noexcept override {
    for (auto last = undo_.rbegin(); last != undo_.rend(); ++last) {
      if (last->value)
        rows_.insert_or_assign(last->key, *std::move(last->value));
      else
        rows_.erase(last->key);
    }
    undo_.clear();
  }

  database_type* database_;
  map_type rows_{};
  std::vector<former> undo_{};
};

template <class Key, class Value>
using table = basic_table<Key, Value>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
