// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <system_error>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// Everything that can go wrong in gabion, by what the caller can do about it.
enum class errc {
  invalid_argument = 1,  ///< a value is outside its documented range; mend the call
  busy,                  ///< somebody else holds the store; the same call may succeed later
  full,                  ///< no space left; nothing was written
  unavailable,           ///< the other side cannot be reached; nothing was done
  timeout,               ///< the deadline passed before anything was done
  cancelled,             ///< a stop was requested before anything was done
  in_doubt,   ///< whether it was done is unknown; repeat it with the same id, never with a new one
  fenced,     ///< a newer owner holds the lease; stop, nothing was written
  conflict,   ///< the stream is not at the expected version; load again and decide again
  duplicate,  ///< this id was used before, for something else
  not_found,  ///< no such thing
  too_large,  ///< over a documented limit; nothing was written
  corrupt,    ///< stored data cannot be read back
  schema_missing,   ///< the tables are not there; call create_schema() once
  schema_mismatch,  ///< the tables are of another version of gabion
  circuit_open,     ///< a circuit breaker rejected the call; nothing was done
  rejected,         ///< refused for good; repeating will not help
  unknown_type,     ///< no handler or codec is registered for this type name
  rate_limited,     ///< over a rate limit; nothing was done, and waiting the stated time helps
  overloaded,       ///< too many calls in flight, or shed under load; nothing was done
};

namespace detail {

struct gabion_category final : std::error_category {
  [[nodiscard]] const char* name() const noexcept override { return "gabion"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::invalid_argument: return "invalid argument";
      case errc::busy: return "the store is busy";
      case errc::full: return "no space left";
      case errc::unavailable: return "unavailable";
      case errc::timeout: return "deadline passed";
      case errc::cancelled: return "cancelled";
      case errc::in_doubt: return "outcome unknown";
      case errc::fenced: return "lease lost to a newer owner";
      case errc::conflict: return "unexpected version";
      case errc::duplicate: return "duplicate id";
      case errc::not_found: return "not found";
      case errc::too_large: return "too large";
      case errc::corrupt: return "stored data is corrupt";
      case errc::schema_missing: return "schema is missing";
      case errc::schema_mismatch: return "schema has another version";
      case errc::circuit_open: return "circuit is open";
      case errc::rejected: return "rejected";
      case errc::unknown_type: return "unknown type";
      case errc::rate_limited: return "rate limited";
      case errc::overloaded: return "overloaded";
    }
    return "unknown gabion error";
  }
};

inline constinit const gabion_category gabion_errors{};

}  // namespace detail

/// The one error category of gabion.
[[nodiscard]] inline const std::error_category& error_category() noexcept {
  return detail::gabion_errors;
}

[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

/// The root of every exception that gabion throws. `code()` says what, `what()` names the value and
/// how to mend it.
class error : public std::system_error {
 public:
  error(errc code, const std::string& what) : std::system_error{make_error_code(code), what} {}
};

}  // namespace v0
}  // namespace gabion

template <>
struct std::is_error_code_enum<gabion::errc> : std::true_type {};
