// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/cqrs/checkpoint_store.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// How waiting for a projection ended.
enum class wait_status : std::uint8_t {
  reached,  ///< the read model holds everything up to the position
  timeout,  ///< the deadline passed first; `at` says how far it is
  faulted,  ///< the projection stands before an event that it cannot apply; waiting does not help
};

[[nodiscard]] constexpr std::string_view to_string(wait_status value) noexcept {
  switch (value) {
    case wait_status::reached: return "reached";
    case wait_status::timeout: return "timeout";
    case wait_status::faulted: return "faulted";
  }
  return "unknown";
}

/// What came of waiting for a projection.
struct wait_result {
  wait_status status = wait_status::reached;
  position at{};         ///< how far the projection is
  std::string reason{};  ///< why it is faulted
  [[nodiscard]] bool reached() const noexcept { return status == wait_status::reached; }
};

/// How far a projection is, told from the thread that runs it to those who wait for it. Safe to use
/// from several threads.
template <env Env = native_env>
class basic_projection_progress {
 public:
  void publish(position at, projection_status status, std::string_view reason) {
    {
      const std::lock_guard<typename Env::mutex> guard{mutex_};
      at_ = at;
      status_ = status;
      reason_ = reason;
    }
    changed_.notify_all();
  }

  [[nodiscard]] position at() const {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    return at_;
  }
  [[nodiscard]] projection_status status() const {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    return status_;
  }
  /// Why it is faulted; empty if it is not.
  [[nodiscard]] std::string reason() const {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    return status_ == projection_status::faulted ? reason_ : std::string{};
  }

  /// What a wait for that position comes to right now: reached, faulted, or else timeout.
  [[nodiscard]] wait_result look(position target) const {
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    return judge(target);
  }

  /// Blocks until the projection has reached the position, is faulted, or the deadline has passed
  /// on that clock.
  template <clock Clock>
  [[nodiscard]] wait_result wait_for(position target, deadline until, const Clock& time) const {
    // A clock that is not the system's may reach the deadline without waking anybody.
    constexpr duration longest = std::chrono::milliseconds{50};
    std::unique_lock<typename Env::mutex> lock{mutex_};
    for (;;) {
      wait_result now = judge(target);
      const duration left = until.remaining(time.now());
      if (now.status != wait_status::timeout || left == duration::zero()) return now;
      changed_.wait_for(lock, detail::min_of(left, longest));
    }
  }

 private:
  [[nodiscard]] wait_result judge(position target) const {
    // Behind is not reached while a rebuild empties the read model: its position starts over.
    if (at_ >= target && status_ != projection_status::rebuilding)
      return {.status = wait_status::reached, .at = at_};
    if (status_ == projection_status::faulted)
      return {.status = wait_status::faulted, .at = at_, .reason = reason_};
    return {.status = wait_status::timeout, .at = at_};
  }

  mutable typename Env::mutex mutex_{};
  mutable std::condition_variable_any changed_{};
  position at_{};
  projection_status status_ = projection_status::running;
  std::string reason_{};
};

}  // namespace v0
}  // namespace gabion
