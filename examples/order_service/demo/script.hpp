// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "domain/item.hpp"

namespace shop::demo {

enum class step_kind : std::uint8_t { place, add_item, change, cancel };

/// One command of a client.
struct step {
  step_kind kind = step_kind::place;
  std::string body{};         ///< of the request
  std::vector<item> items{};  ///< what it brings; for the expectation
};

/// What a client does with one order: places it, then the rest.
struct script {
  std::vector<step> steps{};
  std::size_t line = 0;  ///< where it stands in the file, from 1
};

/// Reads a file of orders: one JSON object a line, the body of `POST /orders`, and optionally what
/// happens next:
///   {"customer": {...}, "items": [...], "then": [{"add_item": {...}}, {"change": {"items":
///   [...]}}, {"cancel": {}}]}
/// Empty lines are skipped. Throws std::runtime_error that names the line if one can't be read or
/// there is none.
[[nodiscard]] std::vector<script> read_scripts(std::istream& in);

/// Repeats the scripts until they hold `commands` commands in all; the last one is cut to fit.
[[nodiscard]] std::vector<script> repeat_scripts(const std::vector<script>& from,
                                                 std::size_t commands);

}  // namespace shop::demo
