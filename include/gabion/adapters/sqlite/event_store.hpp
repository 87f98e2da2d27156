// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/database.hpp>
#include <gabion/adapters/sqlite/detail/savepoint.hpp>
#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/message_row.hpp>
#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/cqrs/detail/append_rules.hpp>
#include <gabion/cqrs/event_store.hpp>
#include <gabion/log/wake_group.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

namespace detail {

// REPLACE removes conflicting rows without running DELETE triggers, unless the connection has set
// recursive_triggers. So this trigger refuses the row before it is inserted. NEW.position is -1
// here if SQLite chooses the position.
inline constexpr const char* event_upgrades[] = {R"sql(
  CREATE TRIGGER gabion_event_append BEFORE INSERT ON gabion_event
    WHEN EXISTS (SELECT 1 FROM gabion_event WHERE event_id = NEW.event_id)
      OR NEW.version <= (SELECT max(version) FROM gabion_event WHERE stream = NEW.stream)
      OR (NEW.position <> -1 AND NEW.position <= (SELECT max(position) FROM gabion_event))
    BEGIN SELECT RAISE(ABORT, 'events are only appended'); END;
)sql"};

}  // namespace detail

/// The table of the event store. Rows are never changed or removed; AUTOINCREMENT rolls back with
/// its transaction, so positions are neither used twice nor left out.
inline constexpr schema event_schema{.component = "events",
                                     .version = 2,
                                     .ddl = R"sql(
  CREATE TABLE gabion_event (
    position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, version INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
    event_id TEXT NOT NULL, source TEXT NOT NULL, event_type TEXT NOT NULL, subject TEXT NOT NULL, occurred_at INTEGER NOT NULL,
    content_type TEXT NOT NULL, data_schema TEXT NOT NULL, payload BLOB, headers BLOB NOT NULL, topic TEXT NOT NULL,
    UNIQUE (stream, version), UNIQUE (event_id));
  CREATE TRIGGER gabion_event_keep BEFORE DELETE ON gabion_event
    BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
  CREATE TRIGGER gabion_event_fixed BEFORE UPDATE ON gabion_event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
)sql",
                                     .upgrades = detail::event_upgrades};

/// Options of an event store in SQLite.
struct event_store_options {
  message_limits limits{};  ///< limits on an event, checked at append; the same as an outbox's
};

/// An event store in a SQLite database. Positions are 1, 2, 3 ... without a hole, because
/// transactions are serial.
///
/// Safe to use from several threads; appends take turns with every other write to the database.
/// Appending costs logarithmic time for each event, and throws error(invalid_argument) if no
/// transaction is open on the connection, or if it is one of another database.
template <wall_clock WallClock = system_clock, env Env = native_env,
          random_source Random = xoshiro256>
class basic_event_store {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(schema_missing | schema_mismatch); see create_schema(). The database must outlive
  /// the store.
  explicit basic_event_store(basic_database<Env>& in, WallClock time = WallClock{},
                             Random random = Random{})
      : basic_event_store{in, event_store_options{}, std::move(time), std::move(random)} {}
  /// The same; also throws error(invalid_argument) if an option is out of range.
  explicit basic_event_store(basic_database<Env>& in, const event_store_options& options,
                             WallClock time = WallClock{}, Random random = Random{})
      : database_{&in},
        limits_{options.limits},
        time_{time},
        new_id_{std::move(time), std::move(random)} {
    gabion::detail::require_limits(limits_);
    require_schema(in, event_schema);
  }
  basic_event_store(const basic_event_store&) = delete;
  basic_event_store& operator=(const basic_event_store&) = delete;

  /// Creates the table if it is missing, or upgrades it if it has an earlier version.
  static void create_schema(basic_database<Env>& in) { sqlite::create_schema(in, event_schema); }

  append_result append(transaction& tx, std::string_view stream, expected_version expected,
                       std::span<const message> events) {
    gabion::detail::check_append(stream, events, limits_);
    connection& on = tx.on();
    database_->require_own(tx, "event_store.append");
    detail::require_transaction(on, "event_store.append");
    const std::uint64_t actual = version_of(on, stream);
    auto find = [&](std::string_view id) { return place_of(on, id, stream); };
    if (auto decided = gabion::detail::decide_append(actual, expected, events, find))
      return *std::move(decided);
    append_result result{.version = actual + events.size(), .actual = actual + events.size()};
    const wall_time now = time_.now();
    for (std::uint64_t version = actual; const message& m : events) {
      insert(on, stream, ++version, m, now);
      result.last = position{static_cast<std::uint64_t>(on.last_insert_id())};
      if (result.first == beginning) result.first = result.last;
    }
    Env::failpoint("events.appended");
    tx.wake_on_commit(wake_ref{appended_});
    return result;
  }

  [[nodiscard]] stream_page read(std::string_view stream, std::uint64_t from, std::size_t limit,
                                 read_direction direction) const {
    gabion::detail::check_limit(limit);
    return database_->read(
        [&](connection& on) { return page(on, stream, from, limit, direction); });
  }

  [[nodiscard]] stream_page read(transaction& tx, std::string_view stream, std::uint64_t from,
                                 std::size_t limit, read_direction direction) const {
    database_->require_own(tx, "event_store.read");
    gabion::detail::check_limit(limit);
    return page(tx.on(), stream, from, limit, direction);
  }

  [[nodiscard]] std::vector<recorded_event> read_all(position from, std::size_t limit,
                                                     read_direction direction) const {
    gabion::detail::check_limit(limit);
    const std::string& sql = direction == read_direction::forward ? log_forward_ : log_backward_;
    return database_->read([&](connection& on) {
      return events_of(on.query(sql, detail::to_signed(from), detail::to_signed(limit)));
    });
  }

  [[nodiscard]] position head() const {
    return database_->read([](connection& on) {
      rows found = on.query("SELECT max(position) FROM gabion_event");
      return position{found.next() ? static_cast<std::uint64_t>(found->number(0)) : 0};
    });
  }

  [[nodiscard]] const message_limits& limits() const noexcept { return limits_; }

  /// Woken after each commit that appended through this store, in this process.
  [[nodiscard]] basic_wake_group<Env>& appended() noexcept { return appended_; }

 private:
  [[nodiscard]] static std::uint64_t version_of(connection& on, std::string_view stream) {
    rows found = on.query("SELECT max(version) FROM gabion_event WHERE stream = ?", stream);
    return found.next() ? static_cast<std::uint64_t>(found->number(0)) : 0;
  }

  [[nodiscard]] static std::optional<gabion::detail::event_place> place_of(
      connection& on, std::string_view id, std::string_view stream) {
    rows found =
        on.query("SELECT stream, version, position FROM gabion_event WHERE event_id = ?", id);
    if (!found.next()) return std::nullopt;
    return gabion::detail::event_place{
        .here = found->view(0) == stream,
        .version = static_cast<std::uint64_t>(found->number(1)),
        .at = position{static_cast<std::uint64_t>(found->number(2))}};
  }

  void insert(connection& on, std::string_view stream, std::uint64_t version, const message& m,
              wall_time now) {
    const std::string id = m.id.empty() ? to_string(new_id_()) : m.id;
    const std::string headers = encode_headers(m.headers);
    on.run(
        "INSERT INTO gabion_event (stream, version, recorded_at, event_id, source, event_type, "
        "subject, occurred_at, "
        "content_type,"
        " data_schema, payload, headers, topic) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        stream, version, now, id, m.source, m.type, m.subject, m.time == wall_time{} ? now : m.time,
        m.content_type, m.schema, blob_or_null(m.data), blob{headers}, m.topic);
  }

  [[nodiscard]] stream_page page(connection& on, std::string_view stream, std::uint64_t from,
                                 std::size_t limit, read_direction direction) const {
    stream_page result{.version = version_of(on, stream)};
    const std::string& sql =
        direction == read_direction::forward ? stream_forward_ : stream_backward_;
    if (result.version != 0)
      result.events =
          events_of(on.query(sql, stream, detail::to_signed(from), detail::to_signed(limit)));
    gabion::detail::finish_page(result, from, direction);
    return result;
  }

  [[nodiscard]] static std::vector<recorded_event> events_of(rows&& found) {
    std::vector<recorded_event> events;
    while (found.next())
      events.push_back({.at = position{static_cast<std::uint64_t>(found->number(0))},
                        .stream = found->text(1),
                        .version = static_cast<std::uint64_t>(found->number(2)),
                        .recorded_at = found->time(3),
                        .what = read_message(*found, 4)});
    return events;
  }

  [[nodiscard]] static std::string select(const char* rest) {
    return std::string{"SELECT position, stream, version, recorded_at, "} + message_column_names +
           " FROM gabion_event WHERE " + rest;
  }

  basic_database<Env>* database_;
  message_limits limits_;
  WallClock time_;
  basic_shared_uuid_v7_generator<WallClock, Random, Env> new_id_;
  std::string stream_forward_ = select("stream = ? AND version >= ? ORDER BY version LIMIT ?");
  std::string stream_backward_ =
      select("stream = ? AND version <= ? ORDER BY version DESC LIMIT ?");
  std::string log_forward_ = select("position > ? ORDER BY position LIMIT ?");
  std::string log_backward_ = select("position < ? ORDER BY position DESC LIMIT ?");
  basic_wake_group<Env> appended_{};
};

using event_store = basic_event_store<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
