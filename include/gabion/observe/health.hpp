// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// How well a part of a service works.
enum class health_state : std::uint8_t {
  up,        ///< as it should
  degraded,  ///< it still serves, but less or with fallbacks
  down,      ///< it does not serve
};

[[nodiscard]] constexpr std::string_view to_string(health_state state) noexcept {
  switch (state) {
    case health_state::up: return "up";
    case health_state::degraded: return "degraded";
    case health_state::down: return "down";
  }
  return "unknown";
}

/// What one part says of itself; the reason may be empty when it is up.
struct health_part {
  std::string name{};
  health_state state = health_state::up;
  std::string reason{};
  friend bool operator==(const health_part&, const health_part&) = default;
};

/// The health of a whole, made of what its parts say. A plain value, made anew for each question;
/// not safe to change from several threads.
class health_report {
 public:
  /// A part without which nothing works: the whole is never better than it.
  void add(health_part part) {
    if (part.state > state_) state_ = part.state;
    parts_.push_back(std::move(part));
  }
  /// A part that can be missed: if it is down, the whole is degraded.
  void add_optional(health_part part) {
    const health_state counts =
        part.state == health_state::up ? health_state::up : health_state::degraded;
    if (counts > state_) state_ = counts;
    parts_.push_back(std::move(part));
  }

  /// The worst of what was added; up if nothing was.
  [[nodiscard]] health_state state() const noexcept { return state_; }
  [[nodiscard]] const std::vector<health_part>& parts() const noexcept { return parts_; }
  /// False only if the whole is down: what a load balancer asks.
  [[nodiscard]] bool serves() const noexcept { return state_ != health_state::down; }

 private:
  std::vector<health_part> parts_{};
  health_state state_ = health_state::up;
};

}  // namespace v0
}  // namespace gabion
