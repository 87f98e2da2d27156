// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <system_error>

#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// The HTTP status of a failure (RFC 9110). Pure and total: what is no gabion error is 500.
///
/// `conditional`: the request carried If-Match, so a conflict is a failed precondition (412),
/// otherwise a conflict (409).
[[nodiscard]] inline int http_status(std::error_code code, bool conditional = false) noexcept {
  if (!code) return 200;
  if (code.category() != error_category()) return 500;
  switch (static_cast<errc>(code.value())) {
    case errc::invalid_argument: return 422;
    case errc::unknown_type: return 400;
    case errc::not_found: return 404;
    case errc::conflict: return conditional ? 412 : 409;
    case errc::duplicate: return 409;
    case errc::too_large: return 413;
    case errc::rejected: return 422;
    case errc::busy:
    case errc::full:
    case errc::unavailable:
    case errc::fenced:
    case errc::overloaded:
    case errc::circuit_open: return 503;
    case errc::rate_limited: return 429;
    case errc::timeout:
    case errc::in_doubt: return 504;
    case errc::cancelled: return 499;
    case errc::corrupt:
    case errc::schema_missing:
    case errc::schema_mismatch: return 500;
  }
  return 500;
}

/// After how long a client may try again, as a Retry-After header says it: 1 s or more for what
/// passes by itself, 0 for what does not and must carry no such header.
[[nodiscard]] inline std::chrono::seconds retry_after(std::error_code code) noexcept {
  const int status = http_status(code);
  return status == 503 || status == 429 ? std::chrono::seconds{1} : std::chrono::seconds{0};
}

/// The reason phrase for the statuses that gabion gives; "Error" for any other.
[[nodiscard]] constexpr const char* http_title(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

}  // namespace v0
}  // namespace gabion
