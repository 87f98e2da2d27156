// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/detail/lease_table.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/cqrs/checkpoint_store.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// Checkpoints of projections in a memory database; satisfies gabion::checkpoint_store.
///
/// Safe to use from several threads. WallClock judges the leases and stamps the letters. Operations
/// are logarithmic.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_checkpoint_store {
 public:
  using database_type = basic_database<Env>;
  using transaction = typename database_type::transaction;

  /// The database must outlive the store.
  explicit basic_checkpoint_store(database_type& in, WallClock time = WallClock{})
      : database_{&in}, time_{std::move(time)}, checkpoints_{in}, letters_{in}, serving_{in} {}

  [[nodiscard]] std::optional<lease> acquire_lease(std::string_view name, std::string_view owner,
                                                   duration ttl) {
    const auto guard = database_->lock();
    return leases_.acquire(name, owner, ttl, time_.now());
  }
  [[nodiscard]] bool renew_lease(const lease& held, duration ttl) {
    const auto guard = database_->lock();
    return leases_.renew(held, ttl, time_.now());
  }
  [[nodiscard]] bool release_lease(const lease& held) {
    const auto guard = database_->lock();
    return leases_.release(held);
  }

  [[nodiscard]] std::optional<checkpoint> read_checkpoint(std::string_view key) {
    return checkpoints_.find(std::string{key});
  }
  [[nodiscard]] std::optional<checkpoint> read_checkpoint(transaction& tx, std::string_view key) {
    const auto& rows = checkpoints_.rows(tx);
    const auto found = rows.find(key);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }

  [[nodiscard]] settle_status move_checkpoint(transaction& tx, const lease& held, position from,
                                              const checkpoint& to) {
    const auto now = read_checkpoint(tx, held.name);
    if (!leases_.holds(held) || (now ? now->at : beginning) != from) return settle_status::fenced;
    checkpoints_.put(tx, held.name, to);
    return settle_status::applied;
  }

  void keep_letter(transaction& tx, std::string_view key, const projection_letter& letter) {
    projection_letter kept = letter;
    kept.died_at = time_.now();
    letters_.put(tx, {std::string{key}, letter.at}, std::move(kept));
  }
  [[nodiscard]] bool remove_letter(transaction& tx, std::string_view key, position at) {
    return letters_.erase(tx, {std::string{key}, at});
  }
  [[nodiscard]] std::vector<projection_letter> letters(std::string_view key, position after,
                                                       std::size_t limit) {
    return letters_.read([&](const auto& rows) {
      std::vector<projection_letter> found;
      for (auto at = rows.upper_bound({std::string{key}, after});
           at != rows.end() && at->first.first == key && found.size() < limit; ++at)
        found.push_back(at->second);
      return found;
    });
  }

  [[nodiscard]] std::optional<std::uint32_t> serving(std::string_view name) {
    return serving_.find(std::string{name});
  }
  [[nodiscard]] std::optional<std::uint32_t> serving(transaction& tx, std::string_view name) {
    const auto& rows = serving_.rows(tx);
    const auto found = rows.find(name);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }
  void serve(transaction& tx, std::string_view name, std::uint32_t version) {
    serving_.put(tx, std::string{name}, version);
  }

 private:
  database_type* database_;
  WallClock time_;
  detail::lease_table leases_{};
  basic_table<std::string, checkpoint, Env> checkpoints_;
  basic_table<std::pair<std::string, position>, projection_letter, Env> letters_;
  basic_table<std::string, std::uint32_t, Env> serving_;
};

using checkpoint_store = basic_checkpoint_store<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
