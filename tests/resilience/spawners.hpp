// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/spawner.hpp>
#include <gabion/resilience/waiter.hpp>
#include <gabion/testing/manual_clock.hpp>

// Spawners and waiters for tests of what runs on other threads.
namespace spawner_tests {

/// Keeps the work until the test runs it, drops it, or says that there is no room.
class held_spawner {
 public:
  template <class Work>
  bool spawn(Work work) {
    if (full) return false;
    if (broken)
      throw std::system_error{std::make_error_code(std::errc::resource_unavailable_try_again)};
    work_.emplace_back(std::move(work));
    return true;
  }
  void run(std::size_t i = 0) {
    std::function<void()> work = std::move(work_.at(i));
    work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(i));
    work();
  }
  void drop(std::size_t i = 0) { work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(i)); }
  [[nodiscard]] std::size_t held() const { return work_.size(); }

  bool full = false;
  bool broken = false;

 private:
  std::vector<std::function<void()>> work_{};
};

/// Does what the test has written down, one thing for each wait; with nothing left it moves the
/// time to the moment waited for.
class scripted_waiter {
 public:
  explicit scripted_waiter(gabion::testing::manual_time& time,
                           std::deque<std::function<void()>> script = {})
      : time_{&time}, script_{std::move(script)} {}

  bool wait_until(gabion::instant moment) {
    waits.push_back(gabion::elapsed(time_->now(), moment));
    if (script_.empty()) {
      time_->advance_to(moment);
    } else {
      const auto action = std::move(script_.front());
      script_.pop_front();
      action();
    }
    return !stopped;
  }
  void wake() { ++woken; }

  std::vector<gabion::duration> waits{};
  int woken = 0;
  bool stopped = false;

 private:
  gabion::testing::manual_time* time_;
  std::deque<std::function<void()>> script_;
};

/// A few threads and a bounded queue.
class pool {
 public:
  explicit pool(int threads, std::size_t most = 1024) : most_{most} {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~pool() {
    {
      const std::lock_guard lock{mutex_};
      closed_ = true;
    }
    changed_.notify_all();
    for (auto& t : threads_) t.join();
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  template <class Work>
  bool spawn(Work work) {
    {
      const std::lock_guard lock{mutex_};
      if (work_.size() >= most_) return false;
      work_.emplace_back(std::move(work));
    }
    changed_.notify_one();
    return true;
  }

 private:
  void serve() {
    for (;;) {
      std::function<void()> work;
      {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return closed_ || !work_.empty(); });
        if (work_.empty()) return;
        work = std::move(work_.front());
        work_.pop_front();
      }
      work();
    }
  }

  std::size_t most_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<std::function<void()>> work_{};
  bool closed_ = false;
  std::vector<std::thread> threads_{};
};

static_assert(gabion::spawner<held_spawner> && gabion::explain_spawner<pool>());
static_assert(gabion::waiter<scripted_waiter> && gabion::explain_waiter<scripted_waiter>());

}  // namespace spawner_tests
