// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/cqrs/command_log.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// Done commands in a memory database; satisfies gabion::command_log.
///
/// A claim needs no row of its own: transactions of this database run one at a time. Safe to use
/// from several threads. WallClock stamps the records. `claim` and `complete` are logarithmic,
/// `forget` is linear in the records kept.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_command_log {
 public:
  using database_type = basic_database<Env>;
  using transaction = typename database_type::transaction;

  /// The database must outlive the log.
  explicit basic_command_log(database_type& in, WallClock time = WallClock{})
      : database_{&in}, time_{std::move(time)}, records_{in} {}

  [[nodiscard]] std::optional<command_record> claim(transaction& tx, std::string_view tenant,
                                                    std::string_view key) {
    const auto& rows = records_.rows(tx);
    const auto found = rows.find(key_type{tenant, key});
    return found == rows.end() ? std::nullopt : std::optional{found->second.second};
  }

  void complete(transaction& tx, std::string_view tenant, std::string_view key,
                const command_record& done) {
    records_.put(tx, key_type{tenant, key}, {time_.now(), done});
  }

  [[nodiscard]] std::size_t forget(wall_time before, std::size_t limit) {
    return database_->transact([&](transaction& tx) {
      std::vector<key_type> old;
      for (const auto& [key, row] : records_.rows(tx)) {
        if (old.size() == limit) break;
        if (row.first < before) old.push_back(key);
      }
      for (const key_type& key : old) records_.erase(tx, key);
      return old.size();
    });
  }

 private:
  using key_type = std::pair<std::string, std::string>;

  database_type* database_;
  WallClock time_;
  basic_table<key_type, std::pair<wall_time, command_record>, Env> records_;
};

using command_log = basic_command_log<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
