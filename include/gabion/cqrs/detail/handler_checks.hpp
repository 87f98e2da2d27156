// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

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

/// A type and its index in a list. One class derives from all of them, so a conversion finds the
/// type of an index; a recursion over 300 handlers would instantiate and print 300 lists.
template <std::size_t Index, class T>
struct indexed {
  using type = T;
};
template <class Indices, class... Ts>
struct indexed_list;
template <std::size_t... Indices, class... Ts>
struct indexed_list<std::index_sequence<Indices...>, Ts...> : indexed<Indices, Ts>... {};

template <std::size_t Index, class T>
indexed<Index, T> element_at(indexed<Index, T>*);

/// Returns the index of the first element from `from` on that is true.
template <std::size_t Size>
[[nodiscard]] consteval std::size_t first_true(const bool (&each)[Size], std::size_t from = 0) {
  while (from < Size - 1 && !each[from]) ++from;
  return from;
}

/// Static-asserts that no message has a second handler; names the first such message and its first
/// two handlers.
///
/// Complexity: linear in the number of handlers.
template <class Set, class... Handlers>
class report_second_handler {
  using all = indexed_list<std::index_sequence_for<Handlers...>, Handlers...>;
  template <std::size_t Index>
  using handler_at = typename decltype(detail::element_at<Index>(static_cast<all*>(nullptr)))::type;

  static constexpr bool repeats[] = {!set_handles_once<Set, typename Handlers::message_type>...};
  static constexpr std::size_t first = detail::first_true(repeats);
  using message = typename handler_at<first>::message_type;
  static constexpr bool takes[] = {std::is_same_v<message, typename Handlers::message_type>...};
  static constexpr std::size_t second = detail::first_true(takes, first + 1);

 public:
  using type = message_has_one_handler<message, typename handler_at<first>::function_type,
                                       typename handler_at<second>::function_type>;
};

template <class Set, class... Messages>
struct report_missing : std::conditional_t<set_handles<Set, Messages>, type_list<Messages>,
                                           message_has_handler<Messages>>... {};

template <class Tags, class... Messages>
struct report_undeclared : std::conditional_t<set_handles<Tags, Messages>, type_list<Messages>,
                                              message_is_declared<Messages>>... {};

template <class Set, class... Handlers>
struct check_single {};
template <class Set, class... Handlers>
  requires(!has_single_handlers<Set, Handlers...>)
struct check_single<Set, Handlers...> : report_second_handler<Set, Handlers...>::type {};

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
