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
#include <gabion/log/delivery.hpp>
#include <gabion/log/lease.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// Where one version of a projection stands.
enum class projection_status : std::uint8_t {
  running,  ///< it follows the log
  /// It replays what an earlier build had applied already; its read model is not complete
  rebuilding,
  faulted,  ///< it stands before an event that it cannot apply, until somebody resumes it
};

[[nodiscard]] constexpr std::string_view to_string(projection_status value) noexcept {
  switch (value) {
    case projection_status::running: return "running";
    case projection_status::rebuilding: return "rebuilding";
    case projection_status::faulted: return "faulted";
  }
  return "unknown";
}

/// How far one version of a projection is. Its read model holds exactly the events up to `at`.
struct checkpoint {
  position at{};
  projection_status status = projection_status::running;
  position replay_until{};  ///< events up to here were applied by an earlier build: their effects
                            ///< on others are not repeated
  std::uint32_t attempts = 0;  ///< failed attempts at the next event
  std::string reason{};        ///< of the last failed attempt
  friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

/// An event that a projection gave up and passed by.
struct projection_letter {
  position at{};
  std::string event_id{};
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time died_at{};  ///< filled by the store
  friend bool operator==(const projection_letter&, const projection_letter&) = default;
};

/// Reads the checkpoint of a key, as it is committed or as a transaction sees it. Nothing: it has
/// never been moved.
template <class S, class Transaction>
concept reads_checkpoints = requires(S& s, Transaction& tx, std::string_view key) {
  { s.read_checkpoint(key) } -> std::same_as<std::optional<checkpoint>>;
  { s.read_checkpoint(tx, key) } -> std::same_as<std::optional<checkpoint>>;
};

/// Writes a checkpoint in the transaction of the read model, if the lease is the current one and
/// the checkpoint still stands at `from`; otherwise answers fenced and writes nothing. The key is
/// the lease's name; a key never moved stands at `beginning`.
template <class S, class Transaction>
concept moves_checkpoints_in =
    requires(S& s, Transaction& tx, const lease& held, position from, const checkpoint& to) {
      { s.move_checkpoint(tx, held, from, to) } -> std::same_as<settle_status>;
    };

/// Keeps what a projection gave up, by key and position. `remove_letter` answers false if there is
/// none (any more).
template <class S, class Transaction>
concept keeps_projection_letters =
    requires(S& s, Transaction& tx, std::string_view key, const projection_letter& letter,
             position at, std::size_t limit) {
      s.keep_letter(tx, key, letter);
      { s.remove_letter(tx, key, at) } -> std::same_as<bool>;
      { s.letters(key, at, limit) } -> std::same_as<std::vector<projection_letter>>;
    };

/// Remembers which version of a projection is the one to ask, as it is committed or as a
/// transaction sees it. Nothing: none was ever chosen.
template <class S, class Transaction>
concept keeps_serving_versions =
    requires(S& s, Transaction& tx, std::string_view name, std::uint32_t version) {
      { s.serving(name) } -> std::same_as<std::optional<std::uint32_t>>;
      { s.serving(tx, name) } -> std::same_as<std::optional<std::uint32_t>>;
      s.serve(tx, name, version);
    };

/// A whole checkpoint store for transactions of type Transaction. Safe to use from several threads.
template <class S, class Transaction = typename S::transaction>
concept checkpoint_store =
    lease_store<S> && reads_checkpoints<S, Transaction> && moves_checkpoints_in<S, Transaction> &&
    keeps_projection_letters<S, Transaction> && keeps_serving_versions<S, Transaction>;

/// Names everything that S lacks to be a checkpoint store, in words.
template <class S, class Transaction = typename S::transaction>
consteval bool explain_checkpoint_store() {
  static_assert(lease_store<S>,
                "checkpoint_store: `acquire_lease`, `renew_lease` or `release_lease` is missing "
                "(see gabion/log/lease.hpp)");
  static_assert(reads_checkpoints<S, Transaction>,
                "checkpoint_store: `std::optional<checkpoint> read_checkpoint(std::string_view "
                "key)` is missing, without or with a "
                "Transaction& in front");
  static_assert(moves_checkpoints_in<S, Transaction>,
                "checkpoint_store: `settle_status move_checkpoint(Transaction&, const lease&, "
                "position from, const checkpoint& "
                "to)` is missing");
  static_assert(keeps_projection_letters<S, Transaction>,
                "checkpoint_store: `keep_letter`, `remove_letter` or `letters` is missing");
  static_assert(keeps_serving_versions<S, Transaction>,
                "checkpoint_store: `std::optional<std::uint32_t> serving(std::string_view name)`, "
                "the same with a Transaction& "
                "in front, or "
                "`serve(Transaction&, std::string_view name, std::uint32_t version)` is missing");
  return checkpoint_store<S, Transaction>;
}

}  // namespace v0
}  // namespace gabion
