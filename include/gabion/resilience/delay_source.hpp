// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// Knows how long a call usually takes: `std::optional<duration> delay()`, for example the 95th
/// percentile of what a latency histogram has seen lately; nothing while it has seen too little.
/// Called once per call: keep it cheap. Safe to use from several threads.
template <class D>
concept delay_source = std::move_constructible<D> && requires(D& d) {
  { d.delay() } -> std::convertible_to<std::optional<duration>>;
};

/// Names what D lacks to be a delay source, in words.
template <class D>
consteval bool explain_delay_source() {
  static_assert(std::move_constructible<D>,
                "delay_source: it can't be moved; let it be a handle to what it measures");
  static_assert(
      requires(D& d) {
        { d.delay() } -> std::convertible_to<std::optional<duration>>;
      }, "delay_source: `std::optional<gabion::duration> delay()` is missing");
  return delay_source<D>;
}

/// Knows nothing: the delay of the options holds.
struct fixed_delay {
  [[nodiscard]] static constexpr std::optional<duration> delay() noexcept { return std::nullopt; }
};

}  // namespace v0
}  // namespace gabion
