// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace shop {

/// How the file is opened.
struct sqlite_backend_options {
  std::string path = "orders.db";
  /// How long to wait while another process holds the file
  std::chrono::milliseconds busy_timeout{1000};
  std::uint64_t max_pages = 0;  ///< the file may not grow beyond this many pages; 0: no limit
};

}  // namespace shop
