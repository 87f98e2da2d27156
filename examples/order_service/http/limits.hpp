// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace shop {

/// What one request may ask for.
struct api_limits {
  static constexpr std::size_t body = 64 * 1024;  ///< bytes, when it is unpacked
  static constexpr std::size_t page = 200;
  static constexpr std::size_t default_page = 50;
  static constexpr std::size_t key = 200;  ///< bytes of an Idempotency-Key
};

}  // namespace shop
