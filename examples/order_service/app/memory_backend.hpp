// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>

#include "tables/memory_tables.hpp"

namespace shop {

/// Everything the service keeps, in memory: for trying things out. Nothing survives the process.
class memory_backend {
 public:
  using transactor_type = gabion::memory::database;
  using transaction = gabion::memory::database::transaction;
  using tables_type = memory_tables;

  gabion::memory::database transactor{};
  gabion::memory::event_store events{transactor};
  gabion::memory::outbox_store outbox{transactor};
  gabion::memory::inbox_store inbox{transactor};
  gabion::memory::command_log commands{transactor};
  gabion::memory::checkpoint_store checkpoints{transactor};
  gabion::memory::broker broker{{.partitions = 4}};
  memory_tables tables{transactor};
};

}  // namespace shop
