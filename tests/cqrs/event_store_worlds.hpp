// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/sqlite/checkpoint_store.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/temporary_file.hpp"

namespace gabion_test {

/// The event store in memory, on manual time.
class memory_events {
 public:
  using store_type = gabion::memory::basic_event_store<gabion::testing::manual_wall_clock>;

  using checkpoints_type =
      gabion::memory::basic_checkpoint_store<gabion::testing::manual_wall_clock>;

  explicit memory_events(gabion::testing::manual_time& time)
      : store_{database_, time.wall()}, checkpoints_{database_, time.wall()} {}
  [[nodiscard]] gabion::memory::database& database() noexcept { return database_; }
  [[nodiscard]] store_type& store() noexcept { return store_; }
  [[nodiscard]] checkpoints_type& checkpoints() noexcept { return checkpoints_; }
  void reopen() {}

 private:
  gabion::memory::database database_{};
  store_type store_;
  checkpoints_type checkpoints_;
};

/// The event store in a SQLite file, on manual time. Not flushed to the disk: the cases are about
/// what is stored.
class sqlite_events {
 public:
  using store_type = gabion::sqlite::basic_event_store<gabion::testing::manual_wall_clock>;

  using checkpoints_type =
      gabion::sqlite::basic_checkpoint_store<gabion::testing::manual_wall_clock>;

  explicit sqlite_events(gabion::testing::manual_time& time) : time_{&time} { reopen(); }
  [[nodiscard]] gabion::sqlite::database& database() noexcept { return *database_; }
  [[nodiscard]] store_type& store() noexcept { return *store_; }
  [[nodiscard]] checkpoints_type& checkpoints() noexcept { return *checkpoints_; }
  void reopen() {
    checkpoints_.reset();
    store_.reset();
    database_.reset();
    database_.emplace(
        directory_.file("events.db"),
        gabion::sqlite::connection_options{.synchronous = gabion::sqlite::durability::off});
    store_type::create_schema(*database_);
    checkpoints_type::create_schema(*database_);
    store_.emplace(*database_, time_->wall());
    checkpoints_.emplace(*database_, time_->wall());
  }

 private:
  gabion::testing::manual_time* time_;
  temporary_directory directory_{};
  std::optional<gabion::sqlite::database> database_{};
  std::optional<store_type> store_{};
  std::optional<checkpoints_type> checkpoints_{};
};

}  // namespace gabion_test
