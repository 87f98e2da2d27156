// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/sqlite/schema.hpp>

/// The tables and statements of the inbox store, in one place so that a test can look at the plan
/// of each.
///
/// status is the number of inbox_status: 0 processed, 1 dead, 2 parked, 3 redriven. Times are
/// microseconds since 1970, UTC.
namespace gabion {
inline namespace v0 {
namespace sqlite::detail::inbox_sql {

inline constexpr schema tables{.component = "inbox", .version = 1, .ddl = R"sql(
CREATE TABLE gabion_inbox (
  consumer_name TEXT NOT NULL,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  processed_at INTEGER NOT NULL,
  error_message TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (consumer_name, source, event_id)
) WITHOUT ROWID;
CREATE INDEX gabion_inbox_processed ON gabion_inbox (processed_at) WHERE status = 0;
CREATE TABLE gabion_inbox_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer_name TEXT NOT NULL,
  event_id TEXT NOT NULL,
  source TEXT NOT NULL,
  event_type TEXT NOT NULL,
  subject TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  data_schema TEXT NOT NULL,
  payload BLOB,
  headers BLOB NOT NULL,
  topic TEXT NOT NULL,
  status INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  kept_at INTEGER NOT NULL,
  UNIQUE (consumer_name, source, event_id)
);
CREATE INDEX gabion_inbox_letter_key ON gabion_inbox_letter (consumer_name, subject, status, id);
CREATE INDEX gabion_inbox_letter_list ON gabion_inbox_letter (consumer_name, id);
CREATE INDEX gabion_inbox_letter_redriven ON gabion_inbox_letter (consumer_name, id) WHERE status = 3;
CREATE VIEW gabion_event_log AS
  SELECT event_id, source, consumer_name,
         CASE status WHEN 0 THEN 'processed' WHEN 1 THEN 'dead' WHEN 2 THEN 'parked' ELSE 'redriven' END AS status,
         strftime('%Y-%m-%dT%H:%M:%SZ', processed_at / 1000000, 'unixepoch') AS processed_at,
         error_message, attempts
  FROM gabion_inbox;
)sql"};

inline constexpr const char* begin =
    "INSERT INTO gabion_inbox (consumer_name, source, event_id, status, processed_at) VALUES (?, "
    "?, ?, 0, ?)"
    " ON CONFLICT (consumer_name, source, event_id) DO NOTHING";
inline constexpr const char* note =
    "INSERT INTO gabion_inbox (consumer_name, source, event_id, status, processed_at, "
    "error_message, attempts)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (consumer_name, source, event_id) DO UPDATE SET "
    "status = excluded.status,"
    " processed_at = excluded.processed_at, error_message = excluded.error_message, attempts = "
    "excluded.attempts";
inline constexpr const char* entry =
    "SELECT status, processed_at, attempts, error_message FROM gabion_inbox"
    " WHERE consumer_name = ? AND source = ? AND event_id = ?";
inline constexpr const char* purge =
    "DELETE FROM gabion_inbox WHERE (consumer_name, source, event_id) IN (SELECT consumer_name, "
    "source, event_id"
    " FROM gabion_inbox INDEXED BY gabion_inbox_processed WHERE status = 0 AND processed_at < ? "
    "ORDER BY processed_at LIMIT ?)";

inline constexpr const char* find_letter =
    "SELECT id, status FROM gabion_inbox_letter WHERE consumer_name = ? AND source = ? AND "
    "event_id = ?";
inline constexpr const char* keep =
    "INSERT INTO gabion_inbox_letter (consumer_name, event_id, source, event_type, subject, "
    "occurred_at, content_type,"
    " data_schema, payload, headers, topic, status, attempts, last_error, kept_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr const char* set_status =
    "UPDATE gabion_inbox_letter SET status = ?, attempts = ?, last_error = ?, kept_at = ? WHERE id "
    "= ?";

/// Letters of a key with a status, from an id on and before another.
inline constexpr const char* of_key =
    "SELECT id FROM gabion_inbox_letter WHERE consumer_name = ? AND subject = ? AND status = ? AND "
    "id > ? AND id < ?"
    " ORDER BY id LIMIT 1";
inline constexpr const char* any_of_key =
    "SELECT 1 FROM gabion_inbox_letter WHERE consumer_name = ? AND subject = ? LIMIT 1";
inline constexpr const char* move_letters =
    "UPDATE gabion_inbox_letter SET status = ? WHERE consumer_name = ? AND subject = ? AND status "
    "= ? AND id > ? AND id < ?";
inline constexpr const char* move_entries =
    "UPDATE gabion_inbox SET status = ? WHERE (consumer_name, source, event_id) IN (SELECT "
    "consumer_name, source, event_id"
    " FROM gabion_inbox_letter WHERE consumer_name = ? AND subject = ? AND status = ? AND id > ? "
    "AND id < ?)";

inline constexpr const char* letters =
    "SELECT id, status, attempts, last_error, kept_at, event_id, source, event_type, subject, "
    "occurred_at, content_type,"
    " data_schema, payload, headers, topic FROM gabion_inbox_letter INDEXED BY "
    "gabion_inbox_letter_list"
    " WHERE consumer_name = ? AND id > ? ORDER BY id LIMIT ?";
inline constexpr const char* redriven =
    "SELECT id, status, attempts, last_error, kept_at, event_id, source, event_type, subject, "
    "occurred_at, content_type,"
    " data_schema, payload, headers, topic FROM gabion_inbox_letter INDEXED BY "
    "gabion_inbox_letter_redriven"
    " WHERE status = 3 AND consumer_name = ? AND id > ? ORDER BY id LIMIT ?";
inline constexpr const char* letter_at =
    "SELECT source, event_id, subject, last_error FROM gabion_inbox_letter WHERE id = ? AND "
    "consumer_name = ? AND status = ?";
inline constexpr const char* remove = "DELETE FROM gabion_inbox_letter WHERE id = ?";
inline constexpr const char* finish_entry =
    "UPDATE gabion_inbox SET status = 0, processed_at = ? WHERE consumer_name = ? AND source = ? "
    "AND event_id = ?";

}  // namespace sqlite::detail::inbox_sql
}  // namespace v0
}  // namespace gabion
