// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <gabion/cqrs/detail/handler_checks.hpp>
#include <gabion/cqrs/detail/handler_set.hpp>
#include <gabion/cqrs/detail/query_checks.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/message_list.hpp>
#include <gabion/cqrs/middlewares.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {
template <class Middlewares, class... Handlers>
using query_handlers_t =
    typename query_handlers<Middlewares, std::index_sequence_for<Handlers...>, Handlers...>::type;
}  // namespace detail

/// Asks each query of its one handler, chosen by the compiler; nothing on the way can change
/// anything.
///
/// `bus.ask(query)` and `bus.ask(query, source)` give back exactly what the handler returns. The
/// bus, its middlewares and its handlers are only called const, and the source (a read model, a
/// store) is handed on const: a handler that asks for a mutable reference, or whose call is not
/// const, is a compile error that names it. What a handler captured by reference is out of sight.
/// Otherwise as command_bus: no allocation, no state, thread safety of the handlers, and it does
/// not move.
/// \code gabion::query_bus bus{gabion::handle([](const open_orders&, const order_view& v) { return
/// v.open(); })}; \endcode
template <class Declared, class Middlewares, class... Handlers>
class query_bus : detail::query_handlers_t<Middlewares, Handlers...> {
  using base = detail::query_handlers_t<Middlewares, Handlers...>;

 public:
  static constexpr message_kind kind = message_kind::query;

  /// Whether this bus has a handler for the query. Asking is no error.
  template <class Query>
  static constexpr bool handles = detail::set_handles<base, Query>;

  constexpr explicit query_bus(Handlers... all)
    requires(Middlewares::size == 0)
      : base{&around_, std::move(all)...} {}
  constexpr explicit query_bus(std::type_identity_t<Middlewares> pack, Handlers... all)
      : base{&around_, std::move(all)...}, around_(std::move(pack)) {}
  constexpr explicit query_bus(std::type_identity_t<Declared>, Handlers... all)
    requires(Middlewares::size == 0)
      : base{&around_, std::move(all)...} {}
  constexpr explicit query_bus(std::type_identity_t<Declared>,
                               std::type_identity_t<Middlewares> pack, Handlers... all)
      : base{&around_, std::move(all)...}, around_(std::move(pack)) {}
  query_bus(const query_bus&) = delete;
  query_bus& operator=(const query_bus&) = delete;
  ~query_bus() = default;

  using base::ask;

 private:
  [[no_unique_address]] Middlewares around_;
  [[no_unique_address]] detail::checked_handlers<Declared, base, Handlers...> checked_{};
  [[no_unique_address]] detail::checked_readers<Handlers...> reads_{};
};

template <class... Messages, class... Functions>
query_bus(handler<Messages, Functions>...)
    -> query_bus<undeclared, middlewares<>, handler<Messages, Functions>...>;
template <class... Around, class... Messages, class... Functions>
query_bus(middlewares<Around...>, handler<Messages, Functions>...)
    -> query_bus<undeclared, middlewares<Around...>, handler<Messages, Functions>...>;
template <class... Declared, class... Messages, class... Functions>
query_bus(queries<Declared...>, handler<Messages, Functions>...)
    -> query_bus<queries<Declared...>, middlewares<>, handler<Messages, Functions>...>;
template <class... Declared, class... Around, class... Messages, class... Functions>
query_bus(queries<Declared...>, middlewares<Around...>, handler<Messages, Functions>...)
    -> query_bus<queries<Declared...>, middlewares<Around...>, handler<Messages, Functions>...>;

}  // namespace v0
}  // namespace gabion
