// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/codec.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/heap.hpp>
#include <gabion/core/message.hpp>
#include <gabion/core/wire_name.hpp>
#include <gabion/cqrs/message_list.hpp>

namespace gabion {
inline namespace v0 {

/// How to turn an event type that is no longer written into the type that took its place. Give the
/// old type `new_type upcast() const`, or specialise this with `new_type operator()(const
/// old_type&) const`.
///
/// The old type stays in the list of event types under its own wire name. Steps chain: whoever
/// reads sees the newest type only.
template <class Event>
struct upcaster {};

template <class Event>
  requires requires(const Event& e) { e.upcast(); }
struct upcaster<Event> {
  constexpr auto operator()(const Event& e) const { return e.upcast(); }
};

/// An event type that is only read, and turned into a newer one.
template <class Event>
concept retired_event = std::invocable<const upcaster<Event>&, const Event&>;

namespace detail {

template <class First, class Second>
struct wire_names_differ {
  static_assert(sizeof(First) == 0,
                "gabion: two event types have one wire name, so stored events could not be told "
                "apart. Both types are the arguments of "
                "this wire_names_differ<First, Second>");
};

template <class Newer, class Older>
struct upcast_is_listed {
  static_assert(sizeof(Newer) == 0,
                "gabion: an event is upcast to a type that is not in the list of event types. Both "
                "are the arguments of this "
                "upcast_is_listed<Newer, Older>");
};

template <std::size_t Index, class Event>
struct indexed_event {};

template <class Indices, class... Events>
struct event_indices;
template <std::size_t... Indices, class... Events>
struct event_indices<std::index_sequence<Indices...>, Events...>
    : indexed_event<Indices, Events>... {};

template <std::size_t Index, class Event>
Event event_at(const indexed_event<Index, Event>*);

}  // namespace detail

template <class List>
struct event_types;

/// What is known at compile time about a list of event types: which wire name stands for which
/// type, and how to read it.
///
/// Two types with one wire name, a type without one, and an upcast to a type that is not listed are
/// compile errors.
template <class... Events>
struct event_types<events<Events...>> {
  static constexpr std::size_t size = sizeof...(Events);

  /// Whether Event is in the list.
  template <class Event>
  static constexpr bool contains = (std::same_as<Event, Events> || ...);

  /// Whether an event of that wire name is in the list.
  [[nodiscard]] static constexpr bool knows(std::string_view name) noexcept {
    return index_of(name) != size;
  }

  /// Decodes the message, upcasts it to the newest type and calls `see(const Event&)`. False if its
  /// type is not in the list. Throws error(corrupt) if it has no data, and what the codec throws.
  /// Logarithmic in the number of types.
  template <class Codec, class Visitor>
  static bool visit(const Codec& codec, const message& m, Visitor&& see) {
    (void)sound;
    const std::size_t index = index_of(m.type);
    if (index == size) return false;
    if (!m.data)
      gabion::detail::fail(errc::corrupt,
                           "event '" + m.id + "' of type '" + m.type + "' has no data");
    using reader = void (*)(const Codec&, std::string_view, Visitor&);
    static constexpr std::array<reader, size> readers{&read<Events, Codec, Visitor>...};
    readers[index](codec, *m.data, see);
    return true;
  }

  /// Calls `see(const newest type&)` for an event of a listed type.
  template <class Event, class Visitor>
  static constexpr void see_newest(const Event& event, Visitor& see) {
    if constexpr (retired_event<Event>) {
      using newer = std::remove_cvref_t<std::invoke_result_t<const upcaster<Event>&, const Event&>>;
      if constexpr (contains<newer>) {
        see_newest(upcaster<Event>{}(event), see);
      } else {
        gabion::detail::upcast_is_listed<newer, Event>{};
      }
    } else {
      see(event);
    }
  }

 private:
  struct entry {
    std::string_view name{};
    std::size_t index = 0;
  };
  using table = std::array<entry, size>;

  static constexpr table sorted = [] {
    [[maybe_unused]] std::size_t next = 0;
    table all{entry{wire_name_of<Events>(), next++}...};
    gabion::detail::heap_sort(all, [](const entry& a, const entry& b) { return a.name < b.name; });
    return all;
  }();

  /// Where the table has a name twice; `size` if nowhere.
  static constexpr std::size_t twice = [] {
    for (std::size_t i = 1; i < size; ++i)
      if (sorted[i - 1].name == sorted[i].name) return i;
    return size;
  }();

  static constexpr bool sound = [] {
    if constexpr (twice != size) {
      using all = gabion::detail::event_indices<std::index_sequence_for<Events...>, Events...>;
      gabion::detail::wire_names_differ<decltype(gabion::detail::event_at<sorted[twice - 1].index>(
                                            static_cast<const all*>(nullptr))),
                                        decltype(gabion::detail::event_at<sorted[twice].index>(
                                            static_cast<const all*>(nullptr)))>{};
    }
    return true;
  }();

  [[nodiscard]] static constexpr std::size_t index_of(std::string_view name) noexcept {
    std::size_t low = 0;
    for (std::size_t high = size; low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (sorted[middle].name < name)
        low = middle + 1;
      else
        high = middle;
    }
    return low != size && sorted[low].name == name ? sorted[low].index : size;
  }

  template <class Event, class Codec, class Visitor>
  static void read(const Codec& codec, std::string_view bytes, Visitor& see) {
    static_assert(explain_codec_for<Codec, Event>());
    see_newest(codec.template decode<Event>(bytes), see);
  }

 public:
  /// True; using it is what checks the list.
  [[nodiscard]] static consteval bool valid() { return sound; }
};

/// Has a list of event types: `using event_list = gabion::events<order_placed, item_added>;`.
template <class T>
concept lists_events = requires { event_types<typename T::event_list>::size; };

/// An event as a message: its wire name, and its value in the codec's format. Everything else is
/// left to the caller.
template <class Codec, class Event>
[[nodiscard]] message encode_event(const Codec& codec, const Event& event) {
  static_assert(explain_codec_for<Codec, Event>());
  return {.type = std::string{wire_name_of<Event>()},
          .content_type = std::string{codec.content_type()},
          .data = codec.encode(event)};
}

}  // namespace v0
}  // namespace gabion
