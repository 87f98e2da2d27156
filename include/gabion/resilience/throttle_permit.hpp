// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion::inline v0 {

/// The right to make one call, and the duty to say how it went. Move-only.
///
/// The first verdict settles it; what comes after it does nothing. It holds nothing: dropped without a verdict, the call counts for
/// nothing. It may be settled on another thread, but not on two at once. The throttle must outlive it.
template <class Throttle>
class [[nodiscard("without a verdict the throttle learns nothing")]] basic_throttle_permit {
 public:
  basic_throttle_permit() noexcept = default;
  basic_throttle_permit(basic_throttle_permit && other) noexcept : throttle_{std::exchange(other.throttle_, nullptr)} {}
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
    if (throttle != nullptr && (v == verdict::success || v == verdict::failure)) throttle->settle(v == verdict::success, now);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return throttle_ != nullptr; }

 private:
  friend Throttle;
  explicit basic_throttle_permit(Throttle & throttle) noexcept : throttle_{&throttle} {}

  Throttle* throttle_ = nullptr;
};

/// A permit, or why there is none. True if it is a permit. Move-only.
template <class Throttle>
class [[nodiscard("it says whether the call may be made")]] basic_throttle_admission {
 public:
  using permit_type = basic_throttle_permit<Throttle>;

  /// False if refused. Stays true when the permit is settled or taken out.
  [[nodiscard]] explicit operator bool() const noexcept { return granted_; }

  [[nodiscard]] permit_type& permit()& noexcept { return permit_; }
  [[nodiscard]] permit_type permit()&& noexcept { return std::move(permit_); }
  [[nodiscard]] permit_type* operator->() noexcept { return &permit_; }

  /// Meaningful only if there is no permit.
  [[nodiscard]] const refusal& why() const noexcept { return why_; }

 private:
  friend Throttle;
  explicit basic_throttle_admission(permit_type && permit) noexcept : permit_{std::move(permit)}, granted_{true} {}
  explicit basic_throttle_admission(refusal why) noexcept : why_{why} {}

  permit_type permit_{};
  refusal why_{};
  bool granted_ = false;
};

}  // namespace gabion::inline v0
