// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <gabion/core/detail/order.hpp>
#include <gabion/core/wake_ref.hpp>

namespace gabion {
inline namespace v0 {

/// Whom to wake once a transaction has committed. Not thread safe; belongs to one transaction.
class wake_list {
 public:
  /// Adds `who` unless it is there already.
  void add(wake_ref who) {
    if (detail::find_value(waiting_.begin(), waiting_.end(), who) == waiting_.end())
      waiting_.push_back(who);
  }
  void wake_all() noexcept {
    for (const wake_ref& who : waiting_) who.wake();
    waiting_.clear();
  }
  void clear() noexcept { waiting_.clear(); }

 private:
  std::vector<wake_ref> waiting_{};
};

/// A transaction that can wake others after its commit.
template <class Transaction>
concept wakes_on_commit = requires(Transaction& tx, wake_ref who) { tx.wake_on_commit(who); };

}  // namespace v0
}  // namespace gabion
