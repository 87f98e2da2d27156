// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {
/// Stands for any body of a transaction when a concept is checked.
template <class Transaction>
struct any_transaction_body {
  int operator()(Transaction&) const { return 0; }
};
}  // namespace detail

/// Something that runs a function inside one transaction: `d.transact([](D::transaction& tx) { ...
/// })`.
///
/// It begins before the call, commits when the function returns, rolls back when it throws, and
/// gives back what the function returned. Once it has returned, the work is durable. The function
/// may run again after a conflict, so it must have no effect but through the transaction.
template <class D>
concept transactor = requires(D& d, detail::any_transaction_body<typename D::transaction> body) {
  { d.transact(body) } -> std::same_as<int>;
};

}  // namespace v0
}  // namespace gabion
