// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "cqrs/account.hpp"

namespace gabion_test {

using namespace gabion;

/// An event log in memory, on manual time.
struct fault_log {
  using transaction = memory::database::transaction;

  explicit fault_log(const testing::manual_time& time) : events{database, time.wall()} {}

  void append(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const message m = encode_event(number_codec{}, deposited{1});
      database.transact([&](transaction& tx) {
        return events.append(tx, "account-1", expected_version::any(), {&m, 1});
      });
    }
  }

  memory::database database{};
  memory::basic_event_store<testing::manual_wall_clock> events;
};

/// A checkpoint store that counts how often the committed checkpoint is read.
struct counting_checkpoints : memory::basic_checkpoint_store<testing::manual_wall_clock> {
  using base = memory::basic_checkpoint_store<testing::manual_wall_clock>;
  using base::base;
  using base::read_checkpoint;
  [[nodiscard]] std::optional<checkpoint> read_checkpoint(std::string_view key) {
    ++reads;
    return base::read_checkpoint(key);
  }
  int reads = 0;
};

/// Counts the events that it applies. Projections of different `Kind` are different types of one
/// name and version.
template <int Kind = 1>
struct counting_projection {
  static constexpr std::string_view name = "totals";
  static constexpr std::uint32_t version = 1;
  using event_list = account::event_list;
  using transaction = fault_log::transaction;

  void apply(transaction& /*tx*/, const auto& /*event*/, const projected_event& about) {
    if (before_apply) before_apply();
    ++applied;
    if (about.replaying) ++replayed;
  }
  void reset(transaction& /*tx*/) { applied = 0; }

  std::function<void()> before_apply{};
  int applied = 0;
  int replayed = 0;
};

template <int Kind = 1>
using fault_projector = basic_projector<counting_projection<Kind>, memory::database,
                                        memory::basic_event_store<testing::manual_wall_clock>,
                                        counting_checkpoints, number_codec, testing::manual_clock>;

/// A log with a read model and its checkpoints in a database of their own.
struct projection_fixture {
  testing::manual_time time{};
  fault_log log{time};
  memory::database read_model{};
  counting_checkpoints checkpoints{read_model, time.wall()};
  counting_projection<> into{};

  template <int Kind = 1>
  [[nodiscard]] std::unique_ptr<fault_projector<Kind>> make(counting_projection<Kind>& of,
                                                            fault_log& from,
                                                            const std::string& owner = "first") {
    projector_options options;
    options.owner = owner;
    options.max_attempts = 1;
    return std::make_unique<fault_projector<Kind>>(of, read_model, from.events, checkpoints,
                                                   number_codec{}, options, time.clock());
  }
};

}  // namespace gabion_test
