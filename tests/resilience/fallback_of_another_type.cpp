// SPDX-License-Identifier: MIT
#include <gabion/resilience/fallback.hpp>

struct page {};

int main() {
#ifndef GABION_MUST_FAIL
  auto placeholder = gabion::fallback([] { return page{}; });
#else
  auto placeholder = gabion::fallback([] { return 7; });
#endif
  static_cast<void>(placeholder.call([] { return page{}; }));
}
