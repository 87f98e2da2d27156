// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace shop {

/// A field of a request that is wrong, by its path in the body: "items[2].quantity".
struct field_error {
  std::string field{};
  std::string detail{};
};

/// What the service answers when it can't do what it was asked to: RFC 9457,
/// application/problem+json.
struct problem {
  int status = 500;
  std::string title{};
  std::string detail{};
  std::vector<field_error> errors{};
  int retry_after_seconds = 0;  ///< 0: repeating the request will not help

  static constexpr const char* content_type = "application/problem+json";
};

/// The body of the answer. `instance` is the path that was asked for.
[[nodiscard]] std::string to_json_text(const problem& p, const std::string& instance);

}  // namespace shop
