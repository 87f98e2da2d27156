// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/detail/journal.hpp>
#include <gabion/adapters/memory/detail/lease_table.hpp>
#include <gabion/adapters/memory/detail/outbox_table.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/outbox/lane.hpp>
#include <gabion/outbox/store.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// How an outbox_store in memory behaves.
struct outbox_store_options {
  /// Lanes, each of which one relay serves at a time; 1 to 1024; default 1
  std::uint32_t lanes = 1;
  message_limits limits{};  ///< what is refused at enqueue
};

/// An outbox in memory; satisfies gabion::outbox_store for memory::database::transaction.
///
/// It does what the SQLite one does, call for call; nothing survives the process. Safe to use from
/// several threads. A thread that has a transaction open must not call anything but `enqueue`: the
/// other calls wait for the transaction's end. WallClock is the store's own clock: leases are
/// judged and rows are stamped by it. Operations are logarithmic in the rows kept. It keeps a
/// reference to the database, which must not be in a transaction when the store is destroyed.
/// Failpoint: "outbox.enqueued".
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_outbox_store {
 public:
  using transaction = typename basic_database<Env>::transaction;

  /// Throws error(invalid_argument) for an option out of range.
  explicit basic_outbox_store(basic_database<Env>& in, const outbox_store_options& options = {},
                              WallClock time = WallClock{})
      : database_{in},
        limits_{options.limits},
        time_{time},
        table_{basic_outbox_store::valid_lanes(options.lanes)},
        ids_{time} {
    gabion::detail::require_limits(limits_);
  }
  basic_outbox_store(const basic_outbox_store&) = delete;
  basic_outbox_store& operator=(const basic_outbox_store&) = delete;

  [[nodiscard]] std::uint32_t lanes() const noexcept { return table_.lanes(); }

  /// Throws error(invalid_argument) for a transaction of another database.
  std::vector<enqueued> enqueue(transaction& tx, std::span<const message> batch) {
    database_.require_own(tx, "outbox_store.enqueue");
    gabion::require_valid(batch, limits_);
    tx.join(journal_);
    std::vector<enqueued> written;
    written.reserve(batch.size());
    const wall_time now = time_.now();
    for (const message& m : batch) written.push_back(insert(m, now));
    Env::failpoint("outbox.enqueued");
    return written;
  }

  [[nodiscard]] std::vector<outbox_record> fetch(std::uint32_t lane, position after,
                                                 std::size_t limit) {
    const auto guard = database_.lock();
    std::vector<outbox_record> found;
    if (lane >= table_.lanes()) return found;
    const auto& pending = table_.pending(lane);
    for (auto at = pending.upper_bound(to_number(after));
         at != pending.end() && found.size() < limit; ++at) {
      const detail::outbox_row& row = *table_.find(*at);
      if (row.status.redriven && table_.redriven_before(row.what.subject, to_number(after)))
        continue;
      found.push_back({position{*at}, row.what, row.status.attempts, table_.held_back(row, *at)});
    }
    return found;
  }

  [[nodiscard]] settle_status settle(const lease& held, std::span<const settlement> done,
                                     position /*watermark*/) {
    return database_.transact([&](transaction& tx) {
      if (!leases_.holds(held)) return settle_status::fenced;
      tx.join(journal_);
      std::vector<std::uint64_t> parked;
      for (const settlement& s : done)
        if (s.as == disposition::parked)
          parked.push_back(to_number(s.at));
        else
          settle_one(s);
      // What blocks a key may stand behind what it blocks in the list, so parking comes last, in
      // order of position.
      std::sort(parked.begin(), parked.end());
      for (const std::uint64_t at : parked) park(at);
      return settle_status::applied;
    });
  }

  [[nodiscard]] std::optional<lease> acquire_lease(std::string_view name, std::string_view owner,
                                                   duration ttl) {
    const auto guard = database_.lock();
    return leases_.acquire(name, owner, ttl, time_.now());
  }
  [[nodiscard]] bool renew_lease(const lease& held, duration ttl) {
    const auto guard = database_.lock();
    return leases_.renew(held, ttl, time_.now());
  }
  [[nodiscard]] bool release_lease(const lease& held) {
    const auto guard = database_.lock();
    return leases_.release(held);
  }

  [[nodiscard]] std::vector<dead_letter> dead_letters(position after, std::size_t limit) {
    const auto guard = database_.lock();
    std::vector<dead_letter> found;
    for (auto at = table_.dead().upper_bound(to_number(after));
         at != table_.dead().end() && found.size() < limit; ++at) {
      const detail::outbox_row& row = *table_.find(*at);
      found.push_back(
          {position{*at}, row.what, row.status.attempts, row.status.reason, row.status.changed_at});
    }
    return found;
  }

  /// Makes the dead letter and the rows parked behind it, up to the next dead one of its key,
  /// pending again. Until they are settled, newer rows of the key are fetched as blocked, so that
  /// none overtakes them.
  [[nodiscard]] bool redrive(position at) {
    return database_.transact([&](transaction& tx) {
      const detail::outbox_row* row = table_.find(to_number(at));
      if (row == nullptr || row->status.state != detail::outbox_state::dead) return false;
      tx.join(journal_);
      for (const std::uint64_t behind : table_.parked_behind(row->what.subject, to_number(at)))
        change(behind, {.redriven = true});
      change(to_number(at), {.redriven = true});
      return true;
    });
  }

  /// At most `limit` rows in one transaction: call it again while it answers `limit`.
  [[nodiscard]] std::size_t purge_published(wall_time before, std::size_t limit) {
    return database_.transact([&](transaction& tx) {
      std::vector<std::uint64_t> old;
      for (auto at = table_.published().begin();
           at != table_.published().end() && at->first < before && old.size() < limit; ++at)
        old.push_back(at->second);
      tx.join(journal_);
      const std::size_t count = old.size();
      journal_.on_commit([this, old = std::move(old)] {
        for (const std::uint64_t at : old) table_.erase(at);
      });
      return count;
    });
  }

  [[nodiscard]] outbox_stats stats() {
    const auto guard = database_.lock();
    outbox_stats s{.dead = table_.dead().size(), .parked = table_.parked()};
    for (std::uint32_t lane = 0; lane < table_.lanes(); ++lane) {
      const auto& pending = table_.pending(lane);
      s.pending += pending.size();
      if (pending.empty()) continue;
      const wall_time oldest = table_.find(*pending.begin())->created_at;
      if (!s.oldest_pending || oldest < *s.oldest_pending) s.oldest_pending = oldest;
    }
    return s;
  }

 private:
  enqueued insert(const message& m, wall_time now) {
    if (!m.id.empty())
      if (const auto first = table_.find_id(m.id)) return {position{*first}, true};
    detail::outbox_row row{.what = m, .created_at = now};
    if (row.what.id.empty()) row.what.id = to_string(ids_());
    if (row.what.time == wall_time{}) row.what.time = now;
    row.lane = lane_of(key_of(row.what), row.what.id, table_.lanes());
    const std::uint64_t at = table_.insert(std::move(row));
    journal_.on_rollback([this, at] { table_.erase(at); });
    return {position{at}, false};
  }

  void settle_one(const settlement& s) {
    const detail::outbox_row* row = table_.find(to_number(s.at));
    if (row == nullptr || row->status.state != detail::outbox_state::pending) return;
    detail::outbox_status to = row->status;
    if (s.as != disposition::deferred) to.redriven = false;
    if (s.as == disposition::delivered) {
      to.state = detail::outbox_state::published;
      to.changed_at = time_.now();
    } else {
      to.attempts = s.attempts;
      to.reason = s.reason.substr(0, 2048);
    }
    if (s.as == disposition::dead) {
      to.state = detail::outbox_state::dead;
      to.changed_at = time_.now();
    }
    change(to_number(s.at), std::move(to));
  }

  /// Behind a dead row it is parked. Otherwise it is pending still, but its reader has passed it:
  /// nothing newer may overtake it.
  void park(std::uint64_t at) {
    const detail::outbox_row* row = table_.find(at);
    if (row == nullptr || row->status.state != detail::outbox_state::pending ||
        row->what.subject.empty())
      return;
    detail::outbox_status to = row->status;
    to.redriven = !table_.blocked(row->what.subject, at);
    if (!to.redriven) to.state = detail::outbox_state::parked;
    change(at, std::move(to));
  }

  void change(std::uint64_t at, detail::outbox_status to) {
    journal_.on_rollback(
        [this, at, former = table_.change(at, std::move(to))] { table_.change(at, former); });
  }

  [[nodiscard]] static std::uint32_t valid_lanes(std::uint32_t lanes) {
    gabion::detail::check_range("outbox_store_options.lanes", lanes, 1, 1024);
    return lanes;
  }

  basic_database<Env>& database_;
  message_limits limits_;
  WallClock time_;
  detail::outbox_table table_;
  detail::lease_table leases_{};
  detail::journal journal_{};
  basic_shared_uuid_v7_generator<WallClock, xoshiro256, Env> ids_;
};

using outbox_store = basic_outbox_store<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
