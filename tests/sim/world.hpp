// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/core/random.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "sim/swarm.hpp"
#include "support/history.hpp"

namespace gabion_sim {

/// Every kind of fault, so that a run of many seeds can prove that each was met.
enum class fault : std::uint8_t {
  rollback,
  store_failed,
  store_in_doubt,
  crash,
  pause,
  unavailable,
  refused_some,
  retry,
  ack_lost,
  send_lost,
  duplicate,
  rejected,
  handler_failed,
  handler_poison,
  wall_jump,
  fenced,
  redriven,
  kinds,
};
using fault_counts = std::array<std::uint64_t, static_cast<std::size_t>(fault::kinds)>;

/// The business table of the consumers: an effect is there once its transaction has committed.
class effect_table final : public gabion::memory::participant {
 public:
  explicit effect_table(std::vector<gabion_test::effect>& committed) : committed_{committed} {}

  void add(gabion::memory::database::transaction& tx, gabion_test::effect e) {
    tx.join(*this);
    open_.push_back(std::move(e));
  }
  void commit() noexcept override {
    committed_.insert(committed_.end(), open_.begin(), open_.end());
    open_.clear();
  }
  void rollback() noexcept override { open_.clear(); }

 private:
  std::vector<gabion_test::effect>& committed_;
  std::vector<gabion_test::effect> open_{};
};

/// What survives every crash, the time, the dice, and the record of what happened.
struct world {
  using outbox_store = gabion::memory::basic_outbox_store<gabion::testing::manual_wall_clock>;
  using inbox_store = gabion::memory::basic_inbox_store<gabion::testing::manual_wall_clock>;

  explicit world(std::uint64_t seed)
      : random{seed},
        options{random},
        store{database, {}, time.wall()},
        inbox{database, time.wall()},
        broker{{.partitions = options.partitions}} {}

  [[nodiscard]] bool roll(std::uint32_t per_mille) {
    return faults_on && chance(random, per_mille);
  }
  bool roll(std::uint32_t per_mille, fault kind) {
    if (!roll(per_mille)) return false;
    count(kind);
    return true;
  }
  void count(fault kind) { ++faults[static_cast<std::size_t>(kind)]; }

  /// Adds to the fingerprint of the run.
  void trace(std::string_view what, std::uint64_t number = 0) {
    for (const char c : what)
      fingerprint = (fingerprint ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    fingerprint = (fingerprint ^ number) * 1099511628211ULL;
    if (verbose)
      std::printf("%10.3f ms  %.*s %llu\n", static_cast<double>((time.now() - begin).count()) / 1e6,
                  static_cast<int>(what.size()), what.data(),
                  static_cast<unsigned long long>(number));
  }

  gabion::xoshiro256 random;
  swarm options;
  gabion::testing::manual_time time{};
  gabion::instant begin = time.now();
  gabion::memory::database database{};
  outbox_store store;
  inbox_store inbox;
  gabion::memory::broker broker;
  gabion_test::history history{};
  effect_table effects{history.effects};
  std::map<gabion::position, std::string> id_at{};
  std::set<std::string> poison{};  ///< the broker rejects these for good, until healed
  /// (consumer, id): the handler fails on these, until healed
  std::set<std::pair<std::string, std::string>> unhandled{};
  bool faults_on = true;
  bool verbose = false;
  fault_counts faults{};
  std::uint64_t fingerprint = 14695981039346656037ULL;
};

}  // namespace gabion_sim
