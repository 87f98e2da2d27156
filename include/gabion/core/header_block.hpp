// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/message.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

inline void put_sized(std::string& out, std::string_view text) {
  for (std::size_t n = text.size(), shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>((n >> shift) & 0xffU));
  out.append(text);
}

inline std::string take_sized(std::string_view& in) {
  if (in.size() < 4) detail::fail(errc::corrupt, "header block ends inside a length");
  std::uint32_t n = 0;
  for (unsigned i = 0; i < 4; ++i)
    n |= static_cast<std::uint32_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  in.remove_prefix(4);
  if (in.size() < n) detail::fail(errc::corrupt, "header block ends inside a text");
  std::string text{in.substr(0, n)};
  in.remove_prefix(n);
  return text;
}

}  // namespace detail

/// Headers as bytes, for stores that keep them in one column: a format byte (1), then each name and
/// value behind its length in four bytes, low byte first. No headers are no bytes.
[[nodiscard]] inline std::string encode_headers(const std::vector<header>& headers) {
  if (headers.empty()) return {};
  std::string out(1, '\1');
  for (const header& h : headers) {
    detail::put_sized(out, h.name);
    detail::put_sized(out, h.value);
  }
  return out;
}

/// The reverse. Total: throws error(corrupt) on bytes that encode_headers did not make.
[[nodiscard]] inline std::vector<header> decode_headers(std::string_view block) {
  std::vector<header> headers;
  if (block.empty()) return headers;
  if (block.front() != '\1')
    detail::fail(errc::corrupt, "header block has an unknown format; written by a newer gabion?");
  block.remove_prefix(1);
  while (!block.empty()) {
    header h{.name = detail::take_sized(block)};
    h.value = detail::take_sized(block);
    headers.push_back(std::move(h));
  }
  return headers;
}

}  // namespace v0
}  // namespace gabion
