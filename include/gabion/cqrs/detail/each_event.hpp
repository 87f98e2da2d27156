// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <gabion/cqrs/event_types.hpp>

namespace gabion {
inline namespace v0 {

/// A decision that nothing happens.
struct no_events {
  friend constexpr bool operator==(no_events, no_events) noexcept = default;
};

namespace detail {

template <class Decision, class List>
struct decision_is_events {
  static_assert(sizeof(Decision) == 0,
                "gabion: decide() gave something that is neither a listed event nor no_events nor "
                "an optional, tuple, range or variant of "
                "these. Decision and the list of events are the arguments of this "
                "decision_is_events<Decision, List>");
};

template <class Event>
struct event_is_current {
  static_assert(sizeof(Event) == 0,
                "gabion: decide() gave an event of a retired type, one that has an upcast. Give "
                "the newest type. Event is the argument of "
                "this event_is_current<Event>");
};

template <class T>
concept optional_like = requires(const T& t) {
  static_cast<bool>(t.has_value());
  *t;
};
template <class T>
concept tuple_like = requires { std::tuple_size<T>::value; };
template <class T>
concept range_like = requires(const T& t) {
  t.begin() != t.end();
  *t.begin();
};
struct ignores_alternative {
  template <class T>
  constexpr void operator()(const T&) const noexcept {}
};
// std::visit is found by its argument, so that <variant> is included only by those who use it.
template <class T>
concept variant_like = requires(const T& t) { visit(ignores_alternative{}, t); };

/// Calls `see(const Event&)` for each event in a decision, in order.
template <class List, class Decision, class Visitor>
constexpr void each_event(const Decision& decision, Visitor& see) {
  if constexpr (event_types<List>::template contains<Decision>) {
    if constexpr (retired_event<Decision>) {
      event_is_current<Decision>{};
    } else {
      see(decision);
    }
  } else if constexpr (std::is_same_v<Decision, no_events>) {
    return;
  } else if constexpr (optional_like<Decision>) {
    if (decision.has_value()) detail::each_event<List>(*decision, see);
  } else if constexpr (tuple_like<Decision>) {
    std::apply([&see](const auto&... each) { (detail::each_event<List>(each, see), ...); },
               decision);
  } else if constexpr (range_like<Decision>) {
    for (const auto& each : decision) detail::each_event<List>(each, see);
  } else if constexpr (variant_like<Decision>) {
    visit([&see](const auto& each) { detail::each_event<List>(each, see); }, decision);
  } else {
    decision_is_events<Decision, List>{};
  }
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
