// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <gabion/resilience/circuit_presets.hpp>

namespace shop {

/// How to reach the payment provider.
struct provider_options {
  std::string url = "http://127.0.0.1:8081";
  std::chrono::milliseconds timeout{500};  ///< for the connection and for the answer, each
};

/// How payments are worked off.
struct payment_desk_options {
  provider_options provider{};
  gabion::circuit_breaker_options breaker = gabion::presets::payment_api();
  std::size_t workers = 8;  ///< payments under way at once
  std::size_t held = 4096;  ///< due payments kept in memory
  /// Until a payment is tried again after a failed call
  std::chrono::milliseconds retry_after{100};
  std::chrono::milliseconds look_every{200};  ///< for due payments, unless woken
};

}  // namespace shop
