// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/sqlite/broker.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/command_log.hpp>
#include <gabion/adapters/sqlite/database.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/inbox_store.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>

#include "app/sqlite_backend_options.hpp"
#include "tables/sqlite_tables.hpp"

namespace shop {

/// Everything the service keeps, in one SQLite file, so that one transaction holds it all together.
/// All writes share their commits. The broker is in the file too: what it has taken survives the
/// process.
class sqlite_backend {
  using broker_storage = gabion::sqlite::broker_storage<gabion::sqlite::group_commit>;

 public:
  using transactor_type = gabion::sqlite::group_commit;
  using transaction = gabion::sqlite::transaction;
  using tables_type = sqlite_tables;

  explicit sqlite_backend(const sqlite_backend_options& options)
      : database_{options.path, {.busy_timeout = options.busy_timeout}},
        ready_{prepare(database_, options)} {}

 private:
  gabion::sqlite::database database_;
  bool ready_;  // the tables must be there before the members below look for them

 public:
  gabion::sqlite::group_commit transactor{database_};
  gabion::sqlite::event_store events{database_};
  gabion::sqlite::outbox_store outbox{database_};
  gabion::sqlite::inbox_store inbox{database_};
  gabion::sqlite::command_log commands{database_};
  gabion::sqlite::checkpoint_store checkpoints{database_};
  gabion::basic_broker<broker_storage> broker{{.partitions = 4}, database_, transactor};
  sqlite_tables tables{database_};

 private:
  static bool prepare(gabion::sqlite::database& in, const sqlite_backend_options& options);
};

}  // namespace shop
