// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/cqrs.hpp>

struct codec {};

void once(gabion::memory::command_log& log) {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](std::string_view) {};
#else
  const auto alarm = [](const gabion::command_replayed&) {};
#endif
  gabion::idempotency middleware{log, codec{}, alarm};
  (void)middleware;
}
