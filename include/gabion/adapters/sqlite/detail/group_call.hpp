// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <gabion/adapters/sqlite/transaction.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite::detail {

/// One caller of a group_commit: its body, and what became of it. Lives in the caller's frame while
/// it waits.
class group_call {
 public:
  enum class state { queued, leading, done };

  template <class Work>
  explicit group_call(Work& work) noexcept
      : work_{&work}, run_{[](void* w, transaction& tx) { (*static_cast<Work*>(w))(tx); }} {}
  group_call(const group_call&) = delete;
  group_call& operator=(const group_call&) = delete;

  /// Runs the body as the only one of its transaction, which its exception then rolls back.
  void run_alone(connection& on) {
    inner_.emplace(on);
    try {
      run_(work_, *inner_);
    } catch (...) {
      thrown_ = std::current_exception();
      throw;
    }
  }

  /// Runs the body so that its exception undoes it alone. Throws only if that is not possible any
  /// more.
  void run_in_savepoint(connection& on) {
    inner_.emplace(on);
    on.run("SAVEPOINT gabion_group");
    try {
      run_(work_, *inner_);
    } catch (...) {
      thrown_ = std::current_exception();
    }
    if (!on.in_transaction()) lost_transaction(on);
    if (thrown_) on.run("ROLLBACK TO gabion_group");
    on.run("RELEASE gabion_group");
  }

  /// The batch was not committed. A body that had failed by itself keeps its own exception.
  void fail(const sqlite_error& why) noexcept {
    if (thrown_) return;
    try {
      throw sqlite_error{static_cast<errc>(why.code().value()), why.native(), why.text()};
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  void fail(const std::exception_ptr& why) noexcept {
    if (!thrown_) thrown_ = why;
  }

  void wake_others() noexcept {
    if (!thrown_ && inner_) inner_->committed();
  }

  /// In the caller's thread, at the end.
  void finish() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  state now = state::queued;
  std::condition_variable changed{};
  group_call* next = nullptr;

 private:
  /// SQLite rolls everything back by itself on some errors, a full disk for one; a body may also
  /// have ended it.
  [[noreturn]] static void lost_transaction(const connection& on) {
    const int native = sqlite3_extended_errcode(on.native());
    const bool known = native != SQLITE_OK && native != SQLITE_ROW && native != SQLITE_DONE;
    if (known)
      throw sqlite_error{native, std::string{"the shared transaction was rolled back: "} +
                                     sqlite3_errmsg(on.native())};
    throw sqlite_error{errc::unavailable, SQLITE_ABORT,
                       "the shared transaction was ended inside a body of the batch"};
  }

  void* work_;
  void (*run_)(void*, transaction&);
  std::optional<transaction> inner_{};
  std::exception_ptr thrown_{};
};

/// Calls in the order in which they came; allocates nothing.
class group_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] group_call& front() noexcept { return *first_; }

  void push(group_call& call) noexcept {
    (last_ == nullptr ? first_ : last_->next) = &call;
    last_ = &call;
    ++size_;
  }

  group_call& pop() noexcept {
    group_call& head = *first_;
    first_ = head.next;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return head;
  }

 private:
  group_call* first_ = nullptr;
  group_call* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sqlite::detail
}  // namespace v0
}  // namespace gabion
