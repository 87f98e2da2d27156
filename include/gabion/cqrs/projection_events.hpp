// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <gabion/log/position.hpp>

// What a projector tells its observer. What an event refers to lives only as long as the call.
namespace gabion {
inline namespace v0 {

/// A projection applied events: its checkpoint and its read model are committed.
struct projection_advanced {
  std::string_view key{};
  position from{};
  position to{};
  std::size_t events = 0;
};

/// A projection stands before an event that it cannot apply; nothing goes on until resume().
struct projection_faulted {
  std::string_view key{};
  position at{};  ///< of the event
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// An event was given up, kept as a letter and passed by.
struct projection_passed_by {
  std::string_view key{};
  position at{};
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// A store failed; it will be asked again after a while.
struct projection_store_failed {
  std::string_view key{};
  /// "acquire", "renew", "release", "fetch", "apply", "settle", "restart"
  std::string_view operation{};
  std::error_code code{};
  std::string_view reason{};
};

}  // namespace v0
}  // namespace gabion
