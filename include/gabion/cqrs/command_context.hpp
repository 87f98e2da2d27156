// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include <gabion/core/deadline.hpp>
#include <gabion/cqrs/expected_version.hpp>

namespace gabion {
inline namespace v0 {

/// What travels with a command and is not part of what it asks for. A plain value; every member is
/// optional.
struct command_context {
  std::string command_id{};  ///< this command; the same on every attempt. Empty = none
  /// The whole conversation, kept from command to command. Empty = none
  std::string correlation_id{};
  /// The id of the command or event that caused this one. Empty = nothing did
  std::string causation_id{};
  /// The caller's key for "do this once"; empty = the command id serves
  std::string idempotency_key{};
  std::string tenant{};  ///< whose data it is; empty = the only one
  deadline expires{};    ///< when nobody wants the result any more; default never
  /// The version the caller decided on; set = a conflict is not retried
  std::optional<expected_version> expected{};
  friend bool operator==(const command_context&, const command_context&) = default;
};

/// The context of a command that is sent while another is handled: caused by it, of the same
/// conversation, tenant and deadline. It has no idempotency key and no expected version: those were
/// about the other command.
[[nodiscard]] inline command_context child(const command_context& outer, std::string command_id) {
  command_context inner;
  inner.command_id = std::move(command_id);
  inner.correlation_id = outer.correlation_id.empty() ? outer.command_id : outer.correlation_id;
  inner.causation_id = outer.command_id;
  inner.tenant = outer.tenant;
  inner.expires = outer.expires;
  return inner;
}

/// The key under which a command is done once: the idempotency key, otherwise the command id.
[[nodiscard]] inline const std::string& once_key(const command_context& context) noexcept {
  return context.idempotency_key.empty() ? context.command_id : context.idempotency_key;
}

namespace detail {

template <class Context>
concept wraps_context = requires(const Context& c) { c.context(); };

/// The command_context in a context that a middleware is given, however deep; null if there is
/// none.
template <class Context>
[[nodiscard]] constexpr const command_context* find_command_context(
    const Context& context) noexcept {
  if constexpr (std::derived_from<Context, command_context>) {
    return &context;
  } else if constexpr (wraps_context<Context>) {
    return detail::find_command_context(context.context());
  } else {
    return nullptr;
  }
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
