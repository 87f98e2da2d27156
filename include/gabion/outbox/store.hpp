// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/lease.hpp>

namespace gabion {
inline namespace v0 {

/// What an enqueue gave one message.
struct enqueued {
  position at{};
  bool deduplicated = false;  ///< a message of this id was there already; nothing was written
};

/// A stored message that waits for its delivery.
struct outbox_record {
  position at{};
  message what{};
  std::uint32_t attempts = 0;  ///< failed attempts so far, over all restarts
  /// An earlier message of its key is dead, or was redriven and is not settled: park it, do not
  /// send it
  bool blocked = false;
};

/// A message that was given up. It is kept until it is redriven.
struct dead_letter {
  position at{};
  message what{};
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time died_at{};
};

/// What a store holds, cheap to ask.
struct outbox_stats {
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;
  std::uint64_t parked = 0;
  std::optional<wall_time> oldest_pending{};
};

/// Writes messages inside a transaction of the caller. All of the batch or nothing.
///
/// Fills an empty id with a UUID v7 and an epoch time with the store's. The same id again writes
/// nothing and gives back the first position. Throws error(invalid_argument | too_large) and writes
/// nothing if one message is bad.
template <class S, class Transaction>
concept enqueues_in = requires(S& s, Transaction& tx, std::span<const message> batch) {
  { s.enqueue(tx, batch) } -> std::same_as<std::vector<enqueued>>;
};

/// Reads pending records of one lane, lowest position first, above `after`. It never skips a record
/// that is committed: one that becomes visible late is found by the next read from the beginning.
template <class S>
concept fetches_outbox = requires(S& s, std::uint32_t lane, position after, std::size_t limit) {
  { s.fetch(lane, after, limit) } -> std::same_as<std::vector<outbox_record>>;
};

/// Remembers dispositions in one transaction, fenced by the lease's epoch. `watermark`: everything
/// up to it is settled; a store that keeps a cursor moves it there, a store that marks rows ignores
/// it. A record that is to be parked though nothing blocks it any more stays pending, and is
/// fetched before anything newer of its key.
template <class S>
concept settles_outbox =
    requires(S& s, const lease& held, std::span<const settlement> done, position watermark) {
      { s.settle(held, done, watermark) } -> std::same_as<settle_status>;
    };

/// Shows dead letters and sends them again. `redrive` makes the dead letter and what is parked
/// behind it pending again, in their order and with no attempts counted; false if there is no such
/// dead letter (any more).
template <class S>
concept keeps_dead_letters = requires(S& s, position at, std::size_t limit) {
  { s.dead_letters(at, limit) } -> std::same_as<std::vector<dead_letter>>;
  { s.redrive(at) } -> std::same_as<bool>;
};

/// Removes delivered rows published before a moment, at most `limit`; never one that is unsent,
/// dead or parked.
template <class S>
concept purges_outbox = requires(S& s, wall_time before, std::size_t limit) {
  { s.purge_published(before, limit) } -> std::same_as<std::size_t>;
};

template <class S>
concept counts_outbox = requires(S& s) {
  { s.stats() } -> std::same_as<outbox_stats>;
};

/// What a relay needs of a store.
template <class S>
concept relay_store = fetches_outbox<S> && settles_outbox<S> && lease_store<S>;

/// A whole outbox store for transactions of type Transaction. Safe to use from several threads.
template <class S, class Transaction = typename S::transaction>
concept outbox_store = enqueues_in<S, Transaction> && relay_store<S> && keeps_dead_letters<S> &&
                       purges_outbox<S> && counts_outbox<S>;

/// Names everything that S lacks to be an outbox store, in words.
template <class S, class Transaction = typename S::transaction>
consteval bool explain_outbox_store() {
  static_assert(enqueues_in<S, Transaction>,
                "outbox_store: `std::vector<enqueued> enqueue(Transaction&, std::span<const "
                "message>)` is missing");
  static_assert(fetches_outbox<S>,
                "outbox_store: `std::vector<outbox_record> fetch(std::uint32_t lane, position "
                "after, std::size_t limit)` is missing");
  static_assert(settles_outbox<S>,
                "outbox_store: `settle_status settle(const lease&, std::span<const settlement>, "
                "position watermark)` is missing");
  static_assert(lease_store<S>,
                "outbox_store: `acquire_lease`, `renew_lease` or `release_lease` is missing (see "
                "gabion/log/lease.hpp)");
  static_assert(keeps_dead_letters<S>,
                "outbox_store: `dead_letters(position after, std::size_t limit)` or `bool "
                "redrive(position)` is missing");
  static_assert(purges_outbox<S>,
                "outbox_store: `std::size_t purge_published(wall_time before, std::size_t limit)` "
                "is missing");
  static_assert(counts_outbox<S>, "outbox_store: `outbox_stats stats()` is missing");
  return outbox_store<S, Transaction>;
}

}  // namespace v0
}  // namespace gabion
