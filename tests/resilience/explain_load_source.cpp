// SPDX-License-Identifier: MIT
#include <cstdint>

#include <gabion/resilience/load_source.hpp>

struct my_load {
#ifndef GABION_MUST_FAIL
  [[nodiscard]] std::uint32_t load() const noexcept { return 5'000; }
#else
  [[nodiscard]] double load() const noexcept { return 0.5; }
#endif
};

static_assert(gabion::explain_load_source<my_load>());
