// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/concurrency_options.hpp>

namespace gabion {
inline namespace v0 {

/// The right to have one call in flight, and the time when it began. Move-only.
///
/// The first verdict settles it and gives the place back; what comes after it does nothing. Dropped
/// without a verdict it gives the place back and is counted as abandoned. It may be settled on
/// another thread, but not on two at once. The limiter must outlive it.
template <class Limiter>
class [[nodiscard("dropping a permit at once gives the place back")]] basic_concurrency_permit {
 public:
  basic_concurrency_permit() noexcept = default;
  basic_concurrency_permit(basic_concurrency_permit&& other) noexcept
      : limiter_{std::exchange(other.limiter_, nullptr)}, begun_{other.begun_} {}
  basic_concurrency_permit& operator=(basic_concurrency_permit&& other) noexcept {
    basic_concurrency_permit old{std::move(*this)};
    limiter_ = std::exchange(other.limiter_, nullptr);
    begun_ = other.begun_;
    return *this;
  }
  ~basic_concurrency_permit() {
    if (limiter_ != nullptr) limiter_->abandon();
  }

  /// The call has ended: the time since the permit was granted is a sample.
  void success(instant now) noexcept { settle(limit_verdict::success, now); }
  /// The call timed out or met an overloaded other side.
  void dropped(instant now) noexcept { settle(limit_verdict::dropped, now); }
  /// The call says nothing about how much the other side can take.
  void ignore() noexcept { settle(limit_verdict::ignored, begun_.at); }
  void settle(limit_verdict v, instant now) noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->settle(begun_, v, now);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return limiter_ != nullptr; }

 private:
  friend Limiter;
  using stamp = typename Limiter::stamp;
  basic_concurrency_permit(Limiter& limiter, const stamp& begun) noexcept
      : limiter_{&limiter}, begun_{begun} {}

  Limiter* limiter_ = nullptr;
  stamp begun_{};
};

}  // namespace v0
}  // namespace gabion
