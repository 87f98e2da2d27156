// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <gabion/core/detail/checks.hpp>
#include <gabion/cqrs/event_store.hpp>

namespace gabion {
inline namespace v0 {

/// Reads the log from a position on: every event above it once, in order, first what is stored and
/// then what is appended.
///
/// Holds one position and nothing else: it never blocks, and a reader that is slow costs the store
/// nothing. To be told when to poll again, join the store's `appended()`. Not safe to use from
/// several threads.
template <reads_log Store>
class event_subscription {
 public:
  /// Begins above `after`. Throws error(invalid_argument) if `batch` is 0. The store must outlive
  /// it.
  explicit event_subscription(Store& store, position after = beginning, std::size_t batch = 256)
      : store_{&store}, at_{after}, batch_{batch} {
    detail::check_positive("the batch of an event_subscription", batch);
  }

  /// The next events, at most one batch. None: it is live, everything appended so far was given
  /// out.
  [[nodiscard("each event is given out once")]] std::vector<recorded_event> poll() {
    std::vector<recorded_event> events = store_->read_all(at_, batch_, read_direction::forward);
    if (!events.empty()) at_ = events.back().at;
    live_ = events.size() < batch_;
    return events;
  }

  /// The position of the last event given out. Start there to go on after a restart.
  [[nodiscard]] position at() const noexcept { return at_; }
  /// Whether the last poll reached the end of the log.
  [[nodiscard]] bool live() const noexcept { return live_; }

 private:
  Store* store_;
  position at_;
  std::size_t batch_;
  bool live_ = false;
};

}  // namespace v0
}  // namespace gabion
