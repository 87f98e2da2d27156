// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// Where one message stands with one consumer.
enum class inbox_status : std::uint8_t {
  processed,  ///< its effect is committed
  dead,       ///< given up; kept with its reason until it is redriven
  parked,     ///< waits behind a dead message of its key
  redriven,   ///< will be handled again, in the order of its key
};

[[nodiscard]] constexpr std::string_view to_string(inbox_status value) noexcept {
  switch (value) {
    case inbox_status::processed: return "processed";
    case inbox_status::dead: return "dead";
    case inbox_status::parked: return "parked";
    case inbox_status::redriven: return "redriven";
  }
  return "unknown";
}

/// One line of a consumer's event log.
struct inbox_entry {
  inbox_status status = inbox_status::processed;
  wall_time processed_at{};
  std::uint32_t attempts = 0;
  std::string reason{};  ///< of the last failure; empty if there was none
};

/// A message that an inbox keeps because it could not be handled when it came.
struct inbox_letter {
  position at{};  ///< its place among this consumer's letters
  message what{};
  inbox_status status = inbox_status::dead;
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time kept_at{};
};

/// Tells whether a message is new to a consumer, and remembers it, inside the handler's own
/// transaction.
///
/// `begin_message` answers true the first time and writes (consumer, source, id); after a commit it
/// answers false for ever, until the entry is purged. If the transaction rolls back, so does the
/// entry.
template <class S, class Transaction>
concept deduplicates_in =
    requires(S& s, Transaction& tx, std::string_view consumer, const message& m) {
      { s.begin_message(tx, consumer, m) } -> std::same_as<bool>;
    };

/// Keeps what could not be handled, per consumer and key, in order.
///
/// `keep_dead` keeps a message with its reason and blocks its key. `keep_parked` keeps one behind
/// it; it answers false and keeps nothing if the key is not blocked (any more). `blocked` answers
/// whether the key has letters of any status. Both are idempotent per (consumer, source, id).
template <class S, class Transaction>
concept keeps_letters_in =
    requires(S& s, Transaction& tx, std::string_view consumer, const message& m,
             std::uint32_t attempts, std::string_view reason) {
      s.keep_dead(tx, consumer, m, attempts, reason);
      { s.keep_parked(tx, consumer, m) } -> std::same_as<bool>;
      { s.blocked(tx, consumer, reason) } -> std::same_as<bool>;
    };

/// Shows letters and sends them again. `redrive` turns a dead letter and what is parked behind it
/// into redriven letters, false if there is none; `redriven` reads those above `after` in order;
/// `still_redriven` tells inside a transaction whether one still waits to be handled again;
/// `finish_letter` removes one inside the transaction that handled it, false if it is gone already
/// (somebody else handled it).
template <class S, class Transaction>
concept redrives_letters =
    requires(S& s, Transaction& tx, std::string_view consumer, position at, std::size_t limit) {
      { s.letters(consumer, at, limit) } -> std::same_as<std::vector<inbox_letter>>;
      { s.redrive(consumer, at) } -> std::same_as<bool>;
      { s.redriven(consumer, at, limit) } -> std::same_as<std::vector<inbox_letter>>;
      { s.still_redriven(tx, consumer, at) } -> std::same_as<bool>;
      { s.finish_letter(tx, consumer, at) } -> std::same_as<bool>;
    };

/// The event log: where a message stands with a consumer, and removal of old entries of processed
/// messages, never of letters.
template <class S>
concept logs_consumers =
    requires(S& s, std::string_view text, wall_time before, std::size_t limit) {
      // consumer, source, message id
      { s.entry(text, text, text) } -> std::same_as<std::optional<inbox_entry>>;
      { s.purge_processed(before, limit) } -> std::same_as<std::size_t>;
    };

/// A whole inbox store for transactions of type Transaction. Safe to use from several threads.
template <class S, class Transaction = typename S::transaction>
concept inbox_store = deduplicates_in<S, Transaction> && keeps_letters_in<S, Transaction> &&
                      redrives_letters<S, Transaction> && logs_consumers<S>;

/// Names everything that S lacks to be an inbox store, in words.
template <class S, class Transaction = typename S::transaction>
consteval bool explain_inbox_store() {
  static_assert(deduplicates_in<S, Transaction>,
                "inbox_store: `bool begin_message(Transaction&, std::string_view consumer, const "
                "message&)` is missing");
  static_assert(keeps_letters_in<S, Transaction>,
                "inbox_store: `keep_dead`, `keep_parked` or `blocked` is missing");
  static_assert(redrives_letters<S, Transaction>,
                "inbox_store: `letters`, `redrive`, `redriven`, `still_redriven` or "
                "`finish_letter` is missing");
  static_assert(
      logs_consumers<S>,
      "inbox_store: `entry(consumer, source, id)` or `purge_processed(before, limit)` is missing");
  return inbox_store<S, Transaction>;
}

}  // namespace v0
}  // namespace gabion
