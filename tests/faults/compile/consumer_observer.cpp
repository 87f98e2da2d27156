// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/outbox.hpp>

void consume(gabion::memory::broker::subscription& in, gabion::memory::inbox_store& inbox,
             gabion::memory::database& db) {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](const gabion::message_published&) {};  // an event of a relay
#else
  const auto alarm = [](const gabion::message_handled&) {};
#endif
  const auto handler = [](gabion::memory::database::transaction&, const gabion::message&) {};
  gabion::basic_consumer c{in, inbox, db, handler, {.name = "c"}, gabion::steady_clock{}, alarm};
  (void)c;
}
