// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/detail/pipeline.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/middlewares.hpp>
#include <gabion/cqrs/publish_error.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

template <class Event>
struct event_has_handler {
  static_assert(sizeof(Event) == 0,
                "gabion: no handler for an event. Add handle<Event>(f), or ignore<Event>() if "
                "nothing is to be done; Event is the "
                "argument of this event_has_handler<Event>");
};

template <std::size_t Index, class Event, class Function>
struct event_slot {
  [[no_unique_address]] Function function;
};

/// A free function, so that its symbol does not hold all the handlers of a bus.
template <bool Takes, class Function, class Visit>
[[gnu::always_inline]] constexpr void visit_if([[maybe_unused]] Function& f,
                                               [[maybe_unused]] Visit& visit) {
  if constexpr (Takes) visit(f);
}

template <class Indices, class... Handlers>
struct event_set;
template <std::size_t... Indices, class... Events, class... Functions>
struct event_set<std::index_sequence<Indices...>, handler<Events, Functions>...>
    : event_slot<Indices, Events, Functions>... {
  template <class Event>
  static constexpr bool handles = !detail::every<!std::same_as<Event, Events>...>();

  constexpr explicit event_set(handler<Events, Functions>&&... all)
      : event_slot<Indices, Events, Functions>{std::move(all.function)}... {}

  /// Calls `visit` with each handler of Event, in order.
  template <class Event, class Visit>
  constexpr void visit_handlers(Visit&& visit) {
    [[maybe_unused]] const int in_order[] = {
        0, (detail::visit_if<std::same_as<Event, Events>>(
                static_cast<event_slot<Indices, Events, Functions>&>(*this).function, visit),
            0)...};
  }
};

}  // namespace detail

/// Tells each event to all of its handlers in this process, in the order in which they were given.
///
/// Any number of handlers for one event; an event that has none and is not ignored is a compile
/// error that names it. Middlewares run around each handler on its own. What a handler returns is
/// dropped, unless it is a failure (see result_traits). Nothing is stored: an event that must not
/// be lost belongs in the outbox. Thread safety is that of the handlers and middlewares.
/// \code gabion::event_bus bus{gabion::handle(send_mail), gabion::handle(update_view),
/// gabion::ignore<order_viewed>()}; \endcode
template <class Middlewares, class... Handlers>
class event_bus {
  using event_set = detail::event_set<std::index_sequence_for<Handlers...>, Handlers...>;

 public:
  static constexpr message_kind kind = message_kind::event;

  /// Whether this bus handles or ignores the event. Asking is no error.
  template <class Event>
  static constexpr bool handles = event_set::template handles<Event>;

  constexpr explicit event_bus(Handlers... all)
    requires(Middlewares::size == 0)
      : handlers_(std::move(all)...) {}
  constexpr explicit event_bus(std::type_identity_t<Middlewares> pack, Handlers... all)
      : around_(std::move(pack)), handlers_(std::move(all)...) {}

  /// Runs the handlers of the event. stop_at_first_error: the first exception goes on as it is, a
  /// failing result becomes error(its code); later handlers do not run. run_all: every handler
  /// runs, then publish_error names all that failed.
  template <class Event>
  void publish(const Event& event, publish_policy policy = publish_policy::stop_at_first_error) {
    no_context context;
    publish(event, context, policy);
  }

  template <class Event, class Context>
    requires(!std::same_as<std::remove_cvref_t<Context>, publish_policy>)
  void publish(const Event& event, Context&& context,
               publish_policy policy = publish_policy::stop_at_first_error) {
    if constexpr (!handles<Event>) {
      detail::event_has_handler<Event>{};
    } else if (policy == publish_policy::stop_at_first_error) {
      handlers_.template visit_handlers<Event>([&](auto& f) { run(f, event, context); });
    } else {
      run_all(event, context);
    }
  }

 private:
  template <class Function, class Event, class Context>
  void run(Function& f, const Event& event, Context& context) {
    const detail::step<0, kind, Middlewares, Event, Function> whole{around_, f};
    using result = decltype(whole(context, event));
    if constexpr (can_fail<std::remove_cvref_t<result>>) {
      const std::error_code code = detail::error_of(whole(context, event));
      if (code) detail::raise<std::system_error>(code, std::string{message_name<Event>()});
    } else {
      static_cast<void>(whole(context, event));
    }
  }

  template <class Event, class Context>
  void run_all(const Event& event, Context& context) {
    std::vector<handler_failure> failures;
    std::size_t index = 0;
    handlers_.template visit_handlers<Event>([&](auto& f) {
      if (detail::failure failed = detail::guarded([&] { run(f, event, context); }))
        failures.push_back({index, failed.code, std::move(failed.what)});
      ++index;
    });
    if (!failures.empty())
      detail::raise<publish_error>(message_name<Event>(), index, std::move(failures));
  }

  [[no_unique_address]] Middlewares around_;
  [[no_unique_address]] event_set handlers_;
};

template <class... Messages, class... Functions>
event_bus(handler<Messages, Functions>...)
    -> event_bus<middlewares<>, handler<Messages, Functions>...>;
template <class... Around, class... Messages, class... Functions>
event_bus(middlewares<Around...>, handler<Messages, Functions>...)
    -> event_bus<middlewares<Around...>, handler<Messages, Functions>...>;

}  // namespace v0
}  // namespace gabion
