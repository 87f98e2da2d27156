// SPDX-License-Identifier: MIT
#include <cstdint>

#include <gabion/resilience/limit_algorithm.hpp>

struct my_limit {
  [[nodiscard]] std::uint32_t limit() const noexcept { return 10; }
#ifndef GABION_MUST_FAIL
  gabion::limit_effect update(const gabion::limit_sample&) noexcept {
    return gabion::limit_effect::go_on;
  }
#else
  void update(const gabion::limit_sample&) noexcept {}
#endif
};

static_assert(gabion::explain_limit_algorithm<my_limit>());
