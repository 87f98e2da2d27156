// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <gabion/cqrs/detail/handler_set.hpp>
#include <gabion/cqrs/message_list.hpp>

// The checks of a closed bus. The quick path is one fold; names are only collected on the way to an
// error.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class Message, class First, class Second>
struct message_has_one_handler {
  static_assert(sizeof(Message) == 0,
                "gabion: a second handler for a message; a command or a query has exactly one. "
                "Message and both handlers are the "
                "arguments of this message_has_one_handler<Message, First, Second>");
};

template <class Message>
struct message_is_declared {
  static_assert(sizeof(Message) == 0,
                "gabion: a handler for a message that the bus does not declare. Message is the "
                "argument of this "
                "message_is_declared<Message>");
};

template <class... Messages>
struct tag_set : handles_tag<Messages>... {};

template <class...>
struct type_list {};

struct passed {};

/// Reports the first handler that follows the given one for the same message.
template <class Handler, class... Others>
struct report_repeated {};
template <class Message, class Function, class OtherMessage, class OtherFunction, class... Rest>
struct report_repeated<handler<Message, Function>, handler<OtherMessage, OtherFunction>, Rest...>
    : report_repeated<handler<Message, Function>, Rest...> {};
template <class Message, class Function, class OtherFunction, class... Rest>
struct report_repeated<handler<Message, Function>, handler<Message, OtherFunction>, Rest...>
    : message_has_one_handler<Message, Function, OtherFunction> {};

/// Reports every message that has a second handler.
template <class... Handlers>
struct report_second_handlers {};
template <class First, class... Rest>
struct report_second_handlers<First, Rest...> : report_repeated<First, Rest...>,
                                                report_second_handlers<Rest...> {};

template <class Set, class... Messages>
struct report_missing : std::conditional_t<set_handles<Set, Messages>, type_list<Messages>,
                                           message_has_handler<Messages>>... {};

template <class Tags, class... Messages>
struct report_undeclared : std::conditional_t<set_handles<Tags, Messages>, type_list<Messages>,
                                              message_is_declared<Messages>>... {};

template <class Set, class... Handlers>
struct check_single : std::conditional_t<has_single_handlers<Set, Handlers...>, passed,
                                         report_second_handlers<Handlers...>> {};

template <class Declared, class Set, class... Messages>
struct check_list {};
/// Every declared message has a handler, and no other message has one.
template <template <class...> class List, class... Declared, class Set, class... Messages>
struct check_list<List<Declared...>, Set, Messages...>
    : std::conditional_t<detail::every<set_handles<Set, Declared>...>(), passed,
                         report_missing<Set, Declared...>>,
      std::conditional_t<detail::every<set_handles<tag_set<Declared...>, Messages>...>(),
                         type_list<>, report_undeclared<tag_set<Declared...>, Messages...>> {};

/// An empty base; deriving from it is a compile error that names the message if the handlers are
/// not as declared.
template <class Declared, class Set, class... Handlers>
struct checked_handlers : check_single<Set, Handlers...>,
                          check_list<Declared, Set, typename Handlers::message_type...> {};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
