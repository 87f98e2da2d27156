// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <gabion/log/delivery.hpp>

// The enumerators of a delivery in words, for logs and labels.
namespace gabion::inline v0 {

[[nodiscard]] constexpr std::string_view to_string(outcome value) noexcept {
  switch (value) {
    case outcome::delivered: return "delivered";
    case outcome::retry: return "retry";
    case outcome::rejected: return "rejected";
    case outcome::in_doubt: return "in doubt";
    case outcome::unavailable: return "unavailable";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(disposition value) noexcept {
  switch (value) {
    case disposition::delivered: return "delivered";
    case disposition::deferred: return "deferred";
    case disposition::dead: return "dead";
    case disposition::parked: return "parked";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(settle_status value) noexcept {
  switch (value) {
    case settle_status::applied: return "applied";
    case settle_status::fenced: return "fenced";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(poison_policy value) noexcept {
  switch (value) {
    case poison_policy::park: return "park";
    case poison_policy::skip: return "skip";
    case poison_policy::pause: return "pause";
  }
  return "unknown";
}

}  // namespace gabion::inline v0
