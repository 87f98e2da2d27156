// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <gabion/core/detail/heap.hpp>
#include <gabion/core/detail/order.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Slots by position, the lowest first, each once. Adding and taking cost O(log size), removing
/// from the middle O(size).
template <class Slot>
class ready_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] const Slot& front() const noexcept { return *heap_.front(); }

  void add(Slot& s) {
    if (std::exchange(s.queued, true)) return;
    heap_.push_back(&s);
    detail::sift_up(heap_, sooner);
  }

  Slot& take() {
    std::swap(heap_.front(), heap_.back());
    Slot& s = *heap_.back();
    heap_.pop_back();
    detail::sift_down(heap_, 0, heap_.size(), sooner);
    s.queued = false;
    return s;
  }

  void remove(Slot& s) {
    if (!std::exchange(s.queued, false)) return;
    heap_.erase(detail::find_value(heap_.begin(), heap_.end(), &s));
    detail::heapify(heap_, sooner);
  }

  void clear() noexcept { heap_.clear(); }

 private:
  static bool sooner(const Slot* a, const Slot* b) noexcept { return a->at < b->at; }

  std::vector<Slot*> heap_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
