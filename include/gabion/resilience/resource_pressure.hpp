// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// What a machine can run out of.
enum class resource : std::uint8_t { cpu, memory, disk, network };

[[nodiscard]] constexpr std::string_view to_string(resource value) noexcept {
  switch (value) {
    case resource::cpu: return "cpu";
    case resource::memory: return "memory";
    case resource::disk: return "disk";
    case resource::network: return "network";
  }
  return "unknown";
}

/// Tells how hard a resource is pressed: `std::optional<std::uint32_t> pressure(instant) noexcept`,
/// 0 to 10000 basis points; nothing if it is not known now, as before the second sample of a rate.
/// Used by one thread at a time.
template <class S>
concept pressure_source = requires(S& source, instant now) {
  requires noexcept(source.pressure(now));
  { source.pressure(now) } -> std::same_as<std::optional<std::uint32_t>>;
};

/// Names what S lacks to be a pressure source, in words.
template <class S>
consteval bool explain_pressure_source() {
  static_assert(pressure_source<S>,
                "pressure_source: `std::optional<std::uint32_t> pressure(gabion::instant) "
                "noexcept`, in basis points, is missing");
  return pressure_source<S>;
}

/// The highest pressure of those that are known; nothing if none is.
template <pressure_source... Sources>
class highest_pressure {
 public:
  explicit highest_pressure(Sources... sources) : sources_(std::move(sources)...) {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant now) noexcept {
    std::optional<std::uint32_t> highest;
    const auto consider = [&](std::optional<std::uint32_t> p) {
      if (p && (!highest || *p > *highest)) highest = p;
    };
    std::apply([&](Sources&... s) { (consider(s.pressure(now)), ...); }, sources_);
    return highest;
  }

 private:
  std::tuple<Sources...> sources_;
};

/// The first pressure that is known, in the order given; nothing if none is. All are asked each
/// time, so that one that counts from sample to sample is ready when those before it fail.
template <pressure_source... Sources>
class first_pressure {
 public:
  explicit first_pressure(Sources... sources) : sources_(std::move(sources)...) {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant now) noexcept {
    std::optional<std::uint32_t> first;
    const auto consider = [&](std::optional<std::uint32_t> p) {
      if (!first) first = p;
    };
    std::apply([&](Sources&... s) { (consider(s.pressure(now)), ...); }, sources_);
    return first;
  }

 private:
  std::tuple<Sources...> sources_;
};

}  // namespace v0
}  // namespace gabion
