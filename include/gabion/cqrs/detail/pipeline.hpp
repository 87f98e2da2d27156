// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/middlewares.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Names, in the error text, the message, the handler and the context that do not fit.
template <class Message, class Function, class Context>
struct handler_takes_context {
  static_assert(
      sizeof(Message) == 0,
      "gabion: this handler can be called neither with (const Message&) nor with (const Message&, "
      "Context&). If it wants a "
      "context, pass one: send(message, context); a query handler gets its context const. Message, "
      "the handler and the "
      "Context are the three arguments of this handler_takes_context<Message, f, Context>");
};

template <class Message, class Middleware, class Context>
struct middleware_fits {
  static_assert(sizeof(Message) == 0,
                "gabion: a middleware must be callable as mw(context, message, next). Message, the "
                "middleware and the Context are the "
                "three arguments of this middleware_fits<Message, Middleware, Context>");
};

/// Hands a handler what it declares: the message alone, the context too, the transaction in the
/// context, or the context inside it.
template <class Function, class Message, class Context>
[[gnu::always_inline]] constexpr decltype(auto) call_handler(Function& f, const Message& message,
                                                             Context& context) {
  if constexpr (requires { f(message); }) {
    return f(message);
  } else if constexpr (requires { f(message, context); }) {
    return f(message, context);
  } else if constexpr (requires { f(message, context.transaction()); }) {
    return f(message, context.transaction());
  } else if constexpr (requires { context.context(); }) {
    return detail::call_handler(f, message, context.context());
  } else {
    handler_takes_context<Message, Function, Context>{};
    return reported{};
  }
}

/// What is left to run for one message: middleware Index and everything inside it. Lives no longer
/// than the send.
template <std::size_t Index, message_kind Kind, class Middlewares, class Message, class Function>
struct step {
  static constexpr message_kind kind = Kind;
  using message_type = Message;

  Middlewares& around;
  Function& function;

  template <class Context>
  [[gnu::always_inline]] constexpr decltype(auto) operator()(Context& context,
                                                             const Message& message) const {
    if constexpr (Index == std::remove_const_t<Middlewares>::size) {
      return detail::call_handler(function, message, context);
    } else {
      auto& middleware = detail::middleware_at<Index>(around);
      using middleware_type = std::remove_cvref_t<decltype(middleware)>;
      step<Index + 1, Kind, Middlewares, Message, Function> next{around, function};
      if constexpr (!detail::applies<middleware_type, Kind, Message>()) {
        return next(context, message);
      } else if constexpr (requires { middleware(context, message, next); }) {
        return middleware(context, message, next);
      } else {
        middleware_fits<Message, middleware_type, Context>{};
        return reported{};
      }
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
