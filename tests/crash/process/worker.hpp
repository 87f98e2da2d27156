// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "failpoints.hpp"

namespace gabion_test::crash {

/// One life of the service.
struct life {
  std::string directory{};
  std::uint64_t incarnation = 0;
  death at{};                  ///< empty: it lives until it has come to rest
  bool threads = false;        ///< real threads and time; otherwise one loop and time of its own
  std::uint64_t commands = 0;  ///< new ones
  std::string counts_to{};     ///< where to write how often each failpoint was reached
};

/// The exit codes of a life that nobody ended.
inline constexpr int came_to_rest = 0;
inline constexpr int never_came_to_rest = 3;
inline constexpr int failed = 4;

[[nodiscard]] int live(const life& l);

}  // namespace gabion_test::crash
