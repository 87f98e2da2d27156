// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <gabion/core/codec.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/stable_hash.hpp>
#include <gabion/core/wire_name.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/command_log.hpp>
#include <gabion/cqrs/dispatch_events.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// Middleware that does a command once per tenant and key: a repetition gets the stored result and
/// the handler does not run.
///
/// Put it inside transactional: key, result and the handler's work are one transaction. The key is
/// the context's idempotency key, or else its command id; a command with neither is handled
/// unguarded. The same key with another body throws error(duplicate). A failure (thrown, or a
/// failing result) is not stored: the command may be tried again. Commands need a wire name; the
/// codec must carry the command and its result, and bytes that it cannot read back throw what the
/// codec throws. The log must outlive the bus. Safe to use from several threads if the log is.
template <class Log, class Codec, class Observer = no_observer>
class idempotency {
  static_assert(observes_any<const Observer, command_replayed>,
                "idempotency: the observer cannot be called, as const, with const "
                "gabion::command_replayed& (see gabion/cqrs/dispatch_events.hpp)");

 public:
  explicit idempotency(Log& log, Codec codec = {}, Observer observer = {})
      : log_(&log), codec_(std::move(codec)), observer_(std::move(observer)) {}

  template <message_kind Kind, class Message>
  static constexpr bool applies = Kind == message_kind::command;

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    using result = detail::next_result<Next, Context, Message>;
    static_assert(
        requires { context.transaction(); },
        "gabion: idempotency must stand inside (after) transactional in the middlewares");
    static_assert(explain_command_log<Log, std::remove_cvref_t<decltype(context.transaction())>>());
    static_assert(!std::is_reference_v<result>,
                  "gabion: idempotency cannot store the reference that this handler returns");
    const command_context* const about = detail::find_command_context(context);
    if (about == nullptr || once_key(*about).empty()) return next(context, message);

    const std::uint64_t print =
        gabion::stable_hash(codec_.encode(message), gabion::stable_hash(wire_name_of<Message>()));
    const std::optional<command_record> stored =
        log_->claim(context.transaction(), about->tenant, once_key(*about));
    if (stored) return replay<result, Message>(*stored, print, *about);
    return handle_first<result>(context, message, next, print, *about);
  }

 private:
  template <class Result, class Message>
  Result replay(const command_record& stored, std::uint64_t print,
                const command_context& about) const {
    if (stored.fingerprint != print)
      detail::fail(errc::duplicate,
                   std::string{wire_name_of<Message>()} + ": the key '" + once_key(about) +
                       "' was used before for another command; a new command needs a new key");
    gabion::notify(observer_, command_replayed{wire_name_of<Message>(), &about});
    if constexpr (!std::is_void_v<Result>) return codec_.template decode<Result>(stored.result);
  }

  template <class Result, class Context, class Message, class Next>
  Result handle_first(Context& context, const Message& message, Next& next, std::uint64_t print,
                      const command_context& about) const {
    if constexpr (std::is_void_v<Result>) {
      next(context, message);
      log_->complete(context.transaction(), about.tenant, once_key(about),
                     command_record{print, {}});
    } else {
      Result given = next(context, message);
      if (!detail::error_of(given))
        log_->complete(context.transaction(), about.tenant, once_key(about),
                       command_record{print, codec_.encode(given)});
      return given;
    }
  }

  Log* log_;
  [[no_unique_address]] Codec codec_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace v0
}  // namespace gabion
