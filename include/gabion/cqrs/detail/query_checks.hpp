// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <gabion/cqrs/detail/handler_checks.hpp>
#include <gabion/cqrs/detail/signature.hpp>
#include <gabion/cqrs/handle.hpp>

// A query changes nothing: what can be seen of that in the type of its handler.
namespace gabion {
inline namespace v0 {
namespace detail {

template <class Query, class Function>
struct query_handler_only_reads {
  static_assert(sizeof(Query) == 0,
                "gabion: a query handler must not change anything: its call must be const and none "
                "of its parameters a reference to "
                "non-const. Query and the handler are the two arguments of this "
                "query_handler_only_reads<Query, f>");
};

template <class... Handlers>
struct report_writers;
template <class... Queries, class... Functions>
struct report_writers<handler<Queries, Functions>...>
    : std::conditional_t<detail::only_reads<Functions>(), type_list<Queries>,
                         query_handler_only_reads<Queries, Functions>>... {};

/// An empty class; making it is a compile error that names the query if a handler could change
/// something.
template <class... Handlers>
struct checked_readers
    : std::conditional_t<detail::every<detail::only_reads<typename Handlers::function_type>()...>(),
                         passed, report_writers<Handlers...>> {};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
