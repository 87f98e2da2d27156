// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <gabion/cqrs/detail/handler_checks.hpp>
#include <gabion/cqrs/detail/handler_set.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/message_list.hpp>
#include <gabion/cqrs/middlewares.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {
template <class Middlewares, class... Handlers>
using command_handlers_t =
    typename command_handlers<Middlewares, std::index_sequence_for<Handlers...>, Handlers...>::type;
}  // namespace detail

/// Sends each command to its one handler, chosen by the compiler.
///
/// `bus.send(command)` and `bus.send(command, context)` give back exactly what the handler returns;
/// exceptions pass unchanged. A command without a handler, with a second one or with one that
/// cannot take it is one compile error that names it. A send is the handler's call: no table, no
/// allocation, no indirection, the same at 700 command types. The bus keeps no state of its own and
/// is as safe to use from several threads as its handlers and middlewares are. It stays where it
/// was made: it does not move.
/// \code gabion::command_bus bus{gabion::handle([&](const place_order& c) { ... })}; \endcode
template <class Declared, class Middlewares, class... Handlers>
class command_bus : detail::command_handlers_t<Middlewares, Handlers...> {
  using base = detail::command_handlers_t<Middlewares, Handlers...>;

 public:
  static constexpr message_kind kind = message_kind::command;

  /// Whether this bus has a handler for the command. Asking is no error.
  template <class Command>
  static constexpr bool handles = detail::set_handles<base, Command>;

  constexpr explicit command_bus(Handlers... all)
    requires(Middlewares::size == 0)
      : base{&around_, std::move(all)...} {}
  constexpr explicit command_bus(std::type_identity_t<Middlewares> pack, Handlers... all)
      : base{&around_, std::move(all)...}, around_(std::move(pack)) {}
  constexpr explicit command_bus(std::type_identity_t<Declared>, Handlers... all)
    requires(Middlewares::size == 0)
      : base{&around_, std::move(all)...} {}
  constexpr explicit command_bus(std::type_identity_t<Declared>,
                                 std::type_identity_t<Middlewares> pack, Handlers... all)
      : base{&around_, std::move(all)...}, around_(std::move(pack)) {}
  command_bus(const command_bus&) = delete;
  command_bus& operator=(const command_bus&) = delete;
  ~command_bus() = default;

  using base::send;

 private:
  [[no_unique_address]] Middlewares around_;
  [[no_unique_address]] detail::checked_handlers<Declared, base, Handlers...> checked_{};
};

template <class... Messages, class... Functions>
command_bus(handler<Messages, Functions>...)
    -> command_bus<undeclared, middlewares<>, handler<Messages, Functions>...>;
template <class... Around, class... Messages, class... Functions>
command_bus(middlewares<Around...>, handler<Messages, Functions>...)
    -> command_bus<undeclared, middlewares<Around...>, handler<Messages, Functions>...>;
template <class... Declared, class... Messages, class... Functions>
command_bus(commands<Declared...>, handler<Messages, Functions>...)
    -> command_bus<commands<Declared...>, middlewares<>, handler<Messages, Functions>...>;
template <class... Declared, class... Around, class... Messages, class... Functions>
command_bus(commands<Declared...>, middlewares<Around...>, handler<Messages, Functions>...)
    -> command_bus<commands<Declared...>, middlewares<Around...>, handler<Messages, Functions>...>;

}  // namespace v0
}  // namespace gabion
