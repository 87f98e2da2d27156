// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>

namespace gabion {
inline namespace v0 {
namespace memory::detail {

/// Remembers how to undo the changes of one open transaction, and what may only be done once it is
/// committed. Used by one transaction at a time, under the lock of the database.
class journal final : public participant {
 public:
  journal() = default;
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  template <class Action>
  void on_rollback(Action undo) {
    undo_.push_back(std::move(undo));
  }
  template <class Action>
  void on_commit(Action action) {
    commit_.push_back(std::move(action));
  }

  void commit() noexcept override {
    for (const auto& action : commit_) action();
    finish();
  }
  void rollback() noexcept override {
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
    finish();
  }

 private:
  void finish() noexcept {
    undo_.clear();
    commit_.clear();
  }

  std::vector<std::function<void()>> undo_{};
  std::vector<std::function<void()>> commit_{};
};

}  // namespace memory::detail
}  // namespace v0
}  // namespace gabion
