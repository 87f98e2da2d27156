// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

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
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  Slot& take() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Slot& s = *heap_.back();
    heap_.pop_back();
    s.queued = false;
    return s;
  }

  void remove(Slot& s) {
    if (!std::exchange(s.queued, false)) return;
    heap_.erase(std::find(heap_.begin(), heap_.end(), &s));
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  void clear() noexcept { heap_.clear(); }

 private:
  static bool later(const Slot* a, const Slot* b) noexcept { return a->at > b->at; }

  std::vector<Slot*> heap_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
