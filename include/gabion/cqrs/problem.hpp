// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/core/detail/utf8.hpp>
#include <gabion/core/error.hpp>
#include <gabion/cqrs/http_status.hpp>
#include <gabion/cqrs/validation.hpp>

namespace gabion {
inline namespace v0 {

/// An error as the fields of RFC 9457 (application/problem+json); `field` is an extension: the
/// member that is wrong.
struct problem {
  std::string type{"about:blank"};  ///< a URI that names the kind of problem
  std::string title{};              ///< the kind in words; the same for every occurrence
  int status = 500;                 ///< 100 to 599
  std::string detail{};             ///< this occurrence in words; empty = left out
  std::string field{};              ///< the member of the request that is wrong; empty = left out
  friend bool operator==(const problem&, const problem&) = default;
};

/// The content type of to_json(problem).
inline constexpr std::string_view problem_content_type = "application/problem+json";

/// A failure as a problem. The detail is the code's message alone for errors that are not the
/// client's (5xx): what an exception says there is for the log, not for strangers.
[[nodiscard]] inline problem problem_of(std::error_code code, std::string_view detail = {},
                                        bool conditional = false) {
  const int status = http_status(code, conditional);
  return {.title = http_title(status),
          .status = status,
          .detail = status < 500 && !detail.empty() ? std::string{detail} : code.message()};
}

[[nodiscard]] inline problem problem_of(const std::system_error& e, bool conditional = false) {
  return gabion::problem_of(e.code(), e.what(), conditional);
}

/// A validation error names the field apart.
[[nodiscard]] inline problem problem_of(const validation_error& e) {
  problem p = gabion::problem_of(e.code(), e.found().problem);
  p.field = e.found().field;
  return p;
}

/// The status of a thing that was deleted (H4): 410, so that a client forgets it. One that never
/// was is errc::not_found: 404.
[[nodiscard]] inline problem gone(std::string detail = {}) {
  return {.title = http_title(410), .status = 410, .detail = std::move(detail)};
}

namespace detail {

/// Appends text as a JSON string. A byte that is no UTF-8 becomes the replacement character U+FFFD.
inline void append_json(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const std::size_t size = detail::next_code_point(text).length;
    const auto byte = static_cast<unsigned char>(text.front());
    if (size == 0) {
      out += "\\ufffd";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

inline void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  detail::append_json(out, value);
}

}  // namespace detail

/// The problem as JSON text. Total: any bytes in the members give well-formed JSON.
[[nodiscard]] inline std::string to_json(const problem& p) {
  std::string out = "{\"type\":";
  detail::append_json(out, p.type);
  detail::append_member(out, "title", p.title);
  out += ",\"status\":" + std::to_string(p.status);
  if (!p.detail.empty()) detail::append_member(out, "detail", p.detail);
  if (!p.field.empty()) detail::append_member(out, "field", p.field);
  return out + '}';
}

}  // namespace v0
}  // namespace gabion
