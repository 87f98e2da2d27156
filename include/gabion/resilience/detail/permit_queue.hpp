// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include <gabion/core/env.hpp>
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/permit_word.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// One caller's place in the queue of a bulkhead. It lives in the caller's frame and is read and
/// written under the queue's lock.
class permit_waiter {
 public:
  permit_waiter() noexcept = default;
  permit_waiter(const permit_waiter&) = delete;
  permit_waiter& operator=(const permit_waiter&) = delete;

 private:
  template <env Env>
  friend class permit_queue;
  friend class waiter_line;

  permit_waiter* ahead_ = nullptr;
  permit_waiter* behind_ = nullptr;
  std::uint64_t arrival_ = 0;
  call_priority priority_ = call_priority::normal;
  bool queued_ = false;
  bool granted_ = false;
  std::optional<wake_ref> wake_{};
};

/// Waiters in the order in which they are served: a higher priority first, among equals who came
/// first. But no more than seven in a row are served past the one who has waited longest. O(1). Not
/// safe for several threads.
class waiter_line {
 public:
  void push(permit_waiter& w) noexcept {
    lane& l = lane_of(w);
    w.arrival_ = ++arrivals_;
    w.ahead_ = l.last;
    w.behind_ = nullptr;
    (l.last == nullptr ? l.first : l.last->behind_) = &w;
    l.last = &w;
    w.queued_ = true;
    ++size_;
  }

  void remove(permit_waiter& w) noexcept {
    lane& l = lane_of(w);
    (w.ahead_ == nullptr ? l.first : w.ahead_->behind_) = w.behind_;
    (w.behind_ == nullptr ? l.last : w.behind_->ahead_) = w.ahead_;
    w.queued_ = false;
    --size_;
  }

  /// Takes out who is next; null if nobody waits.
  [[nodiscard]] permit_waiter* pop() noexcept {
    permit_waiter* next = nullptr;
    permit_waiter* oldest = nullptr;
    for (const lane& l : lanes_) {
      if (l.first == nullptr) continue;
      next = l.first;
      if (oldest == nullptr || l.first->arrival_ < oldest->arrival_) oldest = l.first;
    }
    if (next == nullptr) return nullptr;
    if (passed_over_ == most_passed_over) next = oldest;
    passed_over_ = next == oldest ? 0 : passed_over_ + 1;
    remove(*next);
    return next;
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t most_passed_over = 7;
  static constexpr std::size_t priorities = static_cast<std::size_t>(call_priority::critical) + 1;
  struct lane {
    permit_waiter* first = nullptr;
    permit_waiter* last = nullptr;
  };

  [[nodiscard]] lane& lane_of(const permit_waiter& w) noexcept {
    return lanes_[static_cast<std::size_t>(w.priority_)];
  }

  std::array<lane, priorities> lanes_{};
  std::uint64_t arrivals_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t passed_over_ = 0;
};

/// What a queue knows about itself.
struct permit_queue_counts {
  std::uint32_t waiting = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t cancelled = 0;
};

/// The queue in front of a permit_word. A permit that comes free goes straight to who is next;
/// nobody else can take it.
///
/// Wakes under its lock, so that nobody is woken who has left: a wake must not call back into
/// whoever it was woken by. A free permit and a waiter never exist together once all calls here
/// have returned. Every member is safe to call from several threads, for one waiter from one at a
/// time.
template <env Env>
class permit_queue {
 public:
  enum class place : std::uint8_t { granted, waiting, full };
  enum class reason : std::uint8_t { timed_out, cancelled };

  /// Takes a permit or a place in the queue, if fewer than `most` are in it; `most` is 1 or more. A
  /// closed word takes nobody.
  [[nodiscard]] place join(permit_word<Env>& word, permit_waiter& w, std::uint32_t most,
                           call_priority priority, const wake_ref& wake) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    serve(word);  // a permit may just be on its way back
    if (line_.size() >= most || word.load().limit == 0) return place::full;
    if (line_.size() == 0 && word.take_or_wait()) return place::granted;
    w.priority_ = priority;
    w.wake_ = wake;
    w.granted_ = false;
    line_.push(w);
    return place::waiting;
  }

  /// True if the waiter has been given its permit.
  [[nodiscard]] bool granted(const permit_waiter& w) const noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    return w.granted_;
  }

  /// Leaves the queue, unless the permit was faster: then it answers true and the waiter holds it.
  [[nodiscard]] bool leave(permit_word<Env>& word, permit_waiter& w, reason why) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    if (w.granted_) return true;
    line_.remove(w);
    count(why);
    if (line_.size() == 0) word.nobody_waits();
    return false;
  }

  /// For a waiter that was given its permit too late: passes it on.
  void hand_back(permit_word<Env>& word, reason why) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    count(why);
    word.give_back();
    serve(word);
  }

  /// Gives what is free to those who are next. Called after a permit came back or the limit was
  /// raised while somebody waited.
  void look_after(permit_word<Env>& word) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    serve(word);
  }

  [[nodiscard]] permit_queue_counts counts() const noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    permit_queue_counts c = counts_;
    c.waiting = line_.size();
    return c;
  }

 private:
  void count(reason why) noexcept {
    ++(why == reason::timed_out ? counts_.timed_out : counts_.cancelled);
  }

  void serve(permit_word<Env>& word) noexcept {
    if (line_.size() == 0) return;
    while (line_.size() != 0 && word.take_for_waiter()) {
      permit_waiter& next = *line_.pop();
      next.granted_ = true;
      next.wake_->wake();
    }
    if (line_.size() == 0) word.nobody_waits();
  }

  mutable typename Env::mutex lock_{};
  waiter_line line_{};
  permit_queue_counts counts_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
