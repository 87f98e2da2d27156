// SPDX-License-Identifier: MIT
#include <gabion/resilience/fallback.hpp>

int main() {
#ifndef GABION_MUST_FAIL
  auto placeholder = gabion::fallback([](const gabion::refusal&) { return 7; });
#else
  auto placeholder = gabion::fallback([](const char*) { return 7; });
#endif
  return placeholder.call([] { return 0; });
}

static_assert(gabion::detail::explain_fallback_handler<int (*)()>());
