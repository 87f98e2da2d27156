// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// What whoever drives a pipeline has to do next.
struct [[nodiscard("it says what to do next")]] pipeline_step {
  enum class kind : std::uint8_t {
    attempt,  ///< make the call and report how it went
    wait,     ///< wait until `until` or until woken, then resume; or cancel
    done,     ///< it is over: take the result
  };
  kind what = kind::done;
  instant until{};
  friend bool operator==(const pipeline_step&, const pipeline_step&) = default;
};

}  // namespace v0
}  // namespace gabion
