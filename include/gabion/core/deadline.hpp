// SPDX-License-Identifier: MIT
#pragma once

#include <compare>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>

namespace gabion {
inline namespace v0 {

/// The moment after which nobody wants the result any more, or never.
///
/// A value of one word. Make it once per logical call and hand it down: every layer asks what
/// remains. Its instants must be of the clock that is asked. Immutable, so safe to share.
class deadline {
 public:
  /// Never expires.
  constexpr deadline() noexcept = default;

  [[nodiscard]] static constexpr deadline never() noexcept { return deadline{}; }
  /// Expires at that moment; instant::max() is never.
  [[nodiscard]] static constexpr deadline at(instant moment) noexcept { return deadline{moment}; }
  /// Expires `after` from that moment on. Saturates: duration::max() is never. At once if `after`
  /// is not positive.
  [[nodiscard]] static constexpr deadline after(instant start, duration after) noexcept {
    return deadline{after == (duration::max)() ? (instant::max)()
                                               : gabion::saturating_add(start, after)};
  }
  /// Expires `after` from now on that clock.
  template <clock Clock>
  [[nodiscard]] static constexpr deadline in(const Clock& time, duration after) noexcept {
    return deadline::after(time.now(), after);
  }

  /// The moment, instant::max() if never.
  [[nodiscard]] constexpr instant when() const noexcept { return when_; }
  [[nodiscard]] constexpr bool is_never() const noexcept { return when_ == (instant::max)(); }
  /// True from the moment itself on.
  [[nodiscard]] constexpr bool expired(instant now) const noexcept {
    return !is_never() && now >= when_;
  }
  /// What is left: zero once expired, duration::max() if never.
  [[nodiscard]] constexpr duration remaining(instant now) const noexcept {
    return is_never() ? (duration::max)() : gabion::elapsed(now, when_);
  }

  /// The earlier one compares less; never is the last.
  friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;

 private:
  constexpr explicit deadline(instant when) noexcept : when_{when} {}
  instant when_ = (instant::max)();
};

/// The one that expires first.
[[nodiscard]] constexpr deadline(min)(deadline a, deadline b) noexcept { return b < a ? b : a; }

}  // namespace v0
}  // namespace gabion
