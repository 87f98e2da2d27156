// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/resilience/circuit_state.hpp>

namespace gabion::inline v0::detail {

/// The whole state of a breaker in 64 bits: state (4), generation (30), payload (30). A value; the breaker keeps one atomic of it.
///
/// Payload: closed = failures in a row; half-open = probes out (10) and successes (10); open = nothing.
class circuit_word {
 public:
  constexpr circuit_word() noexcept = default;
  constexpr explicit circuit_word(std::uint64_t bits) noexcept : bits_{bits} {}
  constexpr circuit_word(circuit_state state, std::uint32_t generation) noexcept
      : bits_{static_cast<std::uint64_t>(state) << 60 | static_cast<std::uint64_t>(generation & mask) << 30} {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr circuit_state state() const noexcept { return static_cast<circuit_state>(bits_ >> 60); }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept { return static_cast<std::uint32_t>(bits_ >> 30) & mask; }
  [[nodiscard]] constexpr std::uint32_t failures() const noexcept { return static_cast<std::uint32_t>(bits_) & mask; }
  [[nodiscard]] constexpr std::uint32_t out() const noexcept { return static_cast<std::uint32_t>(bits_) & ten; }
  [[nodiscard]] constexpr std::uint32_t successes() const noexcept { return static_cast<std::uint32_t>(bits_ >> 10) & ten; }

  /// The first word of the next generation.
  [[nodiscard]] constexpr circuit_word next(circuit_state state) const noexcept { return {state, generation() + 1}; }
  [[nodiscard]] constexpr circuit_word with_failures(std::uint32_t n) const noexcept { return with_payload(n); }
  [[nodiscard]] constexpr circuit_word with_probes(std::uint32_t out, std::uint32_t successes) const noexcept {
    return with_payload(out | successes << 10);
  }

  friend constexpr bool operator==(circuit_word, circuit_word) noexcept = default;

 private:
  static constexpr std::uint32_t mask = (1U << 30) - 1;
  static constexpr std::uint32_t ten = (1U << 10) - 1;

  [[nodiscard]] constexpr circuit_word with_payload(std::uint32_t payload) const noexcept {
    return circuit_word{(bits_ & ~std::uint64_t{mask}) | payload};
  }

  std::uint64_t bits_ = 0;
};

}  // namespace gabion::inline v0::detail
