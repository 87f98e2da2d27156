// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <gabion/core/detail/exceptions.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Throws error(invalid_argument) that names the store's database and the one of the transaction.
[[noreturn]] inline void foreign_transaction(const char* operation, const std::string& own,
                                             const std::string& other) {
  detail::fail(errc::invalid_argument, std::string{operation} + ": the transaction is one of " +
                                           other + ", the store is in " + own +
                                           "; use a transaction of the store's own database");
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
