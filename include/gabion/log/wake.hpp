// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>
#include <vector>

namespace gabion::inline v0 {

/// Something that can be woken.
template <class W>
concept wakeable = requires(W& w) {
  w.wake();
};

/// A non-owning reference to something that can be woken. Waking is a hint: whoever is woken looks for work itself.
/// Waking must be safe from any thread and must not block.
class wake_ref {
 public:
  template <wakeable Wakeable>
    requires(!std::same_as<std::remove_const_t<Wakeable>, wake_ref>)
  explicit wake_ref(Wakeable& target) noexcept
      : target_{&target}, wake_{[](void* t) noexcept { static_cast<Wakeable*>(t)->wake(); }} {}

  void wake() const noexcept { wake_(target_); }
  friend bool operator==(const wake_ref&, const wake_ref&) = default;

 private:
  void* target_;
  void (*wake_)(void*) noexcept;
};

/// Whom to wake once a transaction has committed. Not thread safe; belongs to one transaction.
class wake_list {
 public:
  /// Adds `who` unless it is there already.
  void add(wake_ref who) {
    if (std::find(waiting_.begin(), waiting_.end(), who) == waiting_.end()) waiting_.push_back(who);
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
concept wakes_on_commit = requires(Transaction& tx, wake_ref who) {
  tx.wake_on_commit(who);
};

}  // namespace gabion::inline v0
