// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "domain/order.hpp"

namespace shop {

/// An order's state as JSON text, for a column. read_document(write_document(o)) is o.
[[nodiscard]] std::string write_document(const order& o);
[[nodiscard]] order read_document(std::string_view text);

}  // namespace shop
