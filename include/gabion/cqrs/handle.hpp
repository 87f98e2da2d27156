// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <gabion/cqrs/detail/signature.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// Stands for the message that is still to be read off the function's first parameter.
struct message_of_parameter {};

/// Whether all are true. No fold: clang nests folds, and gives up at 256.
template <bool... Each>
[[nodiscard]] consteval bool every() {
  const bool all[] = {true, Each...};
  for (const bool one : all)
    if (!one) return false;
  return true;
}

/// Marks a set of handlers as one that handles Message; cheap to test as a base class.
template <class Message>
struct handles_tag {};

/// What a send gives once its error was reported, so that the one readable error stays the only
/// one.
struct reported {
  template <class Anything>
  operator Anything() const noexcept;
};

/// Takes the place of a handler whose error was reported.
struct misfit {
  template <class Message>
  reported operator()(const Message&) const noexcept;
};

/// A message that is seen, and not handled on purpose.
struct ignoring {
  template <class Message>
  constexpr void operator()(const Message&) const noexcept {}
};

template <class Message>
concept declares_result = requires { typename Message::result_type; };

template <class Message, class Function>
consteval bool takes_const_message() {
  if constexpr (has_signature<Function>) {
    return std::convertible_to<const Message&, first_parameter<Function>>;
  } else {
    return true;
  }
}

/// Names, in the error text, the message and the function that do not fit each other.
template <class Message, class Function>
struct handler_fits {
  static constexpr bool value = detail::takes_const_message<Message, Function>();
  static_assert(value,
                "gabion: mistyped handler. The first parameter of a handler must be `const "
                "Message&`. Message and the handler are the "
                "two arguments of this handler_fits<Message, f>");
};

template <class Message, class Function>
consteval bool returns_declared_result() {
  if constexpr (declares_result<Message> && std::invocable<Function&, const Message&>) {
    return std::same_as<std::invoke_result_t<Function&, const Message&>,
                        typename Message::result_type>;
  } else {
    return true;
  }
}

/// Names, in the error text, the message and the function that returns something else than the
/// message declares.
template <class Message, class Function>
struct result_fits {
  static constexpr bool value = detail::returns_declared_result<Message, Function>();
  static_assert(value,
                "gabion: mistyped handler. The handler does not return Message::result_type. "
                "Message and the handler are the two "
                "arguments of this result_fits<Message, f>");
};

template <class Function>
struct message_is_visible {
  static_assert(has_signature<Function>,
                "gabion: handle(f) reads the message off the first parameter of f, and this f is "
                "generic or overloaded; "
                "write handle<Message>(f)");
  using type = void;
};
template <has_signature Function>
struct message_is_visible<Function> {
  using type = std::remove_cvref_t<first_parameter<Function>>;
  static_assert(
      !std::is_void_v<type>,
      "gabion: handle(f): f takes no message; its first parameter must be `const Message&`");
};

template <class Message, class Function>
struct message_for {
  using type = Message;
};
template <class Function>
struct message_for<message_of_parameter, Function> : message_is_visible<Function> {};

}  // namespace detail

/// One handler and the message that it is for. Made by handle(); a bus is built of these.
template <class Message, class Function>
struct handler {
  using message_type = Message;
  using function_type = Function;

  constexpr explicit handler(Function f) : function(std::move(f)) {}

  [[no_unique_address]] Function function;
};

/// Ties a function to the message it handles: `handle<place_order>(f)`, or `handle(f)` if f's first
/// parameter tells.
///
/// f takes `(const Message&)`, `(const Message&, Context&)` or `(const Message&, Context&, Bus&)`;
/// the bus gives back exactly what f returns. A message that declares `result_type` holds its
/// handler to it. A function whose first parameter cannot take a const Message is a compile error
/// that names both.
template <class Message = detail::message_of_parameter, class Function>
[[nodiscard]] constexpr auto handle(Function f) {
  using message_type = typename detail::message_for<Message, Function>::type;
  static_assert(std::same_as<message_type, std::remove_cvref_t<message_type>>,
                "gabion: handle<Message>: name the type without const or &");
  if constexpr (std::is_void_v<message_type>) {
    return handler<detail::misfit, detail::misfit>{detail::misfit{}};
  } else if constexpr (!detail::handler_fits<message_type, Function>::value) {
    return handler<message_type, detail::misfit>{detail::misfit{}};
  } else if constexpr (!detail::result_fits<message_type, Function>::value) {
    return handler<message_type, detail::misfit>{detail::misfit{}};
  } else {
    return handler<message_type, Function>{std::move(f)};
  }
}

/// Says that a message is known and needs nothing done: `ignore<order_viewed>()`.
template <class Message>
[[nodiscard]] constexpr auto ignore() {
  return handler<Message, detail::ignoring>{detail::ignoring{}};
}

}  // namespace v0
}  // namespace gabion
