// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// Middleware that refuses a message whose deadline has passed before anything is done:
/// errc::timeout, thrown or as the result. A message without a command_context, or without a
/// deadline, passes and the clock is not read. Safe to use from several threads.
template <clock Clock = steady_clock>
class deadline_guard {
 public:
  constexpr explicit deadline_guard(Clock time = Clock{}) : clock_(std::move(time)) {}

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    const command_context* const about = detail::find_command_context(context);
    if (about != nullptr && !about->expires.is_never() && about->expires.expired(clock_.now()))
      return detail::refuse<detail::next_result<Next, Context, Message>>(
          errc::timeout, std::string{message_name<Message>()} +
                             ": its deadline passed before it was handled; nothing was done");
    return next(context, message);
  }

 private:
  [[no_unique_address]] Clock clock_;
};

}  // namespace v0
}  // namespace gabion
