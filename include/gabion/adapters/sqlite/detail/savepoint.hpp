// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <gabion/adapters/sqlite/connection.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite::detail {

/// Runs `work()` so that its writes stay all or not at all, even if the caller catches its
/// exception and commits.
template <class Work>
void all_or_nothing(connection& on, Work&& work) {
  on.run("SAVEPOINT gabion_batch");
  try {
    std::forward<Work>(work)();
  } catch (...) {
    // SQLite may have rolled back the whole transaction already, for example on a full disk.
    if (on.in_transaction()) {
      on.run("ROLLBACK TO gabion_batch");
      on.run("RELEASE gabion_batch");
    }
    throw;
  }
  on.run("RELEASE gabion_batch");
}

/// Throws error(invalid_argument) unless a transaction is open: without one each statement would
/// commit by itself.
inline void require_transaction(const connection& on, const char* operation) {
  if (on.in_transaction()) return;
  throw error{errc::invalid_argument,
              std::string{operation} +
                  ": no transaction is open on this connection; BEGIN IMMEDIATE first"};
}

}  // namespace sqlite::detail
}  // namespace v0
}  // namespace gabion
