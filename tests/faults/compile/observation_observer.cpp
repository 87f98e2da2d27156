// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/cqrs.hpp>

void observe() {
#ifdef GABION_MUST_FAIL
  const auto log = [](std::string_view) {};
#else
  const auto log = [](const gabion::dispatch_failed&) {};
#endif
  gabion::observation o{log};
  (void)o;
}
