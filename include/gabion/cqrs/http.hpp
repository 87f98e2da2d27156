// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/core/message.hpp>
#include <gabion/cqrs/consistency_token.hpp>
#include <gabion/cqrs/etag.hpp>
#include <gabion/cqrs/http_status.hpp>
#include <gabion/cqrs/problem.hpp>

// HTTP conventions as pure functions: from a result to the parts of an answer, for any server
// library.
namespace gabion {
inline namespace v0 {

/// The parts of an HTTP answer. The body of an error is application/problem+json; a success brings
/// its own.
struct http_parts {
  int status = 200;
  std::vector<header> headers{};
  std::string body{};
  friend bool operator==(const http_parts&, const http_parts&) = default;
};

/// The header in which a write hands out its consistency token, and in which a query gives it back.
inline constexpr std::string_view consistency_header = "Consistency-Token";
/// The header in which a query says how many positions its read model is behind that token.
inline constexpr std::string_view behind_header = "Positions-Behind";

/// The header with the caller's key for "do this once"; it becomes
/// command_context::idempotency_key.
inline constexpr std::string_view idempotency_header = "Idempotency-Key";

namespace detail {

/// A value that cannot end its header line or leave the brackets of a link. Throws
/// error(invalid_argument) that names it.
[[nodiscard]] inline std::string header_safe(std::string text, const char* what) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '"')
      detail::fail(
          errc::invalid_argument,
          std::string{what} + " holds a control character, '<', '>' or '\"'; percent-encode it");
  return text;
}

}  // namespace detail

/// 202: the command was taken and will be done; `status_url` tells how it went (H1).
[[nodiscard]] inline http_parts accepted(std::string status_url) {
  return {
      .status = 202,
      .headers = {{"Location", detail::header_safe(std::move(status_url), "accepted: the URL")}}};
}

/// 201: the thing was created and stands at this version (H2).
[[nodiscard]] inline http_parts created(std::string url, std::uint64_t version,
                                        etag_strength strength = etag_strength::weak) {
  return {.status = 201,
          .headers = {{"Location", detail::header_safe(std::move(url), "created: the URL")},
                      {"ETag", etag_of(version, strength)}}};
}

/// 204: the thing was changed and stands at this version.
[[nodiscard]] inline http_parts changed(std::uint64_t version,
                                        etag_strength strength = etag_strength::weak) {
  return {.status = 204, .headers = {{"ETag", etag_of(version, strength)}}};
}

/// 304 without a body if the client has this version already, otherwise 200 with it (H3).
[[nodiscard]] inline http_parts shown(std::string body, std::uint64_t version,
                                      std::string_view if_none_match = {},
                                      etag_strength strength = etag_strength::weak) {
  http_parts parts{.headers = {{"ETag", etag_of(version, strength)}}};
  if (gabion::not_modified(if_none_match, version)) {
    parts.status = 304;
  } else {
    parts.body = std::move(body);
  }
  return parts;
}

/// A problem with its status; Retry-After where trying again helps.
[[nodiscard]] inline http_parts refused(const problem& what, std::chrono::seconds again = {}) {
  http_parts parts{.status = what.status,
                   .headers = {{"Content-Type", std::string{problem_content_type}}},
                   .body = to_json(what)};
  if (again.count() > 0) parts.headers.push_back({"Retry-After", std::to_string(again.count())});
  return parts;
}

/// A failure with its status. `conditional`: the request carried If-Match.
[[nodiscard]] inline http_parts refused(const std::system_error& e, bool conditional = false) {
  return gabion::refused(problem_of(e, conditional), retry_after(e.code()));
}

/// Adds the token of what was just written.
[[nodiscard]] inline http_parts with_token(http_parts parts, const consistency_token& written) {
  parts.headers.push_back({std::string{consistency_header}, encode(written)});
  return parts;
}

/// Adds how far the read model is, and how far behind the client's token. Throws as covers does if
/// the sources differ.
[[nodiscard]] inline http_parts with_staleness(http_parts parts, const consistency_token& seen,
                                               const consistency_token& wanted) {
  parts.headers.push_back(
      {std::string{behind_header}, std::to_string(positions_behind(seen, wanted))});
  return gabion::with_token(std::move(parts), seen);
}

/// Adds `Link: <url>; rel="relation"` (RFC 8288): what a client may do next.
/// Throws error(invalid_argument) if one of the two holds a control character, '<', '>' or '"'.
[[nodiscard]] inline http_parts with_link(http_parts parts, std::string_view relation,
                                          std::string_view url) {
  parts.headers.push_back(
      {"Link", "<" + detail::header_safe(std::string{url}, "with_link: the URL") + ">; rel=\"" +
                   detail::header_safe(std::string{relation}, "with_link: the relation") + '"'});
  return parts;
}

}  // namespace v0
}  // namespace gabion
