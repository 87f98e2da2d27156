// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {

/// What became of one attempt to hand a record over.
enum class outcome : std::uint8_t {
  delivered,  ///< accepted for good
  retry,      ///< not accepted, may be later; counts as an attempt of this record
  rejected,   ///< never will be accepted: the record goes to the dead letters at once
  in_doubt,   ///< nobody knows; the same record is handed over again before anything later of its
              ///< key. Counts as no attempt
  /// The other side could not be reached and nothing was handed over; counts as no attempt
  unavailable,
};

/// The outcome of one record, with the reason in words if it was not delivered.
struct delivery {
  position at{};
  outcome result = outcome::delivered;
  std::string reason{};
};

/// What a store has to remember about one record.
enum class disposition : std::uint8_t {
  delivered,  ///< done
  deferred,   ///< still pending; remember the number of attempts and the last reason
  dead,       ///< given up: keep it, with attempts and reason, until it is redriven
  parked,  ///< held back because an earlier record of its key is dead, or was redriven and has to
           ///< go first
};

/// One line of what a store is asked to remember in one transaction.
struct settlement {
  position at{};
  disposition as = disposition::delivered;
  std::uint32_t attempts = 0;
  std::string reason{};
};

/// Whether a write under a lease took effect.
enum class settle_status : std::uint8_t {
  applied,
  fenced,  ///< a newer epoch exists; nothing was written
};

/// What to do when a record can not be handed over.
enum class poison_policy : std::uint8_t {
  park,   ///< dead letter; later records of its key are parked behind it, in order. Other keys go
          ///< on. The default
  skip,   ///< dead letter; later records of its key go on, so the order of that key is given up
  pause,  ///< stop the whole pump in front of it until an operator acts
};

[[nodiscard]] constexpr std::string_view to_string(outcome value) noexcept {
  switch (value) {
    case outcome::delivered: return "delivered";
    case outcome::retry: return "retry";
    case outcome::rejected: return "rejected";
    case outcome::in_doubt: return "in doubt";
    case outcome::unavailable: return "unavailable";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(disposition value) noexcept {
  switch (value) {
    case disposition::delivered: return "delivered";
    case disposition::deferred: return "deferred";
    case disposition::dead: return "dead";
    case disposition::parked: return "parked";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(settle_status value) noexcept {
  switch (value) {
    case settle_status::applied: return "applied";
    case settle_status::fenced: return "fenced";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(poison_policy value) noexcept {
  switch (value) {
    case poison_policy::park: return "park";
    case poison_policy::skip: return "skip";
    case poison_policy::pause: return "pause";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace gabion
