// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/sqlite/schema.hpp>

/// The tables and statements of the outbox store, in one place so that a test can look at the plan
/// of each.
///
/// state: 0 pending, 1 published, 2 dead, 3 parked. redriven: 1 while a row is pending that a
/// reader has passed over, because it was redriven or was to be parked too late; until it is
/// settled, newer rows of its key may not go before it. A fetch leaves out redriven rows behind one
/// that lies before its start: a reader that has passed the first need not hold it. Each partial
/// index holds the rows of one state, so what is published costs nothing when the rest is read, and
/// names the state, so that counting reads no row. Times are microseconds since 1970, UTC.
namespace gabion {
inline namespace v0 {
namespace sqlite::detail::outbox_sql {

inline constexpr schema tables{.component = "outbox", .version = 1, .ddl = R"sql(
CREATE TABLE gabion_outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  event_type TEXT NOT NULL,
  subject TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  data_schema TEXT NOT NULL,
  payload BLOB,
  headers BLOB NOT NULL,
  topic TEXT NOT NULL,
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  redriven INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  published_at INTEGER,
  died_at INTEGER
);
CREATE INDEX gabion_outbox_pending ON gabion_outbox (lane, state) WHERE state = 0;
CREATE INDEX gabion_outbox_published ON gabion_outbox (published_at) WHERE state = 1;
CREATE INDEX gabion_outbox_dead ON gabion_outbox (state) WHERE state = 2;
CREATE INDEX gabion_outbox_held ON gabion_outbox (subject, id, state) WHERE state >= 2;
CREATE INDEX gabion_outbox_redriven ON gabion_outbox (subject, id) WHERE redriven = 1;
CREATE TABLE gabion_outbox_lanes (lanes INTEGER NOT NULL);
CREATE VIEW gabion_outbox_log AS
  SELECT id, event_id, source, event_type, subject, topic, lane, payload,
         CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'published' WHEN 2 THEN 'dead' ELSE 'parked' END AS status,
         attempts, last_error,
         strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000000, 'unixepoch') AS created_at,
         strftime('%Y-%m-%dT%H:%M:%SZ', published_at / 1000000, 'unixepoch') AS published_at,
         state = 1 AS published
  FROM gabion_outbox;
)sql"};

inline constexpr const char* insert =
    "INSERT INTO gabion_outbox (event_id, source, event_type, subject, occurred_at, content_type, "
    "data_schema, payload,"
    " headers, topic, lane, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
    "(event_id) DO NOTHING";
inline constexpr const char* find_event = "SELECT id FROM gabion_outbox WHERE event_id = ?";

inline constexpr const char* fetch =
    "SELECT id, attempts, subject <> '' AND (EXISTS (SELECT 1 FROM gabion_outbox h INDEXED BY "
    "gabion_outbox_held"
    " WHERE h.state >= 2 AND h.subject = o.subject AND h.id < o.id) OR redriven = 0 AND EXISTS "
    "(SELECT 1 FROM gabion_outbox h"
    " INDEXED BY gabion_outbox_redriven WHERE h.redriven = 1 AND h.subject = o.subject AND h.id < "
    "o.id)),"
    " event_id, source, event_type, subject, occurred_at, content_type, data_schema, payload, "
    "headers, topic"
    " FROM gabion_outbox o INDEXED BY gabion_outbox_pending"
    " WHERE state = 0 AND lane = ?1 AND id > ?2 AND NOT (redriven = 1 AND EXISTS (SELECT 1 FROM "
    "gabion_outbox h"
    " INDEXED BY gabion_outbox_redriven WHERE h.redriven = 1 AND h.subject = o.subject AND h.id <= "
    "?2)) ORDER BY id LIMIT ?3";

inline constexpr const char* set_published =
    "UPDATE gabion_outbox SET state = 1, redriven = 0, published_at = ? WHERE id = ? AND state = 0";
inline constexpr const char* set_deferred =
    "UPDATE gabion_outbox SET attempts = ?, last_error = ? WHERE id = ? AND state = 0";
inline constexpr const char* set_dead =
    "UPDATE gabion_outbox SET state = 2, redriven = 0, attempts = ?, last_error = ?, died_at = ? "
    "WHERE id = ? AND state = 0";
inline constexpr const char* set_parked =
    "UPDATE gabion_outbox SET state = 3, redriven = 0 WHERE id = ? AND state = 0 AND subject <> '' "
    "AND EXISTS (SELECT 1 FROM"
    " gabion_outbox h INDEXED BY gabion_outbox_held WHERE h.state >= 2 AND h.subject = "
    "gabion_outbox.subject AND h.id <"
    " gabion_outbox.id)";
inline constexpr const char* join_redriven =
    "UPDATE gabion_outbox SET redriven = 1 WHERE id = ? AND state = 0 AND subject <> ''";

inline constexpr const char* dead_letters =
    "SELECT id, attempts, last_error, died_at, event_id, source, event_type, subject, occurred_at, "
    "content_type, data_schema,"
    " payload, headers, topic FROM gabion_outbox INDEXED BY gabion_outbox_dead WHERE state = 2 AND "
    "id > ? ORDER BY id LIMIT ?";
inline constexpr const char* find_dead =
    "SELECT subject FROM gabion_outbox WHERE id = ? AND state = 2";
inline constexpr const char* revive =
    "UPDATE gabion_outbox SET state = 0, redriven = subject <> '', attempts = 0, last_error = '', "
    "died_at = NULL WHERE id = ?";
inline constexpr const char* next_dead =
    "SELECT id FROM gabion_outbox INDEXED BY gabion_outbox_held WHERE state >= 2 AND subject = ? "
    "AND id > ? AND state = 2"
    " ORDER BY id LIMIT 1";
inline constexpr const char* unpark =
    "UPDATE gabion_outbox INDEXED BY gabion_outbox_held SET state = 0, redriven = 1, attempts = 0, "
    "last_error = ''"
    " WHERE state >= 2 AND subject = ? AND id > ? AND id < ? AND state = 3";

inline constexpr const char* purge =
    "DELETE FROM gabion_outbox WHERE id IN (SELECT id FROM gabion_outbox INDEXED BY "
    "gabion_outbox_published"
    " WHERE state = 1 AND published_at < ? ORDER BY published_at LIMIT ?)";

inline constexpr const char* count_pending =
    "SELECT count(*) FROM gabion_outbox INDEXED BY gabion_outbox_pending WHERE state = 0";
inline constexpr const char* count_dead =
    "SELECT count(*) FROM gabion_outbox INDEXED BY gabion_outbox_dead WHERE state = 2";
inline constexpr const char* count_held =
    "SELECT count(*) FROM gabion_outbox INDEXED BY gabion_outbox_held WHERE state >= 2";
inline constexpr const char* oldest_of_lane =
    "SELECT created_at FROM gabion_outbox INDEXED BY gabion_outbox_pending WHERE state = 0 AND "
    "lane = ? ORDER BY id LIMIT 1";

}  // namespace sqlite::detail::outbox_sql
}  // namespace v0
}  // namespace gabion
