// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/cqrs.hpp>

void retry() {
#ifdef GABION_MUST_FAIL
  const auto log = [](std::string_view) {};
#else
  const auto log = [](const gabion::dispatch_retried&) {};
#endif
  const auto sleep = [](gabion::duration) {};
  gabion::conflict_retry r{sleep, {}, gabion::steady_clock{}, log};
  (void)r;
}
