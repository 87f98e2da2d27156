// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {

/// The right to make one call, and the duty to say how it went. Move-only.
///
/// The first verdict settles it; what comes after it does nothing. It holds nothing: dropped
/// without a verdict, the call counts for nothing. It may be settled on another thread, but not on
/// two at once. The throttle must outlive it.
template <class Throttle>
class [[nodiscard("without a verdict the throttle learns nothing")]] basic_throttle_permit {
 public:
  basic_throttle_permit() noexcept = default;
  basic_throttle_permit(basic_throttle_permit&& other) noexcept
      : throttle_{std::exchange(other.throttle_, nullptr)} {}
  basic_throttle_permit& operator=(basic_throttle_permit&& other) noexcept {
    throttle_ = std::exchange(other.throttle_, nullptr);
    return *this;
  }
  ~basic_throttle_permit() = default;

  /// The other side accepted it.
  void success(instant now) noexcept { settle(verdict::success, now); }
  /// The other side refused it, or failed.
  void failure(instant now) noexcept { settle(verdict::failure, now); }
  /// The call says nothing about the other side.
  void ignore() noexcept { throttle_ = nullptr; }
  /// Ignored and cancelled calls count for nothing.
  void settle(verdict v, instant now) noexcept {
    Throttle* const throttle = std::exchange(throttle_, nullptr);
    if (throttle != nullptr && (v == verdict::success || v == verdict::failure))
      throttle->settle(v == verdict::success, now);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return throttle_ != nullptr; }

 private:
  friend Throttle;
  explicit basic_throttle_permit(Throttle& throttle) noexcept : throttle_{&throttle} {}

  Throttle* throttle_ = nullptr;
};

}  // namespace v0
}  // namespace gabion
