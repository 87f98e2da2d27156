// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <gabion/cqrs/checkpoint_store.hpp>
#include <gabion/cqrs/projection.hpp>
#include <gabion/log/transactor.hpp>

namespace gabion {
inline namespace v0 {

/// Whether a version became the one that serves.
enum class promotion : std::uint8_t {
  done,       ///< readers that ask `serving` get the new version from now on
  behind,     ///< the new version is not as far as the one that serves
  not_ready,  ///< the new version has applied nothing yet, is being rebuilt, or is faulted
};

[[nodiscard]] constexpr std::string_view to_string(promotion value) noexcept {
  switch (value) {
    case promotion::done: return "done";
    case promotion::behind: return "behind";
    case promotion::not_ready: return "not ready";
  }
  return "unknown";
}

/// What came of a promotion.
struct promoted {
  promotion status = promotion::done;
  /// The version that served before; it is kept, and can be promoted again
  std::optional<std::uint32_t> former{};
  position at{};         ///< how far the new version is
  position former_at{};  ///< how far the former one is
};

/// Makes a version of a projection the one that serves, if it is at least as far as the one that
/// serves now: a new read model is built beside the old one, and readers change over in one step,
/// all of them, with no mixture. One transaction.
template <transactor Database, checkpoint_store<typename Database::transaction> Checkpoints>
promoted promote(Database& database, Checkpoints& checkpoints, std::string_view name,
                 std::uint32_t version) {
  return database.transact([&](typename Database::transaction& tx) {
    const std::optional<checkpoint> mine =
        checkpoints.read_checkpoint(tx, gabion::projection_key(name, version));
    promoted result{.former = checkpoints.serving(tx, name), .at = mine ? mine->at : beginning};
    if (!mine || mine->status != projection_status::running) {
      result.status = promotion::not_ready;
      return result;
    }
    if (result.former) {
      const auto theirs =
          checkpoints.read_checkpoint(tx, gabion::projection_key(name, *result.former));
      result.former_at = theirs ? theirs->at : beginning;
    }
    if (result.at < result.former_at) {
      result.status = promotion::behind;
      return result;
    }
    checkpoints.serve(tx, name, version);
    return result;
  });
}

}  // namespace v0
}  // namespace gabion
