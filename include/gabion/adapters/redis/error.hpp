// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

/// What an error that the server answered means to a caller of gabion. The server has done nothing
/// then.
[[nodiscard]] constexpr errc classify(std::string_view answer) noexcept {
  constexpr std::array<std::pair<std::string_view, errc>, 17> known{{
      {"BUSY ", errc::busy},
      {"TRYAGAIN", errc::busy},
      {"LOADING", errc::unavailable},
      {"MASTERDOWN", errc::unavailable},
      {"CLUSTERDOWN", errc::unavailable},
      {"READONLY", errc::unavailable},
      {"NOREPLICAS", errc::unavailable},
      {"MISCONF", errc::unavailable},
      {"MOVED", errc::unavailable},
      {"ASK ", errc::unavailable},
      {"ERR max number of clients", errc::unavailable},
      {"OOM ", errc::full},
      {"-OOM ", errc::full},
      {"NOSCRIPT", errc::not_found},
      {"WRONGTYPE", errc::corrupt},
      {"NOAUTH", errc::rejected},
      {"NOPERM", errc::rejected},
  }};
  for (const auto& [prefix, code] : known)
    if (answer.starts_with(prefix)) return code;
  return errc::rejected;
}

}  // namespace redis
}  // namespace v0
}  // namespace gabion
