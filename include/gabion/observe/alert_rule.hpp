// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// What a measured value calls for.
enum class alert_level : std::uint8_t {
  healthy,  ///< within the healthy range
  watch,    ///< outside it, but not beyond the threshold
  alert,    ///< beyond the threshold: act
};

[[nodiscard]] constexpr std::string_view to_string(alert_level level) noexcept {
  switch (level) {
    case alert_level::healthy: return "healthy";
    case alert_level::watch: return "watch";
    case alert_level::alert: return "alert";
  }
  return "unknown";
}

/// Which side of the threshold is bad.
enum class alert_when : std::uint8_t { above, below };

/// When one metric is healthy and when somebody must act. All members are whole numbers of `unit`,
/// so a rule is exact.
struct alert_rule {
  std::string_view metric{};
  std::string_view unit{};
  alert_when when = alert_when::above;
  std::int64_t healthy = 0;    ///< the last healthy value
  std::int64_t threshold = 0;  ///< the last value that is not yet an alert
  std::string_view action{};   ///< what to do about it

  /// A pure function of the value; compare values in the rule's unit.
  [[nodiscard]] constexpr alert_level evaluate(std::int64_t value) const noexcept {
    if (when == alert_when::above ? value > threshold : value < threshold)
      return alert_level::alert;
    return (when == alert_when::above ? value > healthy : value < healthy) ? alert_level::watch
                                                                           : alert_level::healthy;
  }
};

/// The rules to begin with for an outbox and its consumers.
namespace presets {

inline constexpr alert_rule unpublished_events{
    "unpublished events", "events", alert_when::above, 100, 1000, "scale the publisher"};
inline constexpr alert_rule publishing_lag{"publishing lag", "ms",    alert_when::above,
                                           30'000,           120'000, "find the bottleneck"};
inline constexpr alert_rule consumer_lag{"consumer lag", "ms",   alert_when::above,
                                         5'000,          30'000, "scale the consumers"};
inline constexpr alert_rule error_rate{"error rate", "per mille", alert_when::above,
                                       10,           50,          "read the error log"};
inline constexpr alert_rule throughput{"throughput", "events/s", alert_when::below,
                                       1'000,        100,        "check the system's health"};

inline constexpr std::array<alert_rule, 5> outbox_alerts{unpublished_events, publishing_lag,
                                                         consumer_lag, error_rate, throughput};

}  // namespace presets

}  // namespace v0
}  // namespace gabion
