// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/log/wake.hpp>

namespace gabion {
inline namespace v0 {

/// All who want to be woken by one thing. It can itself be woken, so groups can be chained (without
/// a circle).
///
/// Safe to use from several threads. Wakes under its lock, so that nobody is woken who has left;
/// waking never blocks.
template <env Env = native_env>
class basic_wake_group {
 public:
  /// Membership: ends when it is destroyed, and then the member is not woken any more. It must not
  /// outlive the group.
  class membership {
   public:
    membership(basic_wake_group& group, wake_ref who) : group_{&group}, who_{who} {
      group_->add(who_);
    }
    membership(membership&& other) noexcept
        : group_{std::exchange(other.group_, nullptr)}, who_{other.who_} {}
    membership& operator=(membership&& other) noexcept {
      leave();
      group_ = std::exchange(other.group_, nullptr);
      who_ = other.who_;
      return *this;
    }
    ~membership() { leave(); }

   private:
    void leave() noexcept {
      if (group_ != nullptr) std::exchange(group_, nullptr)->remove(who_);
    }

    basic_wake_group* group_;
    wake_ref who_;
  };

  basic_wake_group() = default;
  basic_wake_group(const basic_wake_group&) = delete;
  basic_wake_group& operator=(const basic_wake_group&) = delete;

  [[nodiscard("the member leaves when this is destroyed")]] membership join(wake_ref who) {
    return membership{*this, who};
  }

  void wake() noexcept {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    for (const wake_ref& who : members_) who.wake();
  }

 private:
  void add(wake_ref who) {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    members_.push_back(who);
  }
  void remove(wake_ref who) noexcept {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    if (const auto found = detail::find_value(members_.begin(), members_.end(), who);
        found != members_.end())
      members_.erase(found);
  }

  typename Env::mutex mutex_{};
  std::vector<wake_ref> members_{};
};

using wake_group = basic_wake_group<>;

}  // namespace v0
}  // namespace gabion
