// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/resilience/circuit_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The thresholds of the lock-free rules in one word, so that they change all at once under the
/// calls that read them.
///
/// From the low end: failures in a row (16), calls (13), minimum (13), percent (7), ring (4),
/// version (10). A window of another version has other thresholds or other contents;
/// `circuit_window` stamps what it holds with it. Versions are 321 apart, so that a version and a
/// generation, added up in 10 bits, are not soon the same sum again.
class circuit_rule_word {
 public:
  constexpr circuit_rule_word() noexcept = default;
  constexpr explicit circuit_rule_word(std::uint64_t bits) noexcept : bits_{bits} {}
  constexpr circuit_rule_word(std::uint32_t failures, const circuit_window_options& window,
                              std::uint32_t ring) noexcept
      : bits_{failures | put(window.calls, 16) |
              put(window.minimum_calls < window.calls ? window.minimum_calls : window.calls, 29) |
              put(window.failure_percent, 42) | put(ring, 49)} {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t failures() const noexcept {
    return static_cast<std::uint32_t>(bits_) & 0xffffU;
  }
  [[nodiscard]] constexpr std::uint64_t calls() const noexcept { return bits_ >> 16 & 0x1fffU; }
  [[nodiscard]] constexpr std::uint64_t minimum() const noexcept { return bits_ >> 29 & 0x1fffU; }
  [[nodiscard]] constexpr std::uint64_t percent() const noexcept { return bits_ >> 42 & 0x7fU; }
  /// Which ring the window uses: of 2^ring outcomes.
  [[nodiscard]] constexpr std::uint32_t ring() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 49) & 0xfU;
  }
  [[nodiscard]] constexpr std::uint32_t version() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 53);
  }

  /// The same thresholds in the version after `before`.
  [[nodiscard]] constexpr circuit_rule_word after(circuit_rule_word before) const noexcept {
    return circuit_rule_word{(bits_ & ((std::uint64_t{1} << 53) - 1)) |
                             put((before.version() + 321) & 0x3ffU, 53)};
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t put(std::uint32_t value, unsigned shift) noexcept {
    return std::uint64_t{value} << shift;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
