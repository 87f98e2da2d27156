// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// The commands that a bus must handle: `command_bus bus{commands<place_order, cancel_order>{},
/// handle...}`.
template <class... Messages>
struct commands {};

/// The queries that a bus must answer.
template <class... Messages>
struct queries {};

/// The events that a bus must handle or ignore.
template <class... Messages>
struct events {};

/// Handles whatever its handlers are for; no list was declared.
struct undeclared {};

}  // namespace v0
}  // namespace gabion
