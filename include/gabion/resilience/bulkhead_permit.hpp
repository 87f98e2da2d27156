// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// The right to be one of the calls in flight, or nothing. It goes back when it is dropped.
/// Move-only.
///
/// It may be dropped on another thread than it was acquired on, but not on two at once. The
/// bulkhead must outlive it.
template <class Bulkhead>
class [[nodiscard("dropping a permit gives it back at once")]] basic_bulkhead_permit {
 public:
  basic_bulkhead_permit() noexcept = default;
  basic_bulkhead_permit(basic_bulkhead_permit&& other) noexcept
      : bulkhead_{std::exchange(other.bulkhead_, nullptr)} {}
  basic_bulkhead_permit& operator=(basic_bulkhead_permit&& other) noexcept {
    basic_bulkhead_permit old{std::move(*this)};
    bulkhead_ = std::exchange(other.bulkhead_, nullptr);
    return *this;
  }
  ~basic_bulkhead_permit() { release(); }

  /// Gives it back now; does nothing if there is none.
  void release() noexcept {
    if (bulkhead_ != nullptr) std::exchange(bulkhead_, nullptr)->give_back();
  }

  /// False if there is none: refused, released or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return bulkhead_ != nullptr; }

 private:
  friend Bulkhead;
  explicit basic_bulkhead_permit(Bulkhead* owner) noexcept : bulkhead_{owner} {}

  Bulkhead* bulkhead_ = nullptr;
};

/// What a bulkhead is at. A value.
struct bulkhead_snapshot {
  std::uint32_t limit = 0;
  std::uint32_t in_use = 0;     ///< above the limit for a while after it was lowered
  std::uint32_t waiting = 0;    ///< calls in the queue
  std::uint64_t rejected = 0;   ///< refused at once
  std::uint64_t timed_out = 0;  ///< refused after a wait, because it or the deadline was over
  std::uint64_t cancelled = 0;  ///< given up by the caller during a wait
  friend bool operator==(const bulkhead_snapshot&, const bulkhead_snapshot&) = default;
};

}  // namespace v0
}  // namespace gabion
