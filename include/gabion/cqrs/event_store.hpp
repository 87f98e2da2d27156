// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/cqrs/expected_version.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// An event as it is stored. Its version is its place in its stream, from 1 without a hole; its
/// position is its place in the whole log. Within a stream both rise together.
struct recorded_event {
  position at{};
  std::string stream{};
  std::uint64_t version = 0;
  wall_time recorded_at{};
  message what{};
  friend bool operator==(const recorded_event&, const recorded_event&) = default;
};

/// What became of an append.
enum class append_status : std::uint8_t {
  appended,    ///< written, or there was nothing to write and the stream is where it was expected
  idempotent,  ///< exactly these events are there already, in this order and in this place; nothing
               ///< was written
  wrong_version,  ///< the stream is elsewhere: load it and decide again. Nothing was written
  duplicate_id,   ///< an event of one of these ids is stored elsewhere, or only some of the batch
                  ///< is; nothing was written
};

[[nodiscard]] constexpr std::string_view to_string(append_status value) noexcept {
  switch (value) {
    case append_status::appended: return "appended";
    case append_status::idempotent: return "idempotent";
    case append_status::wrong_version: return "wrong version";
    case append_status::duplicate_id: return "duplicate id";
  }
  return "unknown";
}

/// The result of an append. A refusal is a value: it leaves the caller's transaction as it was.
struct append_result {
  append_status status = append_status::appended;
  /// Of the last event of the batch; the stream's if the batch is empty; 0 if refused
  std::uint64_t version = 0;
  std::uint64_t actual = 0;  ///< where the stream stands now
  position first{};          ///< of the first event of the batch; `beginning` if there is none
  position last{};           ///< of the last event of the batch; `beginning` if there is none
  std::string id{};          ///< for duplicate_id: the id that is taken

  [[nodiscard]] bool ok() const noexcept {
    return status == append_status::appended || status == append_status::idempotent;
  }
  friend bool operator==(const append_result&, const append_result&) = default;
};

/// Which way to read.
enum class read_direction : std::uint8_t { forward, backward };

/// Reads a stream backward from its end.
inline constexpr std::uint64_t last_version = (std::numeric_limits<std::uint64_t>::max)();

/// Reads the log backward from its end.
inline constexpr position end_of_log{(std::numeric_limits<std::uint64_t>::max)()};

/// A piece of one stream, and how to go on.
struct stream_page {
  std::vector<recorded_event> events{};
  std::uint64_t version = 0;  ///< where the stream stands; 0 if there is no such stream
  std::uint64_t next = 0;     ///< what to read from next, in the same direction
  bool end = true;            ///< nothing more in this direction, as of now

  [[nodiscard]] bool exists() const noexcept { return version != 0; }
};

/// Appends a batch to one stream inside a transaction of the caller: all of it or nothing.
///
/// `append(tx, stream, expected, events)`. Fills an empty id with a UUID v7 and an epoch time with
/// the store's. Ids are unique in the store, over all streams: a batch whose ids are all stored in
/// this place already is idempotent, for every kind of expectation and also after a restart. A
/// refused append uses no position. No events is a check of the version alone. Throws
/// error(invalid_argument | too_large) before anything is written if the stream has no name, an
/// event has no type, is over the message_limits or has a header without a name, or the batch holds
/// an id twice; after any other error the transaction must be rolled back.
template <class S, class Transaction>
concept appends_events_in = requires(S& s, Transaction& tx, std::string_view stream,
                                     expected_version expected, std::span<const message> events) {
  { s.append(tx, stream, expected, events) } -> std::same_as<append_result>;
};

/// Reads one stream from a version on, that one included, at most `limit` events; sees only what is
/// committed. Throws error(invalid_argument) for a limit of 0.
template <class S>
concept reads_streams = requires(S& s, std::string_view stream, std::uint64_t from,
                                 std::size_t limit, read_direction direction) {
  { s.read(stream, from, limit, direction) } -> std::same_as<stream_page>;
};

/// The same inside a transaction, with its own appends.
template <class S, class Transaction>
concept reads_streams_in =
    requires(S& s, Transaction& tx, std::string_view stream, std::uint64_t from, std::size_t limit,
             read_direction direction) {
      { s.read(tx, stream, from, limit, direction) } -> std::same_as<stream_page>;
    };

/// Reads the whole log in the order of positions, at most `limit` events: forward those above
/// `from`, backward those below.
///
/// No event ever appears at or below a position that was read, and within a stream versions are in
/// order. `head` is the mark up to which that holds: at least the position of every event that can
/// be read. `beginning` if nothing is stored.
template <class S>
concept reads_log = requires(S& s, position from, std::size_t limit, read_direction direction) {
  { s.read_all(from, limit, direction) } -> std::same_as<std::vector<recorded_event>>;
  { s.head() } -> std::same_as<position>;
};

/// A whole event store for transactions of type Transaction. Safe to use from several threads.
template <class S, class Transaction = typename S::transaction>
concept event_store = appends_events_in<S, Transaction> && reads_streams<S> &&
                      reads_streams_in<S, Transaction> && reads_log<S>;

/// Names everything that S lacks to be an event store, in words.
template <class S, class Transaction = typename S::transaction>
consteval bool explain_event_store() {
  static_assert(appends_events_in<S, Transaction>,
                "event_store: `append_result append(Transaction&, std::string_view stream, "
                "expected_version, std::span<const message>)` "
                "is missing");
  static_assert(reads_streams<S>,
                "event_store: `stream_page read(std::string_view stream, std::uint64_t from, "
                "std::size_t limit, read_direction)` "
                "is missing");
  static_assert(reads_streams_in<S, Transaction>,
                "event_store: `stream_page read(Transaction&, std::string_view stream, "
                "std::uint64_t from, std::size_t limit, "
                "read_direction)` is missing");
  static_assert(reads_log<S>,
                "event_store: `std::vector<recorded_event> read_all(position from, std::size_t "
                "limit, read_direction)` or "
                "`position head()` is missing");
  return event_store<S, Transaction>;
}

}  // namespace v0
}  // namespace gabion
