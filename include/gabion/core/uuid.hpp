// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/hex.hpp>

namespace gabion {
inline namespace v0 {

/// A universally unique id of RFC 9562: 128 bits, compared and stored in the order of its text
/// form. A plain value. The default is the nil id.
class uuid {
 public:
  using bytes_type = std::array<std::uint8_t, 16>;
  static constexpr std::size_t text_size = 36;

  constexpr uuid() noexcept = default;
  /// From the upper and the lower 64 bits, as they are.
  constexpr uuid(std::uint64_t high, std::uint64_t low) noexcept : high_{high}, low_{low} {}
  /// From 16 bytes, most significant first.
  [[nodiscard]] static constexpr uuid from_bytes(const bytes_type& bytes) noexcept {
    uuid result;
    for (std::size_t i = 0; i < 8; ++i) {
      result.high_ = result.high_ << 8U | bytes[i];
      result.low_ = result.low_ << 8U | bytes[i + 8];
    }
    return result;
  }
  /// Reads the form 8-4-4-4-12 in hexadecimal of either case; nothing for any other text.
  [[nodiscard]] static constexpr std::optional<uuid> parse(std::string_view text) noexcept;

  [[nodiscard]] constexpr std::uint64_t high() const noexcept { return high_; }
  [[nodiscard]] constexpr std::uint64_t low() const noexcept { return low_; }
  /// 16 bytes, most significant first.
  [[nodiscard]] constexpr bytes_type bytes() const noexcept {
    bytes_type result{};
    for (unsigned i = 0; i < 8; ++i) {
      result[i] = static_cast<std::uint8_t>(high_ >> (56U - 8U * i));
      result[i + 8] = static_cast<std::uint8_t>(low_ >> (56U - 8U * i));
    }
    return result;
  }
  [[nodiscard]] constexpr bool is_nil() const noexcept { return high_ == 0 && low_ == 0; }
  /// 7 for the time-ordered ids that gabion makes.
  [[nodiscard]] constexpr unsigned version() const noexcept {
    return static_cast<unsigned>(high_ >> 12U & 0xfU);
  }
  /// When it was made, to the millisecond. Meaningful for version 7 only.
  [[nodiscard]] constexpr wall_time time() const noexcept {
    return wall_time{std::chrono::milliseconds{static_cast<std::int64_t>(high_ >> 16U)}};
  }

  friend constexpr auto operator<=>(const uuid&, const uuid&) noexcept = default;

 private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

constexpr std::optional<uuid> uuid::parse(std::string_view text) noexcept {
  if (text.size() != text_size) return std::nullopt;
  std::uint64_t halves[2]{};
  unsigned digits = 0;
  for (std::size_t i = 0; i < text_size; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = detail::hex_value(text[i]);
    if (value < 0) return std::nullopt;
    std::uint64_t& half = halves[digits++ / 16];
    half = half << 4U | static_cast<std::uint64_t>(value);
  }
  return uuid{halves[0], halves[1]};
}

/// The form 8-4-4-4-12 in lower case.
[[nodiscard]] inline std::string to_string(const uuid& id) {
  std::string text(uuid::text_size, '-');
  std::size_t at = 0;
  for (unsigned digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) ++at;
    const std::uint64_t half = digit < 16 ? id.high() : id.low();
    text[at++] = "0123456789abcdef"[half >> (60U - 4U * (digit % 16U)) & 0xfU];
  }
  return text;
}

}  // namespace v0
}  // namespace gabion

template <>
struct std::hash<gabion::uuid> {
  [[nodiscard]] std::size_t operator()(const gabion::uuid& id) const noexcept {
    // An id of version 7 has its chance in the lower half and its time in the upper one: both have
    // to count.
    return static_cast<std::size_t>((id.high() ^ (id.low() << 1U | id.low() >> 63U)) *
                                    0x9e3779b97f4a7c15U);
  }
};
