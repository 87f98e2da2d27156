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
  using clock_type = Clock;

  explicit step_clock(const Clock& clock) noexcept : clock_{&clock} {}

  [[nodiscard, gnu::always_inline]] instant operator()() const noexcept {
    if (!known_) [[likely]] {
      now_ = clock_->now();
      known_ = true;
    }
    return now_;
  }

 private:
  const Clock* clock_;
  mutable instant now_;  // valid only if known_
  mutable bool known_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
