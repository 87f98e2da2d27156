// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What a breaker does with a call. Four ways to be closed, from the cheapest on, so that a call
/// finds out by its one load.
enum class circuit_phase : std::uint8_t {
  closed,     ///< admits; rules that need no time and no lock
  ruled,      ///< admits; rules under the lock
  timed,      ///< admits with a start time; rules under the lock
  tracked,    ///< admits under the lock, which keeps count of the calls in flight
  open,       ///< rejects until the open time is over
  half_open,  ///< admits probes
  ramping,    ///< admits a share
  isolated,   ///< rejects
  disabled,   ///< admits and forgets
};

/// Calls are judged by the rules under the lock.
[[nodiscard]] constexpr bool is_ruled(circuit_phase p) noexcept {
  return p == circuit_phase::ruled || p == circuit_phase::timed || p == circuit_phase::tracked ||
         p == circuit_phase::ramping;
}
[[nodiscard]] constexpr bool is_closed(circuit_phase p) noexcept {
  return p <= circuit_phase::tracked;
}

/// What the phase is to the outside.
[[nodiscard]] constexpr circuit_state state_of(circuit_phase p) noexcept {
  switch (p) {
    case circuit_phase::open:
    case circuit_phase::isolated: return circuit_state::open;
    case circuit_phase::half_open: return circuit_state::half_open;
    case circuit_phase::ramping: return circuit_state::ramping;
    case circuit_phase::closed:
    case circuit_phase::ruled:
    case circuit_phase::timed:
    case circuit_phase::tracked:
    case circuit_phase::disabled: break;
  }
  return circuit_state::closed;
}

/// The whole state of a breaker in 64 bits: phase (4), generation (30), payload (30). A value; the
/// breaker keeps one atomic of it.
///
/// Payload: closed = failures in a row; half-open = probes out (10), successes (10), failures (10);
/// otherwise nothing.
class circuit_word {
 public:
  constexpr circuit_word() noexcept = default;
  constexpr explicit circuit_word(std::uint64_t bits) noexcept : bits_{bits} {}
  constexpr circuit_word(circuit_phase phase, std::uint32_t generation) noexcept
      : bits_{static_cast<std::uint64_t>(phase) << 60 |
              static_cast<std::uint64_t>(generation & mask) << 30} {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr circuit_phase phase() const noexcept {
    return static_cast<circuit_phase>(bits_ >> 60);
  }
  [[nodiscard]] constexpr circuit_state state() const noexcept { return detail::state_of(phase()); }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 30) & mask;
  }
  [[nodiscard]] constexpr std::uint32_t failures() const noexcept {
    return static_cast<std::uint32_t>(bits_) & mask;
  }
  [[nodiscard]] constexpr std::uint32_t out() const noexcept {
    return static_cast<std::uint32_t>(bits_) & ten;
  }
  [[nodiscard]] constexpr std::uint32_t successes() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 10) & ten;
  }
  [[nodiscard]] constexpr std::uint32_t failed() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 20) & ten;
  }

  /// The first word of the next generation.
  [[nodiscard]] constexpr circuit_word next(circuit_phase phase) const noexcept {
    return {phase, generation() + 1};
  }
  [[nodiscard]] constexpr circuit_word with_failures(std::uint32_t n) const noexcept {
    return with_payload(n);
  }
  [[nodiscard]] constexpr circuit_word with_probes(std::uint32_t out, std::uint32_t successes,
                                                   std::uint32_t failed) const noexcept {
    return with_payload(out | successes << 10 | failed << 20);
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

}  // namespace detail
}  // namespace v0
}  // namespace gabion
