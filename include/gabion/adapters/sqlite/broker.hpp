// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/detail/to_signed.hpp>
#include <gabion/adapters/sqlite/message_row.hpp>
#include <gabion/adapters/sqlite/schema.hpp>
#include <gabion/outbox/basic_broker.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The tables of the embedded broker.
inline constexpr schema broker_schema{.component = "broker", .version = 1, .ddl = R"sql(
  CREATE TABLE gabion_broker_message (
    topic TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL,
    event_id TEXT NOT NULL, source TEXT NOT NULL, event_type TEXT NOT NULL, subject TEXT NOT NULL, occurred_at INTEGER NOT NULL,
    content_type TEXT NOT NULL, data_schema TEXT NOT NULL, payload BLOB, headers BLOB NOT NULL,
    PRIMARY KEY (topic, part, offset)) WITHOUT ROWID;
  CREATE TABLE gabion_broker_partition (
    topic TEXT NOT NULL, part INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, part)) WITHOUT ROWID;
  CREATE TABLE gabion_broker_offset (
    group_name TEXT NOT NULL, topic TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, topic, part)) WITHOUT ROWID;
)sql"};

/// Keeps a broker's messages and offsets in a database file. Durable once `append` or `commit`
/// returns.
///
/// Safe to use from several threads of one process; a second process must not append. Writes
/// through any transactor on sqlite::transaction, for example a group_commit, and reads from the
/// database beside it.
template <class Writer = database, env Env = native_env>
class broker_storage {
 public:
  /// Throws error(schema_missing | schema_mismatch); see create_schema() and broker_schema.
  explicit broker_storage(basic_database<Env>& in)
    requires std::same_as<Writer, basic_database<Env>>
      : broker_storage{in, in} {}
  broker_storage(basic_database<Env>& in, Writer& writer) : database_{&in}, writer_{&writer} {
    require_schema(in, broker_schema);
  }

  std::size_t append(std::span<const placement> batch) {
    writer_->transact([&](transaction& tx) {
      std::map<address, std::int64_t> last;
      for (const placement& p : batch) {
        const address to{p.what->topic, p.partition};
        const auto known = last.find(to);
        std::int64_t& offset = known != last.end()
                                   ? known->second
                                   : last.emplace(to, last_offset(tx.on(), to)).first->second;
        insert(tx.on(), p, ++offset);
      }
      for (const auto& [to, offset] : last)
        tx.on().run(
            "INSERT OR REPLACE INTO gabion_broker_partition (topic, part, last_offset) VALUES (?, "
            "?, ?)",
            to.first, to.second, offset);
    });
    return batch.size();
  }

  [[nodiscard]] std::vector<received> read(std::string_view topic, std::uint32_t part,
                                           position after, std::size_t limit) {
    return database_->read([&](connection& on) {
      rows found = on.query(
          "SELECT offset, event_id, source, event_type, subject, occurred_at, content_type, "
          "data_schema, payload, headers, topic "
          "FROM gabion_broker_message WHERE topic = ? AND part = ? AND offset > ? ORDER BY offset "
          "LIMIT ?",
          topic, part, detail::to_signed(after), detail::to_signed(limit));
      std::vector<received> batch;
      while (found.next())
        batch.push_back({part, position{static_cast<std::uint64_t>(found->number(0))},
                         read_message(*found, 1)});
      return batch;
    });
  }

  [[nodiscard]] position committed(std::string_view group, std::string_view topic,
                                   std::uint32_t part) {
    return database_->read([&](connection& on) {
      return position{static_cast<std::uint64_t>(committed_offset(on, group, topic, part))};
    });
  }

  void commit(std::string_view group, std::string_view topic, std::uint32_t part, position up_to) {
    writer_->transact([&](transaction& tx) {
      tx.on().run(
          "INSERT INTO gabion_broker_offset (group_name, topic, part, offset) VALUES (?, ?, ?, ?) "
          "ON CONFLICT (group_name, topic, part) DO UPDATE SET offset = max(offset, "
          "excluded.offset)",
          group, topic, part, detail::to_signed(up_to));
    });
  }

  /// Removes messages that all of these groups have committed, at most `limit` per partition.
  /// Answers how many. A group that is not named does not hold anything back.
  std::size_t trim(std::span<const std::string> groups, std::size_t limit) {
    if (groups.empty()) return 0;
    return writer_->transact([&](transaction& tx) {
      std::vector<address> all;
      for (rows found = tx.on().query("SELECT topic, part FROM gabion_broker_partition");
           found.next();)
        all.emplace_back(found->text(0), static_cast<std::uint32_t>(found->number(1)));
      std::int64_t removed = 0;
      for (const address& from : all) removed += trim(tx.on(), from, groups, limit);
      return static_cast<std::size_t>(removed);
    });
  }

 private:
  using address = std::pair<std::string, std::uint32_t>;

  // Offsets go on from the highest ever given, not from the highest still stored: a group would
  // skip a reused one.
  static std::int64_t last_offset(connection& on, const address& of) {
    rows found =
        on.query("SELECT last_offset FROM gabion_broker_partition WHERE topic = ? AND part = ?",
                 of.first, of.second);
    return found.next() ? found->number(0) : 0;
  }

  static std::int64_t committed_offset(connection& on, std::string_view group,
                                       std::string_view topic, std::uint32_t part) {
    rows found = on.query(
        "SELECT offset FROM gabion_broker_offset WHERE group_name = ? AND topic = ? AND part = ?",
        group, topic, part);
    return found.next() ? found->number(0) : 0;
  }

  static std::int64_t trim(connection& on, const address& from, std::span<const std::string> groups,
                           std::size_t limit) {
    std::int64_t done = (std::numeric_limits<std::int64_t>::max)();
    for (const std::string& group : groups)
      done = (std::min)(done, committed_offset(on, group, from.first, from.second));
    return on.run(
        "DELETE FROM gabion_broker_message WHERE topic = ?1 AND part = ?2 AND offset IN (SELECT "
        "offset FROM "
        "gabion_broker_message "
        "WHERE topic = ?1 AND part = ?2 AND offset <= ?3 ORDER BY offset LIMIT ?4)",
        from.first, from.second, done, detail::to_signed(limit));
  }

  static void insert(connection& on, const placement& p, std::int64_t offset) {
    const message& m = *p.what;
    const std::string headers = encode_headers(m.headers);
    on.run(
        "INSERT INTO gabion_broker_message (topic, part, offset, event_id, source, event_type, "
        "subject, occurred_at, "
        "content_type, "
        "data_schema, payload, headers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        m.topic, p.partition, offset, m.id, m.source, m.type, m.subject, m.time, m.content_type,
        m.schema, blob_or_null(m.data), blob{headers});
  }

  basic_database<Env>* database_;
  Writer* writer_;
};

/// A broker whose messages and offsets survive the process, for one process at a time.
/// \code sqlite::create_schema(db, sqlite::broker_schema); sqlite::broker b{{.partitions = 4}, db};
/// \endcode
using broker = basic_broker<broker_storage<>>;

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
