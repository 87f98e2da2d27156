// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/detail/outbox_sql.hpp>
#include <gabion/adapters/sqlite/detail/savepoint.hpp>
#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/lease_store.hpp>
#include <gabion/adapters/sqlite/message_row.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/outbox/lane.hpp>
#include <gabion/outbox/store.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// What is decided once for all, when the tables are made.
struct outbox_schema_options {
  /// Lanes, each of which one relay serves at a time; 1 to 1024; default 1
  std::uint32_t lanes = 1;
};

/// How an outbox_store behaves.
struct outbox_store_options {
  message_limits limits{};  ///< what is refused at enqueue
};

/// An outbox in a SQLite database; satisfies gabion::outbox_store for sqlite::transaction.
///
/// Positions rise in the order of commit, because SQLite has one writer at a time. `fetch` reads
/// committed rows only. A row that can not be read back (written by a newer gabion, or damaged) is
/// made a dead letter when it is met, so that it stops nothing but its key. `settle` ignores
/// settlements of rows that are not pending any more. Reasons are kept up to 2,048 bytes. Enqueue
/// within one transaction costs one insert and one look-up for each message; `stats` counts the
/// entries of three partial indexes, so it is linear in what is pending and held, never in what is
/// published.
///
/// Safe to use from several threads and processes. WallClock is the store's own clock: leases are
/// judged and rows are stamped by it. It keeps a reference to the database. Failpoint:
/// "outbox.enqueued".
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_outbox_store {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(schema_missing | schema_mismatch) unless create_schema() was called for this
  /// file, error(invalid_argument) for an option out of range.
  explicit basic_outbox_store(basic_database<Env>& in, const outbox_store_options& options = {},
                              WallClock time = WallClock{})
      : database_{&in}, limits_{options.limits}, time_{time}, leases_{in, time}, ids_{time} {
    gabion::detail::require_limits(limits_);
    require_schema(in, detail::outbox_sql::tables);
    lanes_ = in.read([](connection& on) { return basic_outbox_store::stored_lanes(on); });
  }

  /// Creates the tables if they are missing. Throws error(schema_mismatch) if they have another
  /// version or number of lanes, error(invalid_argument) for a number of lanes out of range.
  static void create_schema(basic_database<Env>& in, const outbox_schema_options& options = {}) {
    gabion::detail::check_range("outbox_schema_options.lanes", options.lanes, 1, 1024);
    in.transact([&](transaction& tx) {
      detail::install(tx.on(), lease_schema);
      if (detail::install(tx.on(), detail::outbox_sql::tables))
        tx.on().run("INSERT INTO gabion_outbox_lanes (lanes) VALUES (?)", options.lanes);
      const std::uint32_t stored = basic_outbox_store::stored_lanes(tx.on());
      if (stored != options.lanes)
        throw error{errc::schema_mismatch, "the outbox tables have " + std::to_string(stored) +
                                               " lanes, asked for are " +
                                               std::to_string(options.lanes) +
                                               "; the number can not change while rows are there"};
    });
  }

  /// How many lanes the tables were made with.
  [[nodiscard]] std::uint32_t lanes() const noexcept { return lanes_; }

  /// Writes into the transaction that is open on the caller's connection. Throws
  /// error(invalid_argument) if none is, or if it is one of another database.
  std::vector<enqueued> enqueue(transaction& tx, std::span<const message> batch) {
    database_->require_own(tx, "outbox_store.enqueue");
    detail::require_transaction(tx.on(), "outbox_store.enqueue");
    gabion::require_valid(batch, limits_);
    std::vector<enqueued> written;
    written.reserve(batch.size());
    const auto insert_all = [&] {
      statement& insert = tx.on().prepare(detail::outbox_sql::insert);
      const wall_time now = time_.now();
      for (const message& m : batch) written.push_back(insert_one(tx.on(), insert, m, now));
    };
    if (batch.size() == 1)
      insert_all();
    else
      detail::all_or_nothing(tx.on(), insert_all);
    Env::failpoint("outbox.enqueued");
    return written;
  }

  [[nodiscard]] std::vector<outbox_record> fetch(std::uint32_t lane, position after,
                                                 std::size_t limit) {
    for (;;) {
      std::vector<outbox_record> found;
      const std::optional<dead_letter> unreadable = database_->read(
          [&](connection& on) { return fetch_from(on, lane, after, limit, found); });
      if (!unreadable) return found;
      database_->transact([&](transaction& tx) {
        bury(tx.on(), to_number(unreadable->at), 0, unreadable->reason);
      });
    }
  }

  [[nodiscard]] settle_status settle(const lease& held, std::span<const settlement> done,
                                     position /*watermark*/) {
    return database_->transact([&](transaction& tx) {
      if (!holds(tx.on(), held)) return settle_status::fenced;
      const wall_time now = time_.now();
      for (const settlement& s : done)
        if (s.as != disposition::parked) settle_one(tx.on(), s, now);
      // What blocks a key may stand behind what it blocks in the list, so parking comes last, in
      // order of position.
      for (const position at : basic_outbox_store::parked_in_order(done)) park(tx.on(), at);
      return settle_status::applied;
    });
  }

  [[nodiscard]] std::optional<lease> acquire_lease(std::string_view name, std::string_view owner,
                                                   duration ttl) {
    return leases_.acquire_lease(name, owner, ttl);
  }
  [[nodiscard]] bool renew_lease(const lease& held, duration ttl) {
    return leases_.renew_lease(held, ttl);
  }
  [[nodiscard]] bool release_lease(const lease& held) { return leases_.release_lease(held); }

  /// One whose headers can not be read back is shown without them.
  [[nodiscard]] std::vector<dead_letter> dead_letters(position after, std::size_t limit) {
    return database_->read([&](connection& on) {
      std::vector<dead_letter> found;
      rows r = on.query(detail::outbox_sql::dead_letters, detail::to_signed(after),
                        detail::to_signed(limit));
      while (r.next())
        found.push_back({.at = position{static_cast<std::uint64_t>(r->number(0))},
                         .what = read_message_or_rest(*r, 4),
                         .attempts = static_cast<std::uint32_t>(r->number(1)),
                         .reason = r->text(2),
                         .died_at = r->time(3)});
      return found;
    });
  }

  /// Makes the dead letter and the rows parked behind it, up to the next dead one of its key,
  /// pending again. Until they are settled, newer rows of the key are fetched as blocked, so that
  /// none overtakes them.
  [[nodiscard]] bool redrive(position at) {
    return database_->transact([&](transaction& tx) {
      const std::optional<std::string> key = basic_outbox_store::key_of_dead(tx.on(), at);
      if (!key) return false;
      tx.on().run(detail::outbox_sql::revive, detail::to_signed(at));
      if (!key->empty())
        tx.on().run(detail::outbox_sql::unpark, *key, detail::to_signed(at),
                    basic_outbox_store::next_dead(tx.on(), *key, at));
      return true;
    });
  }

  /// At most `limit` rows in one transaction: call it again while it answers `limit`.
  [[nodiscard]] std::size_t purge_published(wall_time before, std::size_t limit) {
    return database_->transact([&](transaction& tx) {
      return static_cast<std::size_t>(
          tx.on().run(detail::outbox_sql::purge, before, detail::to_signed(limit)));
    });
  }

  [[nodiscard]] outbox_stats stats() {
    return database_->read([&](connection& on) {
      outbox_stats s{.pending = basic_outbox_store::count(on, detail::outbox_sql::count_pending),
                     .dead = basic_outbox_store::count(on, detail::outbox_sql::count_dead)};
      s.parked = basic_outbox_store::count(on, detail::outbox_sql::count_held) - s.dead;
      for (std::uint32_t lane = 0; lane < lanes_ && s.pending != 0; ++lane) {
        rows oldest = on.query(detail::outbox_sql::oldest_of_lane, lane);
        if (oldest.next() && (!s.oldest_pending || oldest->time(0) < *s.oldest_pending))
          s.oldest_pending = oldest->time(0);
      }
      return s;
    });
  }

 private:
  enqueued insert_one(connection& on, statement& insert, const message& m, wall_time now) {
    const std::string made = m.id.empty() ? to_string(ids_()) : std::string{};
    const std::string_view id = m.id.empty() ? std::string_view{made} : std::string_view{m.id};
    const std::string headers = encode_headers(m.headers);
    const std::int64_t changed =
        insert.run(id, m.source, m.type, m.subject, m.time == wall_time{} ? now : m.time,
                   m.content_type, m.schema, blob_or_null(m.data), blob{headers}, m.topic,
                   lane_of(key_of(m), id, lanes_), now);
    if (changed == 1) return {position{static_cast<std::uint64_t>(on.last_insert_id())}, false};
    rows first = on.query(detail::outbox_sql::find_event, id);
    first.next();
    return {position{static_cast<std::uint64_t>(first->number(0))}, true};
  }

  /// Answers the first row that can not be read back, if there is one.
  [[nodiscard]] static std::optional<dead_letter> fetch_from(connection& on, std::uint32_t lane,
                                                             position after, std::size_t limit,
                                                             std::vector<outbox_record>& found) {
    rows r = on.query(detail::outbox_sql::fetch, lane, detail::to_signed(after),
                      detail::to_signed(limit));
    while (r.next()) {
      outbox_record record{.at = position{static_cast<std::uint64_t>(r->number(0))},
                           .attempts = static_cast<std::uint32_t>(r->number(1)),
                           .blocked = r->number(2) != 0};
      if (std::string why = read_message_unless_corrupt(record.what, *r, 3); !why.empty())
        return dead_letter{.at = record.at, .reason = std::move(why)};
      found.push_back(std::move(record));
    }
    return std::nullopt;
  }

  void settle_one(connection& on, const settlement& s, wall_time now) {
    if (s.as == disposition::delivered)
      on.run(detail::outbox_sql::set_published, now, detail::to_signed(s.at));
    else if (s.as == disposition::deferred)
      on.run(detail::outbox_sql::set_deferred, s.attempts, basic_outbox_store::shortened(s.reason),
             detail::to_signed(s.at));
    else
      bury(on, to_number(s.at), s.attempts, s.reason);
  }

  void bury(connection& on, std::uint64_t at, std::uint32_t attempts, std::string_view reason) {
    on.run(detail::outbox_sql::set_dead, attempts, basic_outbox_store::shortened(reason),
           time_.now(), detail::to_signed(at));
  }

  /// Behind a dead row it is parked. Otherwise it is pending still, but its reader has passed it:
  /// nothing newer may overtake it.
  static void park(connection& on, position at) {
    if (on.run(detail::outbox_sql::set_parked, detail::to_signed(at)) == 0)
      on.run(detail::outbox_sql::join_redriven, detail::to_signed(at));
  }

  [[nodiscard]] static std::vector<position> parked_in_order(std::span<const settlement> done) {
    std::vector<position> parked;
    for (const settlement& s : done)
      if (s.as == disposition::parked) parked.push_back(s.at);
    std::sort(parked.begin(), parked.end());
    return parked;
  }

  [[nodiscard]] static std::optional<std::string> key_of_dead(connection& on, position at) {
    rows found = on.query(detail::outbox_sql::find_dead, detail::to_signed(at));
    if (!found.next()) return std::nullopt;
    return found->text(0);
  }

  [[nodiscard]] static std::int64_t next_dead(connection& on, std::string_view key,
                                              position after) {
    rows found = on.query(detail::outbox_sql::next_dead, key, detail::to_signed(after));
    return found.next() ? found->number(0) : (std::numeric_limits<std::int64_t>::max)();
  }

  [[nodiscard]] static std::string_view shortened(std::string_view reason) noexcept {
    return reason.substr(0, 2048);
  }

  [[nodiscard]] static std::uint64_t count(connection& on, const char* sql) {
    rows counted = on.query(sql);
    counted.next();
    return static_cast<std::uint64_t>(counted->number(0));
  }

  [[nodiscard]] static std::uint32_t stored_lanes(connection& on) {
    rows found = on.query("SELECT lanes FROM gabion_outbox_lanes");
    if (!found.next()) throw error{errc::corrupt, "the table gabion_outbox_lanes is empty"};
    return static_cast<std::uint32_t>(found->number(0));
  }

  basic_database<Env>* database_;
  message_limits limits_;
  WallClock time_;
  basic_lease_store<WallClock, Env> leases_;
  basic_shared_uuid_v7_generator<WallClock, xoshiro256, Env> ids_;
  std::uint32_t lanes_ = 1;
};

using outbox_store = basic_outbox_store<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
