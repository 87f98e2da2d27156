// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/detail/inbox_sql.hpp>
#include <gabion/adapters/sqlite/detail/savepoint.hpp>
#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/message_row.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/outbox/inbox_store.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The inbox and event log of any number of consumers in a SQLite database; satisfies
/// gabion::inbox_store for sqlite::transaction.
///
/// An entry of the log exists from begin_message or from the first letter on, whatever its status,
/// and answers every later begin_message with false. `keep_dead` and `keep_parked` replace what
/// begin_message wrote in the same transaction, so call begin_message first and keep only what it
/// called new. Letters keep their place when they fail again: keep_dead on a redriven letter makes
/// it dead where it is and parks the redriven letters of its key behind it. A message kept behind
/// letters that are all redriven is redriven too, so that it can not be stranded. `finish_letter`
/// answers false also while an earlier redriven letter of the key is there, so two workers can not
/// swap the order. Reasons are kept up to 2,048 bytes.
///
/// Safe to use from several threads and processes. WallClock stamps the entries. It keeps a
/// reference to the database.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_inbox_store {
 public:
  using transaction = sqlite::transaction;

  /// Throws error(schema_missing | schema_mismatch) unless create_schema() was called for this
  /// file.
  explicit basic_inbox_store(basic_database<Env>& in, WallClock time = WallClock{})
      : database_{&in}, time_{std::move(time)} {
    require_schema(in, detail::inbox_sql::tables);
  }

  /// Creates the tables if they are missing.
  static void create_schema(basic_database<Env>& in) {
    sqlite::create_schema(in, detail::inbox_sql::tables);
  }

  /// Throws error(invalid_argument) if the consumer's name or the message's id is empty, no
  /// transaction is open, or it is one of another database.
  [[nodiscard]] bool begin_message(transaction& tx, std::string_view consumer, const message& m) {
    require(tx, consumer, m);
    return tx.on().run(detail::inbox_sql::begin, consumer, m.source, m.id, time_.now()) == 1;
  }

  void keep_dead(transaction& tx, std::string_view consumer, const message& m,
                 std::uint32_t attempts, std::string_view reason) {
    require(tx, consumer, m);
    const fate as{inbox_status::dead, attempts, reason.substr(0, 2048), time_.now()};
    const std::int64_t at = put_letter(tx.on(), consumer, m, as);
    if (!m.subject.empty())
      move(tx.on(), consumer, m.subject, inbox_status::redriven, inbox_status::parked, at, last);
  }

  [[nodiscard]] bool keep_parked(transaction& tx, std::string_view consumer, const message& m) {
    require(tx, consumer, m);
    if (!blocked(tx, consumer, m.subject)) return false;
    const std::int64_t before = letter_of(tx.on(), consumer, m).value_or(last);
    const bool behind_dead =
        first_of_key(tx.on(), consumer, m.subject, inbox_status::dead, 0, before).has_value();
    if (before != last && is_dead(tx.on(), consumer, before)) return true;
    put_letter(tx.on(), consumer, m,
               {behind_dead ? inbox_status::parked : inbox_status::redriven, 0, {}, time_.now()});
    return true;
  }

  [[nodiscard]] bool blocked(transaction& tx, std::string_view consumer, std::string_view key) {
    database_->require_own(tx, "inbox_store.blocked");
    return !key.empty() && tx.on().query(detail::inbox_sql::any_of_key, consumer, key).next();
  }

  /// All letters of the consumer, in order. One whose headers can not be read back is shown without
  /// them.
  [[nodiscard]] std::vector<inbox_letter> letters(std::string_view consumer, position after,
                                                  std::size_t limit) {
    return list(detail::inbox_sql::letters, consumer, after, limit,
                [](inbox_letter& letter, const statement& row, int first) {
                  letter.what = read_message_or_rest(row, first);
                  return true;
                });
  }
  /// Those that wait to be handled again, in order. One that can not be read back becomes dead
  /// again.
  [[nodiscard]] std::vector<inbox_letter> redriven(std::string_view consumer, position after,
                                                   std::size_t limit) {
    for (;;) {
      std::optional<inbox_letter> unreadable;
      auto found = list(detail::inbox_sql::redriven, consumer, after, limit,
                        [&](inbox_letter& letter, const statement& row, int first) {
                          const std::string why =
                              read_message_unless_corrupt(letter.what, row, first);
                          if (why.empty()) return true;
                          letter.what = read_message_or_rest(row, first);
                          unreadable = std::move(letter);
                          unreadable->reason = why;
                          return false;
                        });
      if (!unreadable) return found;
      database_->transact([&](transaction& tx) {
        keep_dead(tx, consumer, unreadable->what, unreadable->attempts, unreadable->reason);
      });
    }
  }

  /// Makes the dead letter and those parked behind it, up to the next dead one of its key,
  /// redriven; counts start at 0.
  [[nodiscard]] bool redrive(std::string_view consumer, position at) {
    return database_->transact([&](transaction& tx) {
      const auto found = letter_at(tx.on(), consumer, at, inbox_status::dead);
      if (!found) return false;
      const std::int64_t id = detail::to_signed(at);
      if (!found->subject.empty()) {
        const std::int64_t end =
            first_of_key(tx.on(), consumer, found->subject, inbox_status::dead, id, last)
                .value_or(last);
        move(tx.on(), consumer, found->subject, inbox_status::parked, inbox_status::redriven, id,
             end);
      }
      write(tx.on(), consumer, *found, id, {inbox_status::redriven, 0, found->reason, time_.now()});
      return true;
    });
  }

  [[nodiscard]] bool still_redriven(transaction& tx, std::string_view consumer, position at) {
    database_->require_own(tx, "inbox_store.still_redriven");
    detail::require_transaction(tx.on(), "inbox_store.still_redriven");
    return letter_at(tx.on(), consumer, at, inbox_status::redriven).has_value();
  }

  [[nodiscard]] bool finish_letter(transaction& tx, std::string_view consumer, position at) {
    database_->require_own(tx, "inbox_store.finish_letter");
    detail::require_transaction(tx.on(), "inbox_store.finish_letter");
    const auto found = letter_at(tx.on(), consumer, at, inbox_status::redriven);
    if (!found) return false;
    const std::int64_t id = detail::to_signed(at);
    if (!found->subject.empty() &&
        first_of_key(tx.on(), consumer, found->subject, inbox_status::redriven, 0, id))
      return false;
    tx.on().run(detail::inbox_sql::remove, id);
    tx.on().run(detail::inbox_sql::finish_entry, time_.now(), consumer, found->source, found->id);
    return true;
  }

  [[nodiscard]] std::optional<inbox_entry> entry(std::string_view consumer, std::string_view source,
                                                 std::string_view message_id) {
    return database_->read([&](connection& on) -> std::optional<inbox_entry> {
      rows found = on.query(detail::inbox_sql::entry, consumer, source, message_id);
      if (!found.next()) return std::nullopt;
      return inbox_entry{.status = static_cast<inbox_status>(found->number(0)),
                         .processed_at = found->time(1),
                         .attempts = static_cast<std::uint32_t>(found->number(2)),
                         .reason = found->text(3)};
    });
  }

  /// At most `limit` entries in one transaction: call it again while it answers `limit`. A message
  /// whose entry is purged is new again, so keep entries longer than the longest redelivery.
  [[nodiscard]] std::size_t purge_processed(wall_time before, std::size_t limit) {
    return database_->transact([&](transaction& tx) {
      return static_cast<std::size_t>(
          tx.on().run(detail::inbox_sql::purge, before, detail::to_signed(limit)));
    });
  }

 private:
  static constexpr std::int64_t last = (std::numeric_limits<std::int64_t>::max)();

  struct fate {
    inbox_status status = inbox_status::dead;
    std::uint32_t attempts = 0;
    std::string_view reason{};
    wall_time at{};
  };
  struct found_letter {
    std::string source{};
    std::string id{};
    std::string subject{};
    std::string reason{};
  };

  void require(const transaction& tx, std::string_view consumer, const message& m) const {
    database_->require_own(tx, "inbox_store");
    detail::require_transaction(tx.on(), "inbox_store");
    if (consumer.empty())
      throw error{errc::invalid_argument, "inbox_store: the consumer's name is empty"};
    if (m.id.empty())
      throw error{errc::invalid_argument,
                  "inbox_store: message.id is empty; without it a repetition can not be told"};
  }

  /// Keeps the message under this status, where it lies already or at the end, and notes the same
  /// in the log.
  std::int64_t put_letter(connection& on, std::string_view consumer, const message& m,
                          const fate& as) {
    const std::optional<std::int64_t> there = letter_of(on, consumer, m);
    if (there) {
      write(on, consumer, {m.source, m.id, m.subject, {}}, *there, as);
      return *there;
    }
    const std::string headers = encode_headers(m.headers);
    on.run(detail::inbox_sql::keep, consumer, m.id, m.source, m.type, m.subject, m.time,
           m.content_type, m.schema, blob_or_null(m.data), blob{headers}, m.topic, as.status,
           as.attempts, as.reason, as.at);
    const std::int64_t at = on.last_insert_id();
    on.run(detail::inbox_sql::note, consumer, m.source, m.id, as.status, as.at, as.reason,
           as.attempts);
    return at;
  }

  void write(connection& on, std::string_view consumer, const found_letter& which, std::int64_t at,
             const fate& as) {
    on.run(detail::inbox_sql::set_status, as.status, as.attempts, as.reason, as.at, at);
    on.run(detail::inbox_sql::note, consumer, which.source, which.id, as.status, as.at, as.reason,
           as.attempts);
  }

  /// Letters of the key with status `from` between two ids, both left out, and their entries, get
  /// the status `to`.
  void move(connection& on, std::string_view consumer, std::string_view key, inbox_status from,
            inbox_status to, std::int64_t after, std::int64_t before) {
    on.run(detail::inbox_sql::move_entries, to, consumer, key, from, after, before);
    on.run(detail::inbox_sql::move_letters, to, consumer, key, from, after, before);
  }

  [[nodiscard]] static std::optional<std::int64_t> first_of_key(
      connection& on, std::string_view consumer, std::string_view key, inbox_status with,
      std::int64_t after, std::int64_t before) {
    rows found = on.query(detail::inbox_sql::of_key, consumer, key, with, after, before);
    return found.next() ? std::optional{found->number(0)} : std::nullopt;
  }

  [[nodiscard]] static std::optional<std::int64_t> letter_of(connection& on,
                                                             std::string_view consumer,
                                                             const message& m) {
    rows found = on.query(detail::inbox_sql::find_letter, consumer, m.source, m.id);
    return found.next() ? std::optional{found->number(0)} : std::nullopt;
  }

  [[nodiscard]] static bool is_dead(connection& on, std::string_view consumer, std::int64_t at) {
    return on.query(detail::inbox_sql::letter_at, at, consumer, inbox_status::dead).next();
  }

  [[nodiscard]] static std::optional<found_letter> letter_at(connection& on,
                                                             std::string_view consumer, position at,
                                                             inbox_status with) {
    rows found = on.query(detail::inbox_sql::letter_at, detail::to_signed(at), consumer, with);
    if (!found.next()) return std::nullopt;
    return found_letter{found->text(0), found->text(1), found->text(2), found->text(3)};
  }

  /// Reads letters until `read_what(letter, row, first column of the message)` answers false.
  template <class Reader>
  [[nodiscard]] std::vector<inbox_letter> list(const char* sql, std::string_view consumer,
                                               position after, std::size_t limit,
                                               Reader read_what) {
    return database_->read([&](connection& on) {
      std::vector<inbox_letter> found;
      rows r = on.query(sql, consumer, detail::to_signed(after), detail::to_signed(limit));
      while (r.next()) {
        inbox_letter letter{.at = position{static_cast<std::uint64_t>(r->number(0))},
                            .status = static_cast<inbox_status>(r->number(1)),
                            .attempts = static_cast<std::uint32_t>(r->number(2)),
                            .reason = r->text(3),
                            .kept_at = r->time(4)};
        if (!read_what(letter, *r, 5)) break;
        found.push_back(std::move(letter));
      }
      return found;
    });
  }

  basic_database<Env>* database_;
  WallClock time_;
};

using inbox_store = basic_inbox_store<>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
