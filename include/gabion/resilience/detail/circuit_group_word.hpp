// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The state of a group in 64 bits: state (2), generation (30), half-open: calls out (16) and
/// successes (16). A value.
class circuit_group_word {
 public:
  constexpr circuit_group_word() noexcept = default;
  constexpr explicit circuit_group_word(std::uint64_t bits) noexcept : bits_{bits} {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr circuit_state state() const noexcept {
    return static_cast<circuit_state>(bits_ >> 62);
  }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 32) & mask;
  }
  [[nodiscard]] constexpr std::uint32_t out() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 16) & 0xffff;
  }
  [[nodiscard]] constexpr std::uint32_t successes() const noexcept {
    return static_cast<std::uint32_t>(bits_) & 0xffff;
  }

  /// The first word of the next generation.
  [[nodiscard]] constexpr circuit_group_word next(circuit_state state) const noexcept {
    return circuit_group_word{static_cast<std::uint64_t>(state) << 62 |
                              static_cast<std::uint64_t>((generation() + 1) & mask) << 32};
  }
  [[nodiscard]] constexpr circuit_group_word with_calls(std::uint32_t out,
                                                        std::uint32_t successes) const noexcept {
    return circuit_group_word{(bits_ & ~std::uint64_t{0xffff'ffff}) | std::uint64_t{out} << 16 |
                              successes};
  }

  friend constexpr bool operator==(circuit_group_word, circuit_group_word) noexcept = default;

 private:
  static constexpr std::uint32_t mask = (1U << 30) - 1;
  std::uint64_t bits_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
