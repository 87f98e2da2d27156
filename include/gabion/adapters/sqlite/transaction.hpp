// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/sqlite/connection.hpp>
#include <gabion/log/wake.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// A view of a transaction that is open on a connection. Whoever began it ends it; this only
/// carries it to the stores.
///
/// A caller with a connection of its own writes `connection c{raw}; transaction tx{c};` between its
/// BEGIN IMMEDIATE and its COMMIT, and calls `tx.committed()` after the commit. Not thread safe.
class transaction {
 public:
  explicit transaction(connection& open_on) noexcept : connection_{&open_on} {}
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  [[nodiscard]] connection& on() const noexcept { return *connection_; }

  /// Wakes `who` once the work is committed.
  void wake_on_commit(wake_ref who) { wakes_.add(who); }

  /// Tells that the commit has succeeded.
  void committed() noexcept { wakes_.wake_all(); }

 private:
  connection* connection_;
  wake_list wakes_{};
};

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
