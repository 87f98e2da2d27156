// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// How deep and how wide a JSON text is.
struct json_shape {
  std::size_t depth = 0;    ///< arrays and objects inside each other
  std::size_t members = 0;  ///< of the widest object
};

/// Finds the shape without parsing, so that a hostile text is refused before it costs anything: the
/// parser needs no stack, but all that walks its result does, and an object that keeps the order of
/// its members is searched from end to end for each. Reads no further than one level beyond
/// `max_depth`. Right for each valid text, and total for any other.
[[nodiscard]] inline json_shape shape_of_json(std::string_view text, std::size_t max_depth) {
  json_shape shape;
  std::vector<std::size_t> open;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size() && shape.depth <= max_depth; ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      open.push_back(0);
      if (open.size() > shape.depth) shape.depth = open.size();
    } else if ((c == ']' || c == '}') && !open.empty()) {
      open.pop_back();
    } else if (c == ':' && !open.empty() && ++open.back() > shape.members) {
      shape.members = open.back();
    }
  }
  return shape;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
