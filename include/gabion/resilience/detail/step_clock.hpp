// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The time of one step: the clock is read when somebody asks first, and not again.
template <clock Clock>
class step_clock {
 public:
  explicit step_clock(const Clock& clock) noexcept : clock_{&clock} {}
  step_clock(const step_clock&) = delete;
  step_clock& operator=(const step_clock&) = delete;

  [[nodiscard]] instant operator()() const noexcept {
    if (!known_) {
      now_ = clock_->now();
      known_ = true;
    }
    return now_;
  }

 private:
  const Clock* clock_;
  mutable instant now_{};
  mutable bool known_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
