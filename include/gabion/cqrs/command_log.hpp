// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// What is kept of a command that was done.
struct command_record {
  std::uint64_t fingerprint = 0;  ///< of the command's name and body
  std::string result{};           ///< the encoded result; empty for none
  friend bool operator==(const command_record&, const command_record&) = default;
};

/// Takes the key for this transaction, or gives what is stored under it.
///
/// Nothing: the key was free, this transaction holds it now, and another that asks for it waits, or
/// throws error(busy | conflict), until this one has ended. So a command is never handled twice at
/// once. A rollback frees the key.
template <class L, class Transaction>
concept claims_commands = requires(L& l, Transaction& tx, std::string_view text) {
  { l.claim(tx, text, text) } -> std::same_as<std::optional<command_record>>;
};

/// Stores the record under a key that this transaction holds; visible once it commits.
template <class L, class Transaction>
concept completes_commands =
    requires(L& l, Transaction& tx, std::string_view text, const command_record& done) {
      l.complete(tx, text, text, done);
    };

/// Forgets records completed before a moment, at most `limit`; answers how many. A command whose
/// record is gone runs again.
template <class L>
concept forgets_commands = requires(L& l, wall_time before, std::size_t limit) {
  { l.forget(before, limit) } -> std::same_as<std::size_t>;
};

/// Where done commands are remembered, by tenant and key, inside the transaction of the command
/// itself: `claim(tx, tenant, key)`, `complete(tx, tenant, key, record)`, `forget(before, limit)`.
/// Safe to use from several threads.
template <class L, class Transaction = typename L::transaction>
concept command_log =
    claims_commands<L, Transaction> && completes_commands<L, Transaction> && forgets_commands<L>;

/// Names everything that L lacks to be a command log, in words.
template <class L, class Transaction = typename L::transaction>
consteval bool explain_command_log() {
  static_assert(claims_commands<L, Transaction>,
                "command_log: `std::optional<command_record> claim(Transaction&, std::string_view "
                "tenant, std::string_view key)` "
                "is missing");
  static_assert(completes_commands<L, Transaction>,
                "command_log: `complete(Transaction&, std::string_view tenant, std::string_view "
                "key, const command_record&)` is missing");
  static_assert(
      forgets_commands<L>,
      "command_log: `std::size_t forget(wall_time before, std::size_t limit)` is missing");
  return command_log<L, Transaction>;
}

}  // namespace v0
}  // namespace gabion
