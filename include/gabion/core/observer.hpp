// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// The observer that listens to nothing. Code that reports to it compiles to no code at all.
struct no_observer {};

/// True if Observer wants events of this type. Building an event can be skipped when nobody does.
template <class Observer, class Event>
concept observes = std::invocable<Observer&, const Event&>;

/// True if Observer accepts at least one of these events, or is no_observer. Everything that takes
/// an observer requires it, so an observer that would never be called does not compile.
template <class Observer, class... Events>
concept observes_any =
    std::same_as<std::remove_cvref_t<Observer>, no_observer> || (observes<Observer, Events> || ...);

/// Hands the event to the observer if it can take that type; otherwise does nothing, at no cost.
///
/// An observer is anything that can be called with the events it cares about: a lambda, an object
/// with overloads, a reference to either. It is called outside every lock and may call back into
/// gabion.
template <class Observer, class Event>
constexpr void notify(Observer& observer, const Event& event) {
  if constexpr (observes<Observer, Event>) observer(event);
}

/// Several callables as one observer, each for the event types it takes.
/// \code auto o = gabion::observers{[](const circuit_transition& t) { ... }, [](const
/// retry_scheduled& r) { ... }}; \endcode
template <class... Callables>
struct observers : Callables... {
  using Callables::operator()...;
};
template <class... Callables>
observers(Callables...) -> observers<Callables...>;

}  // namespace v0
}  // namespace gabion
