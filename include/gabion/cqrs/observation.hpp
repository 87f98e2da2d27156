// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/cqrs/dispatch_events.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// Middleware that tells an observer when a message starts, succeeds and fails, with its name and
/// how long it took.
///
/// The one source for logs, metrics and traces. An observer that takes only dispatch_started does
/// not read the clock; no_observer costs nothing. One that accepts none of the events does
/// not compile. As safe to use from several threads as the observer is.
template <class Observer, clock Clock = steady_clock>
class observation {
  static_assert(
      observes_any<const Observer, dispatch_started, dispatch_succeeded, dispatch_failed>,
      "observation: the observer cannot be called, as const, with const gabion::dispatch_started&, "
      "dispatch_succeeded or dispatch_failed (see gabion/cqrs/dispatch_events.hpp)");

 public:
  constexpr explicit observation(Observer observer, Clock time = Clock{})
      : observer_(std::move(observer)), clock_(std::move(time)) {}

  template <message_kind Kind, class Message>
  static constexpr bool applies =
      observes<const Observer, dispatch_started> || observes<const Observer, dispatch_succeeded> ||
      observes<const Observer, dispatch_failed>;

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    const command_context* const about = detail::find_command_context(context);
    constexpr std::string_view name = message_name<Message>();
    gabion::notify(observer_, dispatch_started{Next::kind, name, about});
    if constexpr (observes<const Observer, dispatch_succeeded> ||
                  observes<const Observer, dispatch_failed>) {
      return finish(context, message, next, about, clock_.now());
    } else {
      return next(context, message);
    }
  }

 private:
  template <class Context, class Message, class Next>
  auto finish(Context& context, const Message& message, Next& next, const command_context* about,
              instant start) const -> detail::next_result<Next, Context, Message> {
    constexpr std::string_view name = message_name<Message>();
    using result = detail::next_result<Next, Context, Message>;
    const auto failed = [&](const detail::failure& f) {
      gabion::notify(observer_,
                     dispatch_failed{Next::kind, name, about, since(start), f.code, f.what});
    };
    const auto go_on = [&]() -> decltype(auto) { return next(context, message); };
    if constexpr (std::is_void_v<result>) {
      detail::watched(go_on, failed);
      gabion::notify(observer_, dispatch_succeeded{Next::kind, name, about, since(start)});
    } else {
      result given = detail::watched(go_on, failed);
      const std::error_code code = detail::error_of(given);
      if (code) {
        failed({code, code.message()});
      } else {
        gabion::notify(observer_, dispatch_succeeded{Next::kind, name, about, since(start)});
      }
      return given;
    }
  }

  [[nodiscard]] duration since(instant start) const { return gabion::elapsed(start, clock_.now()); }

  [[no_unique_address]] Observer observer_;
  [[no_unique_address]] Clock clock_;
};

}  // namespace v0
}  // namespace gabion
