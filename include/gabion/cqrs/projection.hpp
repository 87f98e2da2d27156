// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <gabion/cqrs/event_store.hpp>
#include <gabion/cqrs/event_types.hpp>

namespace gabion {
inline namespace v0 {

/// What a projection learns about the event that it applies.
struct projected_event {
  const recorded_event& record;
  /// An earlier build of this projection applied it already: change the read model, but send no
  /// mail
  bool replaying = false;
};

/// What to do with event types that a projection does not list.
enum class unlisted_events : std::uint8_t {
  /// Stop before them, or dead-letter them, by the policy. The default: a forgotten type is noticed
  fail,
  /// Not interested: declare it by `static constexpr gabion::unlisted_events unlisted =
  /// gabion::unlisted_events::skip;`
  skip,
};

/// `static constexpr std::string_view name`: stable, because the checkpoint is kept under it.
template <class P>
concept has_projection_name = requires {
  { P::name } -> std::convertible_to<std::string_view>;
};

/// `static constexpr std::uint32_t version`: another version is another read model with a
/// checkpoint of its own.
template <class P>
concept has_projection_version = requires {
  { P::version } -> std::convertible_to<std::uint32_t>;
};

namespace detail {

template <class P, class Transaction, class Event>
concept applies_alone = requires(P& p, Transaction& tx, const Event& event) { p.apply(tx, event); };

template <class P, class Transaction, class Event>
concept applies_knowing = requires(P& p, Transaction& tx, const Event& event,
                                   const projected_event& about) { p.apply(tx, event, about); };

template <class P>
concept names_events = requires { typename P::event_list; };

template <class P>
concept declares_unlisted = requires {
  { P::unlisted } -> std::convertible_to<unlisted_events>;
};

}  // namespace detail

/// Applies an event of that type, in the transaction of its checkpoint: `void apply(Transaction&,
/// const Event&)`, or with a third parameter `const projected_event&`.
template <class P, class Transaction, class Event>
concept applies_event =
    detail::applies_alone<P, Transaction, Event> || detail::applies_knowing<P, Transaction, Event>;

/// Has no list of events: takes every event as it is stored, `void apply(Transaction&, const
/// recorded_event&)`.
template <class P, class Transaction>
concept raw_projection =
    (!detail::names_events<P>) && applies_event<P, Transaction, recorded_event>;

namespace detail {

template <class Projection, class Event>
struct event_is_applied {
  static_assert(sizeof(Projection) == 0,
                "gabion: a projection lists an event but has no `void apply(Transaction&, const "
                "Event&)` for it. Projection and "
                "Event are the arguments of this event_is_applied<Projection, Event>");
};

template <class P, class Transaction, class... Events>
consteval bool applies_all(events<Events...>) {
  return ((retired_event<Events> || applies_event<P, Transaction, Events>) && ...);
}

template <class P, class Transaction, class Event>
consteval void report_unapplied() {
  if constexpr (!retired_event<Event> && !applies_event<P, Transaction, Event>)
    event_is_applied<P, Event>{};
}

template <class P, class Transaction, class... Events>
consteval void report_all_unapplied(events<Events...>) {
  (detail::report_unapplied<P, Transaction, Events>(), ...);
}

template <class P>
[[nodiscard]] consteval unlisted_events unlisted_policy() {
  if constexpr (declares_unlisted<P>) {
    return P::unlisted;
  } else {
    return unlisted_events::fail;
  }
}

}  // namespace detail

/// Has `using event_list = gabion::events<...>;` and applies each of them. Retired types count as
/// what they are upcast to.
template <class P, class Transaction>
concept typed_projection =
    lists_events<P> && detail::applies_all<P, Transaction>(typename P::event_list{});

/// Removes its whole read model, to be built again: `void reset(Transaction&)`.
template <class P, class Transaction>
concept resettable = requires(P& p, Transaction& tx) { p.reset(tx); };

/// Turns events into a read model, inside transactions of type Transaction. It must have no effect
/// but through them.
template <class P, class Transaction>
concept projection = has_projection_name<P> && has_projection_version<P> &&
                     (raw_projection<P, Transaction> || typed_projection<P, Transaction>);

/// Names everything that P lacks to be a projection, in words.
template <class P, class Transaction>
consteval bool explain_projection() {
  static_assert(
      has_projection_name<P>,
      "projection: `static constexpr std::string_view name = \"order_totals\";` is missing");
  static_assert(has_projection_version<P>,
                "projection: `static constexpr std::uint32_t version = 1;` is missing");
  if constexpr (detail::names_events<P>) {
    detail::report_all_unapplied<P, Transaction>(typename P::event_list{});
  } else {
    static_assert(raw_projection<P, Transaction>,
                  "projection: neither `using event_list = gabion::events<...>;` nor `void "
                  "apply(Transaction&, const "
                  "recorded_event&)` is there");
  }
  return projection<P, Transaction>;
}

/// The key of a projection's checkpoint and lease: "order_totals@2".
[[nodiscard]] inline std::string projection_key(std::string_view name, std::uint32_t version) {
  return std::string{name} + "@" + std::to_string(version);
}

/// The same for a projection type.
template <class P>
[[nodiscard]] std::string projection_key() {
  return gabion::projection_key(P::name, P::version);
}

namespace detail {

template <class Projection, class Transaction, class Event>
void apply_event(Projection& p, Transaction& tx, const Event& event, const projected_event& about) {
  if constexpr (applies_knowing<Projection, Transaction, Event>) {
    p.apply(tx, event, about);
  } else {
    p.apply(tx, event);
  }
}

/// Decodes one stored event and applies it. Throws error(unknown_type) for a type that is not
/// listed, unless those are skipped.
template <class Projection, class Codec, class Transaction>
void project(Projection& p, const Codec& codec, Transaction& tx, const projected_event& about) {
  if constexpr (raw_projection<Projection, Transaction>) {
    detail::apply_event(p, tx, about.record, about);
  } else {
    auto see = [&](const auto& event) { detail::apply_event(p, tx, event, about); };
    const bool known =
        event_types<typename Projection::event_list>::visit(codec, about.record.what, see);
    if (!known && detail::unlisted_policy<Projection>() == unlisted_events::fail)
      detail::fail(errc::unknown_type,
                   "projection '" + std::string{Projection::name} + "' does not list event type '" +
                       about.record.what.type +
                       "'; list it, or declare that unlisted events are skipped");
  }
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
