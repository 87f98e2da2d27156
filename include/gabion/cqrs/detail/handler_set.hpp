// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <gabion/cqrs/detail/pipeline.hpp>
#include <gabion/cqrs/detail/signature.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/middlewares.hpp>

// The handlers of a closed bus are base classes, and each brings its own overload of send() or
// ask(). No function that is made for one message names the type of the whole bus: its symbol would
// hold all 700 handlers, and mangling 700 of them is cubic.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class Message>
struct message_has_handler {
  static_assert(sizeof(Message) == 0,
                "gabion: no handler for a message. Add handle<Message>(f) to the bus; Message is "
                "the argument of this "
                "message_has_handler<Message>");
};

/// One handler and the way to the middlewares around it.
template <class Message, class Function, class Middlewares>
struct handler_cell : handles_tag<Message> {
  [[no_unique_address]] Function function;
  Middlewares* outer;
};
template <class Message, class Function>
struct handler_cell<Message, Function, middlewares<>> : handles_tag<Message> {
  [[no_unique_address]] Function function;
  constexpr handler_cell(handles_tag<Message>, Function f, middlewares<>*)
      : function(std::move(f)) {}
};

/// Runs the handler inside the middlewares, with everything inlined: a send is the handler's call.
template <message_kind Kind, class Message, class Function, class Middlewares, class Context>
[[gnu::always_inline]] constexpr decltype(auto) run(Function& f, Middlewares& around,
                                                    const Message& message, Context& context) {
  return step<0, Kind, Middlewares, Message, Function>{around, f}(context, message);
}

template <std::size_t Index, class Message, class Function, class Middlewares>
struct command_slot : handler_cell<Message, Function, Middlewares> {
  [[gnu::always_inline]] constexpr decltype(auto) send(const Message& command) {
    no_context context;
    return send(command, context);
  }
  template <class Context>
  [[gnu::always_inline]] constexpr decltype(auto) send(const Message& command, Context&& context) {
    if constexpr (Middlewares::size == 0) {
      return detail::call_handler(this->function, command, context);
    } else {
      return detail::run<message_kind::command>(this->function, *this->outer, command, context);
    }
  }
};

template <std::size_t Index, class Message, class Function, class Middlewares>
struct query_slot : handler_cell<Message, Function, Middlewares> {
  [[gnu::always_inline]] constexpr decltype(auto) ask(const Message& query) const {
    const no_context context;
    return ask(query, context);
  }
  template <class Context>
  [[gnu::always_inline]] constexpr decltype(auto) ask(const Message& query,
                                                      const Context& context) const {
    if constexpr (!detail::only_reads<Function>()) {
      return reported{};
    } else if constexpr (Middlewares::size == 0) {
      return detail::call_handler(this->function, query, context);
    } else {
      return detail::run<message_kind::query>(this->function, std::as_const(*this->outer), query,
                                              context);
    }
  }
};

template <template <std::size_t, class, class, class> class Slot, class Middlewares, class Indices,
          class... Handlers>
struct handler_set;
template <template <std::size_t, class, class, class> class Slot, class Middlewares,
          std::size_t... Indices, class... Messages, class... Functions>
struct handler_set<Slot, Middlewares, std::index_sequence<Indices...>,
                   handler<Messages, Functions>...>
    : Slot<Indices, Messages, Functions, Middlewares>... {
  constexpr explicit handler_set(Middlewares* surrounding, handler<Messages, Functions>&&... all)
      : Slot<Indices, Messages, Functions, Middlewares>{
            {{}, std::move(all.function), surrounding}}... {}
};

template <class Set, class Message>
inline constexpr bool set_handles = __is_base_of(handles_tag<Message>, Set);

/// False if the set has the tag twice: the conversion is ambiguous then.
template <class Set, class Message>
concept set_handles_once = requires(Set* set, void (*take)(handles_tag<Message>*)) { take(set); };

template <class Set, class... Handlers>
inline constexpr bool has_single_handlers =
    detail::every<set_handles_once<Set, typename Handlers::message_type>...>();

/// The overloads of all handlers, and one for the message that none of them takes.
template <class Set, class... Slots>
struct send_overloads : Set {
  using Set::Set;
  using Slots::send...;
  template <class Command>
  constexpr reported send(const Command&) {
    message_has_handler<Command>{};
    return {};
  }
  template <class Command, class Context>
  constexpr reported send(const Command&, Context&&) {
    message_has_handler<Command>{};
    return {};
  }
};

template <class Set, class... Slots>
struct ask_overloads : Set {
  using Set::Set;
  using Slots::ask...;
  template <class Query>
  constexpr reported ask(const Query&) const {
    message_has_handler<Query>{};
    return {};
  }
  template <class Query, class Context>
  constexpr reported ask(const Query&, const Context&) const {
    message_has_handler<Query>{};
    return {};
  }
};

/// Stands in for the overloads after a second handler was reported.
template <class Set>
struct no_overloads : Set {
  using Set::Set;
  template <class... Anything>
  constexpr reported send(const Anything&...) {
    return {};
  }
  template <class... Anything>
  constexpr reported ask(const Anything&...) const {
    return {};
  }
};

template <class Middlewares, class Indices, class... Handlers>
struct command_handlers;
template <class Middlewares, std::size_t... Indices, class... Messages, class... Functions>
struct command_handlers<Middlewares, std::index_sequence<Indices...>,
                        handler<Messages, Functions>...> {
  using set = handler_set<command_slot, Middlewares, std::index_sequence<Indices...>,
                          handler<Messages, Functions>...>;
  using type = std::conditional_t<
      has_single_handlers<set, handler<Messages, Functions>...>,
      send_overloads<set, command_slot<Indices, Messages, Functions, Middlewares>...>,
      no_overloads<set>>;
};

template <class Middlewares, class Indices, class... Handlers>
struct query_handlers;
template <class Middlewares, std::size_t... Indices, class... Messages, class... Functions>
struct query_handlers<Middlewares, std::index_sequence<Indices...>,
                      handler<Messages, Functions>...> {
  using set = handler_set<query_slot, Middlewares, std::index_sequence<Indices...>,
                          handler<Messages, Functions>...>;
  using type = std::conditional_t<
      has_single_handlers<set, handler<Messages, Functions>...>,
      ask_overloads<set, query_slot<Indices, Messages, Functions, Middlewares>...>,
      no_overloads<set>>;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
