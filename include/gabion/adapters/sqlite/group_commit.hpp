// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/database.hpp>
#include <gabion/adapters/sqlite/detail/group_call.hpp>
#include <gabion/core/detail/checks.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// How a group_commit gathers its batches.
struct group_commit_options {
  /// Bodies that share one commit at most; 1 to 65,536; default 256
  std::uint32_t max_batch = 256;
  /// Callers that wait at most; one more gets error(busy); 1 to 1,048,576; default 4096
  std::uint32_t max_waiting = 4096;
};

/// Shares one durable commit between the threads that write at the same time.
///
/// The first caller leads: it runs the bodies that wait, each in a savepoint, then one COMMIT, then
/// wakes their callers; the next in line leads the next batch. There is no thread of its own. A
/// body that throws is rolled back alone and its exception goes to its own caller. If the COMMIT
/// fails, or SQLite gives the whole transaction up (a full disk), all callers of that batch get
/// that error and nothing of the batch is written. Wake-ups come after the commit.
///
/// Safe to use from several threads; that is its purpose. **A body may run on the thread of another
/// caller** that waits in the same group_commit: it must not depend on thread-local state. A body
/// must not end the transaction or call transact() again (error(invalid_argument)). It keeps a
/// reference to the database. Method: group commit with a leader among the waiting (DeWitt et al.,
/// "Implementation techniques for main memory database systems", 1984). Cost: one commit for each
/// batch, one savepoint for each body of a batch of two or more.
template <env Env = native_env>
class basic_group_commit {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(invalid_argument) for an option out of range.
  explicit basic_group_commit(basic_database<Env>& in, const group_commit_options& options = {})
      : database_{in}, options_{basic_group_commit::validated(options)} {
    batch_.reserve(options_.max_batch);
  }
  basic_group_commit(const basic_group_commit&) = delete;
  basic_group_commit& operator=(const basic_group_commit&) = delete;

  /// Runs `body(transaction&)` in a transaction of its own as far as it can tell. Durable once it
  /// returns. Throws what the body throws, what database::transact throws, and error(busy) if
  /// max_waiting callers wait already.
  template <class Body>
  auto transact(Body&& body) {
    if constexpr (std::is_void_v<std::invoke_result_t<Body&, transaction&>>) {
      auto run = [&](transaction& tx) { body(tx); };
      submit(run);
    } else {
      std::optional<std::decay_t<std::invoke_result_t<Body&, transaction&>>> result;
      auto keep = [&](transaction& tx) { result.emplace(body(tx)); };
      submit(keep);
      return std::move(*result);
    }
  }

  /// How many callers wait for their turn just now, without those whose batch is being committed.
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock{mutex_};
    return queue_.size();
  }

 private:
  using call = detail::group_call;

  template <class Work>
  void submit(Work& work) {
    database_.require_outside();
    call mine{work};
    {
      std::unique_lock lock{mutex_};
      if (queue_.size() >= options_.max_waiting)
        throw error{errc::busy, "sqlite::group_commit: " + std::to_string(options_.max_waiting) +
                                    " callers wait already (group_commit_options.max_waiting)"};
      queue_.push(mine);
      if (!led_) {
        led_ = true;
        mine.now = call::state::leading;
      }
      mine.changed.wait(lock, [&] { return mine.now != call::state::queued; });
    }
    if (mine.now == call::state::leading) lead();
    mine.finish();
  }

  /// Commits one batch, which begins with the leader's own body, and passes the lead on.
  void lead() noexcept {
    {
      const std::lock_guard lock{mutex_};
      while (batch_.size() < options_.max_batch && !queue_.empty()) batch_.push_back(&queue_.pop());
    }
    commit_batch();
    for (call* each : batch_) each->wake_others();
    const std::lock_guard lock{mutex_};
    // The callers' frames live until they see `done`, which they can not before the lock is free.
    for (call* each : batch_) {
      each->now = call::state::done;
      each->changed.notify_one();
    }
    batch_.clear();
    led_ = !queue_.empty();
    if (!led_) return;
    queue_.front().now = call::state::leading;
    queue_.front().changed.notify_one();
  }

  void commit_batch() noexcept {
    try {
      database_.transact([this](transaction& tx) {
        if (batch_.size() == 1) return batch_.front()->run_alone(tx.on());
        for (call* each : batch_) each->run_in_savepoint(tx.on());
      });
    } catch (const sqlite_error& e) {
      // Each caller gets an exception object of its own: they are looked at and destroyed on
      // different threads.
      for (call* each : batch_) each->fail(e);
    } catch (...) {
      for (call* each : batch_) each->fail(std::current_exception());
    }
  }

  [[nodiscard]] static group_commit_options validated(const group_commit_options& o) {
    gabion::detail::check_range("group_commit_options.max_batch", o.max_batch, 1, 65'536);
    gabion::detail::check_range("group_commit_options.max_waiting", o.max_waiting, 1, 1'048'576);
    return o;
  }

  basic_database<Env>& database_;
  group_commit_options options_;
  mutable std::mutex mutex_{};
  detail::group_queue queue_{};
  bool led_ = false;
  std::vector<call*> batch_{};  // the leader's alone
};

using group_commit = basic_group_commit<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
