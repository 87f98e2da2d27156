// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <gabion/adapters/sqlite/connection.hpp>
#include <gabion/log/position.hpp>

namespace gabion::inline v0::sqlite::detail {

/// Runs `work()` so that its writes stay all or not at all, even if the caller catches its exception and commits.
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

/// Throws error(invalid_argument) unless a transaction is open: without one each statement would commit by itself.
inline void require_transaction(const connection& on, const char* operation) {
  if (on.in_transaction()) return;
  throw error{errc::invalid_argument,
              std::string{operation} + ": no transaction is open on this connection; BEGIN IMMEDIATE first"};
}

/// Numbers as SQLite has them: signed, and for it a negative limit would mean none.
[[nodiscard]] inline std::int64_t to_signed(std::uint64_t n) noexcept {
  constexpr auto last = (std::numeric_limits<std::int64_t>::max)();
  return n > static_cast<std::uint64_t>(last) ? last : static_cast<std::int64_t>(n);
}
[[nodiscard]] inline std::int64_t to_signed(position p) noexcept { return detail::to_signed(to_number(p)); }

}  // namespace gabion::inline v0::sqlite::detail
