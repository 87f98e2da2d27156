// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string_view>
#include <utility>

#include <gabion/cqrs/detail/each_event.hpp>
#include <gabion/cqrs/event_types.hpp>

namespace gabion {
inline namespace v0 {

/// Names the kind of entity: `static constexpr std::string_view category`. Its streams are called
/// category, hyphen, id.
template <class A>
concept has_category = requires {
  { A::category } -> std::convertible_to<std::string_view>;
};

/// The category has no hyphen. Otherwise category "order" with id "item-7" and category
/// "order-item" with id "7" would be one stream. Ids may have hyphens.
template <class A>
concept has_plain_category =
    has_category<A> && std::string_view{A::category}.find('-') == std::string_view::npos;

/// What is remembered of the past in order to decide: `state_type`, default constructible.
template <class A>
concept has_state = requires { requires std::default_initializable<typename A::state_type>; };

/// Takes an event into the state: `static state_type evolve(state_type, const Event&)`, pure, and
/// constexpr if you like.
template <class A, class Event>
concept evolves = requires(typename A::state_type state, const Event& event) {
  { A::evolve(std::move(state), event) } -> std::convertible_to<typename A::state_type>;
};

/// Turns a command into events: `static ... decide(const state_type&, const Command&)`, pure. It
/// gives no_events, an event, an optional event, a tuple, a range or a variant of these, and throws
/// to refuse.
template <class A, class Command>
concept decides = requires(const typename A::state_type& state, const Command& command) {
  A::decide(state, command);
};

namespace detail {

template <class A, class Event>
struct event_is_evolved {
  static_assert(sizeof(A) == 0,
                "gabion: an aggregate lists an event but has no `static state_type "
                "evolve(state_type, const Event&)` for it. Aggregate and "
                "Event are the arguments of this event_is_evolved<Aggregate, Event>");
};

template <class A, class Event>
consteval bool evolves_or_retired() {
  return retired_event<Event> || evolves<A, Event>;
}

template <class A, class... Events>
consteval bool evolves_all(events<Events...>) {
  return (detail::evolves_or_retired<A, Events>() && ...);
}

template <class A, class Event>
consteval void report_unevolved() {
  if constexpr (!detail::evolves_or_retired<A, Event>()) event_is_evolved<A, Event>{};
}

template <class A, class... Events>
consteval void report_all_unevolved(events<Events...>) {
  (detail::report_unevolved<A, Events>(), ...);
}

}  // namespace detail

/// An entity whose state is the fold of its events. A type that is never made: it has only static
/// functions, and they are pure.
template <class A>
concept aggregate = has_plain_category<A> && has_state<A> && lists_events<A> &&
                    detail::evolves_all<A>(typename A::event_list{});

/// Names everything that A lacks to be an aggregate, in words.
template <class A>
consteval bool explain_aggregate() {
  static_assert(has_category<A>,
                "aggregate: `static constexpr std::string_view category = \"order\";` is missing");
  static_assert(!has_category<A> || has_plain_category<A>,
                "aggregate: the category has a hyphen, which separates category and id in the name "
                "of a stream; write \"order_item\" for \"order-item\"");
  static_assert(has_state<A>, "aggregate: a default constructible `state_type` is missing");
  static_assert(lists_events<A>, "aggregate: `using event_list = gabion::events<...>;` is missing");
  if constexpr (lists_events<A> && has_state<A>)
    detail::report_all_unevolved<A>(typename A::event_list{});
  return aggregate<A>;
}

/// Takes one event, of any type in the list, into the state.
template <class A, class Event>
constexpr void evolve_by(typename A::state_type& state, const Event& event) {
  auto see = [&state](const auto& newest) { state = A::evolve(std::move(state), newest); };
  event_types<typename A::event_list>::see_newest(event, see);
}

/// The state after these events, from the beginning. Can be evaluated at compile time if `evolve`
/// can.
template <class A, class... Events>
[[nodiscard]] constexpr typename A::state_type fold(const Events&... events) {
  typename A::state_type state{};
  (gabion::evolve_by<A>(state, events), ...);
  return state;
}

}  // namespace v0
}  // namespace gabion
