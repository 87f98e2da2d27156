// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

inline constexpr std::size_t max_threads = 8;

/// One tick count for each thread: what happened before. Eight small numbers that fit one vector
/// register.
class vector_clock {
 public:
  using tick = std::int16_t;
  static constexpr tick never = 32767;

  constexpr vector_clock() noexcept = default;
  /// Every thread at `all`.
  [[nodiscard]] static vector_clock filled(tick all) noexcept {
    vector_clock v;
    v.at_ = lanes{} + all;
    return v;
  }

  [[nodiscard]] tick operator[](std::size_t thread) const noexcept { return at_[thread]; }
  void set(std::size_t thread, tick t) noexcept { at_[thread] = t; }
  void advance(std::size_t thread) noexcept { at_[thread] = static_cast<tick>(at_[thread] + 1); }

  /// Knows what the other knows as well.
  void join(const vector_clock& other) noexcept {
    const lanes less = at_ < other.at_;
    at_ = (other.at_ & less) | (at_ & ~less);
  }
  /// Everything that `other` counts happened before.
  [[nodiscard]] bool covers(const vector_clock& other) const noexcept {
    return !any(other.at_ > at_);
  }
  /// Of the moments in `other`, one for each thread, at least one happened before.
  [[nodiscard]] bool covers_one_of(const vector_clock& other) const noexcept {
    return any(other.at_ <= at_);
  }

 private:
  using lanes [[gnu::vector_size(16)]] = tick;

  [[nodiscard]] static bool any(lanes mask) noexcept {
    using halves [[gnu::vector_size(16)]] = long long;
    const auto h = reinterpret_cast<halves>(mask);
    return (h[0] | h[1]) != 0;
  }

  lanes at_{};
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
