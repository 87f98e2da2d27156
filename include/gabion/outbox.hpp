// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// The transactional outbox and the idempotent consumer. Atomic with your transaction; delivered at
// least once; in order per key; effect once through the inbox.
#include <gabion/core/message.hpp>
#include <gabion/log/wake.hpp>
#include <gabion/log/waker.hpp>
#include <gabion/outbox/consumer.hpp>
#include <gabion/outbox/events.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/outbox/outbox.hpp>
#include <gabion/outbox/relay.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/outbox/subscription.hpp>
#include <gabion/outbox/transport.hpp>
