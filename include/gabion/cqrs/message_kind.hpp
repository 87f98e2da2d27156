// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// What a message asks for: a change, an answer, or nothing because it tells what happened.
enum class message_kind : unsigned char { command, query, event };

/// The context of a message that was sent without one.
struct no_context {};

}  // namespace v0
}  // namespace gabion
