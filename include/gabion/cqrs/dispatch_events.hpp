// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

#include <gabion/core/clock.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/message_kind.hpp>

// What an observer of a bus can see. The views and pointers are good for the call only.
namespace gabion {
inline namespace v0 {

/// A message is about to be handled.
struct dispatch_started {
  message_kind kind{};
  std::string_view name{};                   ///< message_name of its type
  const command_context* context = nullptr;  ///< null if it was sent without one
};

/// It was handled; `took` includes the middlewares inside.
struct dispatch_succeeded {
  message_kind kind{};
  std::string_view name{};
  const command_context* context = nullptr;
  duration took{};
};

/// It failed: the handler threw, or returned a result that is a failure.
struct dispatch_failed {
  message_kind kind{};
  std::string_view name{};
  const command_context* context = nullptr;
  duration took{};
  std::error_code code{};
  std::string_view what{};  ///< the exception's text; for a failing result the code's message
};

/// A command met a conflict and will be handled again after `delay`.
struct dispatch_retried {
  std::string_view name{};
  const command_context* context = nullptr;
  std::uint32_t attempt = 0;  ///< the attempt that failed, from 1
  duration delay{};
};

/// A command was not handled, because it was done before; the stored result was given back.
struct command_replayed {
  std::string_view name{};
  const command_context* context = nullptr;
};

}  // namespace v0
}  // namespace gabion
