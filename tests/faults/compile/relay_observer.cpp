// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/outbox.hpp>

void relay(gabion::memory::outbox_store& store, gabion::memory::broker::transport& to) {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](std::string_view) {};
#else
  const auto alarm = [](const gabion::message_dead&) {};
#endif
  gabion::basic_relay r{store, to, {}, gabion::steady_clock{}, alarm};
  (void)r;
}
