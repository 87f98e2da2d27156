// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/item.hpp"
#include "http/problem.hpp"

namespace shop {

/// A body that can't be used: 400 if it is not JSON, 422 with every wrong field if it is not the
/// right JSON.
struct bad_body {
  problem why{};
};

struct place_body {
  customer by{};
  std::vector<item> items{};
};

// Each reads one kind of body, all of it, and throws bad_body that names every field that is
// missing, wrong or unknown.
[[nodiscard]] place_body read_place_body(std::string_view text);
[[nodiscard]] std::vector<item> read_items_body(std::string_view text);
[[nodiscard]] item read_item_body(std::string_view text);

}  // namespace shop
