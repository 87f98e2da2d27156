// SPDX-License-Identifier: MIT
#include <cstdint>
#include <optional>

#include <gabion/resilience/resource_pressure.hpp>

struct thermometer {
#ifndef GABION_MUST_FAIL
  std::optional<std::uint32_t> pressure(gabion::instant) noexcept { return {}; }
#else
  std::optional<std::uint32_t> pressure(gabion::instant) { return {}; }
#endif
};

static_assert(gabion::explain_pressure_source<thermometer>());
