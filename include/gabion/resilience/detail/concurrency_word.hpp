// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Limit, calls in flight and epoch of a concurrency limiter in 64 bits, so that a call is admitted
/// against the very limit that holds at that moment. From the low end: in flight (24), limit (24),
/// epoch (16).
class concurrency_word {
 public:
  constexpr concurrency_word() noexcept = default;
  constexpr explicit concurrency_word(std::uint64_t bits) noexcept : bits_{bits} {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t in_flight() const noexcept {
    return static_cast<std::uint32_t>(bits_ & field);
  }
  [[nodiscard]] constexpr std::uint32_t limit() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> limit_at & field);
  }
  [[nodiscard]] constexpr std::uint32_t epoch() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> epoch_at);
  }

  [[nodiscard]] constexpr concurrency_word with_limit(std::uint32_t limit) const noexcept {
    return concurrency_word{(bits_ & ~(field << limit_at)) | std::uint64_t{limit} << limit_at};
  }
  [[nodiscard]] constexpr concurrency_word next_epoch() const noexcept {
    return concurrency_word{bits_ + (std::uint64_t{1} << epoch_at)};
  }

 private:
  static constexpr unsigned limit_at = 24;
  static constexpr unsigned epoch_at = 48;
  static constexpr std::uint64_t field = (std::uint64_t{1} << 24) - 1;

  std::uint64_t bits_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
