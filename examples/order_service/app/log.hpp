// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/rfc3339.hpp>

namespace shop {

/// Writes one line to stderr: time, what happened, and details as name=value. Safe to use from
/// several threads.
inline void log_line(
    std::string_view what,
    std::initializer_list<std::pair<std::string_view, std::string_view>> details = {}) {
  std::string line = gabion::to_rfc3339(gabion::system_clock::now());
  line.append(" ").append(what);
  for (const auto& [name, value] : details)
    line.append(" ").append(name).append("=\"").append(value).append("\"");
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace shop
