// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <gabion/core/detail/order.hpp>
#include <gabion/resilience/detail/circuit_history.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The last N outcomes, failed and slow apart: exact, O(1), for use under a lock. Where only
/// failures matter, `circuit_window` does the same without one.
class circuit_call_window {
 public:
  /// Holds the last `calls` from now on, and is empty. Allocates if it has never been so large.
  void resize(std::size_t calls) {
    ring_.resize(detail::max_of(ring_.size(), calls));
    size_ = calls;
    clear();
  }

  void clear() noexcept {
    sum_ = {};
    next_ = 0;
  }

  void record(circuit_outcome o) noexcept {
    if (size_ == 0) return;
    if (sum_.calls == size_) sum_.remove(ring_[next_]);
    ring_[next_] = o;
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    sum_.add(o);
  }

  [[nodiscard]] const circuit_sum& sum() const noexcept { return sum_; }

  void copy_to(circuit_history& history) const noexcept {
    const auto held = static_cast<std::size_t>(sum_.calls);
    for (std::size_t i = 0; i < held; ++i)
      history.add(ring_[(held == size_ ? next_ + i : i) % size_]);
  }

 private:
  std::vector<circuit_outcome> ring_{};
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  circuit_sum sum_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
