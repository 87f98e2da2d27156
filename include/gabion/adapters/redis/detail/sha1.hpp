// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace redis::detail {

using sha1_state = std::array<std::uint32_t, 5>;

/// Takes one block of 64 bytes in.
constexpr void sha1_block(sha1_state& state, const std::array<std::uint8_t, 64>& block) noexcept {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = std::uint32_t{block[4 * i]} << 24U | std::uint32_t{block[4 * i + 1]} << 16U |
           std::uint32_t{block[4 * i + 2]} << 8U | std::uint32_t{block[4 * i + 3]};
  for (std::size_t i = 16; i < 80; ++i)
    w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t f = b ^ c ^ d;
    if (i < 20)
      f = (b & c) | (~b & d);
    else if (i >= 40 && i < 60)
      f = (b & c) | (b & d) | (c & d);
    constexpr std::array<std::uint32_t, 4> k{0x5a827999U, 0x6ed9eba1U, 0x8f1bbcdcU, 0xca62c1d6U};
    const std::uint32_t next = std::rotl(a, 5) + f + e + k[i / 20] + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

/// SHA-1 in hexadecimal digits, by which Redis knows a script. Not for secrets. Source: FIPS 180-4.
[[nodiscard]] inline std::string sha1(std::string_view text) {
  sha1_state state{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  std::string padded{text};
  padded.push_back('\x80');
  while (padded.size() % 64 != 56) padded.push_back('\0');
  for (unsigned shift = 64; shift != 0; shift -= 8)
    padded.push_back(static_cast<char>(bits >> (shift - 8)));
  std::array<std::uint8_t, 64> block{};
  for (std::size_t at = 0; at < padded.size(); at += block.size()) {
    for (std::size_t i = 0; i < block.size(); ++i)
      block[i] = static_cast<std::uint8_t>(padded[at + i]);
    sha1_block(state, block);
  }
  std::string digits;
  for (const std::uint32_t word : state)
    for (unsigned shift = 32; shift != 0; shift -= 4)
      digits.push_back("0123456789abcdef"[(word >> (shift - 4)) & 15U]);
  return digits;
}

}  // namespace redis::detail
}  // namespace v0
}  // namespace gabion
