// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/detail/name_hash.hpp>
#include <gabion/cqrs/detail/open_entry.hpp>
#include <gabion/cqrs/detail/open_table.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/middlewares.hpp>

namespace gabion {
inline namespace v0 {

/// Later members are only ever added at the end.
struct open_bus_options {
  std::size_t max_handlers = 4096;  ///< 1 to 1,000,000; default 4096
};

/// A command bus that learns its handlers at run time, for plug-ins and for commands that arrive as
/// a name and bytes.
///
/// One handler for each command; found by message_name: the wire name, or the type's name where
/// there is none. Handlers take
/// `(const Command&)` or `(const Command&, command_context&)`. A send costs a table lookup and a
/// call through a pointer; only registration allocates. Register first, then send: sends may run at
/// the same time as each other if the handlers allow it, but not together with add or remove. Types
/// are told apart by their names, so two that are spelled alike are one to it. For a set that is
/// known when you compile, command_bus is faster and finds mistakes earlier.
template <class... Middlewares>
class basic_open_bus {
 public:
  static constexpr message_kind kind = message_kind::command;

  /// Throws error(invalid_argument) if an option is out of range.
  explicit basic_open_bus(open_bus_options options = {})
    requires(sizeof...(Middlewares) == 0)
      : options_(checked(options)) {}
  explicit basic_open_bus(middlewares<Middlewares...> around, open_bus_options options = {})
      : options_(checked(options)), around_(std::move(around)) {}

  /// Registers the handler of a command: `add<place_order>(f)`, or `add(f)` if f's first parameter
  /// tells. With a codec the command can also be sent by name. Throws error(duplicate) that names a
  /// command that has a handler already, error(full) at the limit.
  template <class Command = detail::message_of_parameter, class Function,
            class Codec = detail::no_codec>
  void add(Function f, Codec codec = {}) {
    auto made = gabion::handle<Command>(std::move(f));
    using handler_type = decltype(made);
    using command = typename handler_type::message_type;
    using holder = detail::open_handler<command, typename handler_type::function_type, Codec,
                                        middlewares<Middlewares...>>;
    constexpr std::string_view name = message_name<command>();
    constexpr std::uint64_t hash = detail::name_hash(name);
    if (table_.find(hash, name) != nullptr)
      detail::fail(errc::duplicate, "open_bus: '" + std::string{name} + "' has a handler already");
    if (table_.size() == options_.max_handlers)
      detail::fail(errc::full, "open_bus: open_bus_options.max_handlers is " +
                                   std::to_string(options_.max_handlers) +
                                   " and all are in use; no room for '" + std::string{name} + "'");
    table_.insert(
        holder::make(std::move(made.function), std::move(codec), std::string{name}, hash));
  }

  /// Forgets a handler, for example before its plug-in is unloaded; false if there is none.
  bool remove(std::string_view name) {
    return table_.erase(table_.find(detail::name_hash(name), name));
  }

  [[nodiscard]] bool handles(std::string_view name) const noexcept {
    return table_.find(detail::name_hash(name), name) != nullptr;
  }
  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

  /// Runs the handler and gives back what it returns: Result must be exactly that type, void is the
  /// default. Throws error(unknown_type) if there is no handler, error(invalid_argument) if it
  /// returns something else; both name the command.
  template <class Result = void, class Command>
  Result send(const Command& command, command_context& context) {
    constexpr std::string_view name = message_name<Command>();
    constexpr std::uint64_t hash = detail::name_hash(name);
    constexpr detail::open_types types{detail::written_name<Command>(),
                                       detail::written_name<Result>()};
    const detail::open_entry& entry = find(hash, name, types.message.data());
    check_types(entry, types);
    if constexpr (std::is_void_v<Result>) {
      entry.call(&around_, &command, context, nullptr);
    } else {
      std::optional<Result> given;
      entry.call(&around_, &command, context, &given);
      return *std::move(given);
    }
  }
  template <class Result = void, class Command>
  Result send(const Command& command) {
    command_context context;
    return send<Result>(command, context);
  }

  /// Decodes the command of that name, runs its handler and gives back the encoded result, empty
  /// for void. Throws error(unknown_type) that names it if there is no handler or it has no codec,
  /// and whatever the codec throws.
  std::string send_bytes(std::string_view name, std::string_view bytes, command_context& context) {
    const detail::open_entry& entry = find(detail::name_hash(name), name);
    if (!entry.takes_bytes())
      detail::fail(errc::unknown_type,
                   "open_bus: '" + std::string{name} +
                       "' has a handler but no codec; add it with one to send it by name");
    return entry.call(&around_, bytes, context);
  }
  std::string send_bytes(std::string_view name, std::string_view bytes) {
    command_context context;
    return send_bytes(name, bytes, context);
  }

 private:
  static open_bus_options checked(open_bus_options options) {
    detail::check_range("open_bus_options.max_handlers", options.max_handlers, 1, 1'000'000);
    return options;
  }

  [[nodiscard]] const detail::open_entry& find(std::uint64_t hash, std::string_view name,
                                               const char* type = nullptr) const {
    const detail::open_entry* const entry = table_.find(hash, name, type);
    if (entry == nullptr)
      detail::fail(errc::unknown_type, "open_bus: no handler for '" + std::string{name} + "'");
    return *entry;
  }

  static void check_types(const detail::open_entry& entry, const detail::open_types& asked) {
    if (!detail::same_name(entry.types().message, asked.message))
      detail::fail(errc::invalid_argument, "open_bus: the handler of '" + entry.name() +
                                               "' takes " + std::string{entry.types().message} +
                                               ", not " + std::string{asked.message});
    if (!detail::same_name(entry.types().result, asked.result))
      detail::fail(errc::invalid_argument, "open_bus: the handler of '" + entry.name() +
                                               "' returns " + std::string{entry.types().result} +
                                               ", not " + std::string{asked.result});
  }

  open_bus_options options_;
  [[no_unique_address]] middlewares<Middlewares...> around_;
  detail::open_table table_{};
};

template <class... Middlewares>
basic_open_bus(middlewares<Middlewares...>) -> basic_open_bus<Middlewares...>;
template <class... Middlewares>
basic_open_bus(middlewares<Middlewares...>, open_bus_options) -> basic_open_bus<Middlewares...>;

/// An open bus without middlewares. With: `basic_open_bus bus{middlewares{log, validation{}}}`.
using open_bus = basic_open_bus<>;

}  // namespace v0
}  // namespace gabion
