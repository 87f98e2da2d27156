// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

#include <gabion/cqrs/message_kind.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

template <class Middleware, message_kind Kind, class Message>
concept restricts_itself = requires { Middleware::template applies<Kind, Message>; };

/// Whether a middleware runs for this message; it does unless it says otherwise.
template <class Middleware, message_kind Kind, class Message>
consteval bool applies() {
  if constexpr (restricts_itself<Middleware, Kind, Message>) {
    return Middleware::template applies<Kind, Message>;
  } else {
    return true;
  }
}

template <std::size_t Index, class Middleware>
struct middleware_slot {
  [[no_unique_address]] Middleware value;
};

template <std::size_t Index, class Middleware>
[[nodiscard]] constexpr Middleware& middleware_at(
    middleware_slot<Index, Middleware>& slot) noexcept {
  return slot.value;
}
template <std::size_t Index, class Middleware>
[[nodiscard]] constexpr const Middleware& middleware_at(
    const middleware_slot<Index, Middleware>& slot) noexcept {
  return slot.value;
}

template <class Indices, class... Middlewares>
struct middleware_pack;
template <std::size_t... Indices, class... Middlewares>
struct middleware_pack<std::index_sequence<Indices...>, Middlewares...>
    : middleware_slot<Indices, Middlewares>... {};

template <class Middleware, message_kind Only>
struct for_kind : Middleware {
  using Middleware::operator();
  template <message_kind Kind, class Message>
  static constexpr bool applies = Kind == Only && detail::applies<Middleware, Kind, Message>();
};

template <class Middleware, class... Only>
struct for_types : Middleware {
  using Middleware::operator();
  template <message_kind Kind, class Message>
  static constexpr bool applies =
      (std::same_as<Message, Only> || ...) && detail::applies<Middleware, Kind, Message>();
};

}  // namespace detail

/// What runs around every handler of a bus, outermost first: the order is in the type.
///
/// A middleware is called as `mw(context, message, next)` and goes on with `return next(context,
/// message)`; it may hand a context of another type to `next`. Nothing is allocated. A middleware
/// may restrict itself with `template <message_kind, class Message> static constexpr bool applies`;
/// where it does not apply it costs nothing.
template <class... Middlewares>
struct middlewares
    : detail::middleware_pack<std::index_sequence_for<Middlewares...>, Middlewares...> {
  static constexpr std::size_t size = sizeof...(Middlewares);

  constexpr middlewares()
    requires(sizeof...(Middlewares) == 0)
  = default;
  constexpr explicit middlewares(Middlewares... all)
    requires(sizeof...(Middlewares) > 0)
      : detail::middleware_pack<std::index_sequence_for<Middlewares...>, Middlewares...>{
            {std::move(all)}...} {}
};

template <class... Middlewares>
middlewares(Middlewares...) -> middlewares<Middlewares...>;

/// The middleware for commands only.
template <class Middleware>
[[nodiscard]] constexpr auto for_commands(Middleware m) {
  return detail::for_kind<Middleware, message_kind::command>{std::move(m)};
}

/// The middleware for queries only.
template <class Middleware>
[[nodiscard]] constexpr auto for_queries(Middleware m) {
  return detail::for_kind<Middleware, message_kind::query>{std::move(m)};
}

/// The middleware for events only.
template <class Middleware>
[[nodiscard]] constexpr auto for_events(Middleware m) {
  return detail::for_kind<Middleware, message_kind::event>{std::move(m)};
}

/// The middleware for these message types only: `for_messages<place_order, cancel_order>(mw)`.
template <class... Messages, class Middleware>
[[nodiscard]] constexpr auto for_messages(Middleware m) {
  return detail::for_types<Middleware, Messages...>{std::move(m)};
}

}  // namespace v0
}  // namespace gabion
