// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/result_traits.hpp>
#include <gabion/log/transactor.hpp>

namespace gabion {
inline namespace v0 {

/// The context inside a transaction: the open transaction, and the context that the command was
/// sent with. A handler may take it whole, only its transaction (`(const Command&, Transaction&)`)
/// or only the context inside.
template <class Transaction, class Context = command_context>
class unit_of_work {
 public:
  constexpr unit_of_work(Transaction& tx, Context& outer) noexcept
      : transaction_(tx), context_(outer) {}
  [[nodiscard]] constexpr Transaction& transaction() const noexcept { return transaction_; }
  [[nodiscard]] constexpr Context& context() const noexcept { return context_; }

 private:
  Transaction& transaction_;
  Context& context_;
};

namespace detail {
/// Makes a transaction roll back for a result that is a failure. Never leaves transactional.
struct roll_back final : std::exception {
  [[nodiscard]] const char* what() const noexcept override {
    return "the handler's result is a failure";
  }
};
}  // namespace detail

/// Middleware that handles a command in one transaction: all that it and the middlewares inside
/// write, or nothing.
///
/// Commits when the handler returns. Rolls back when it throws, and when its result is a failure
/// (see result_traits), which is then given back as it is. The transactor, a database for example,
/// must outlive the bus; thread safety is the transactor's. Queries and events pass by. Without
/// exceptions a handler whose result can fail does not compile here: nothing else could roll back.
template <transactor Transactor>
class transactional {
 public:
  using transaction = typename Transactor::transaction;

  constexpr explicit transactional(Transactor& database) noexcept : database_(&database) {}

  template <message_kind Kind, class Message>
  static constexpr bool applies = Kind == message_kind::command;

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, unit_of_work<transaction, Context>, Message> {
    using result = detail::next_result<Next, unit_of_work<transaction, Context>, Message>;
    static_assert(
        !can_fail<result> || detail::exceptions_enabled(),
        "gabion: transactional can roll back a failing result only if exceptions are enabled");
    if constexpr (std::is_void_v<result>) {
      database_->transact([&](transaction& tx) {
        unit_of_work<transaction, Context> inner{tx, context};
        next(inner, message);
        return 0;
      });
    } else if constexpr (std::is_reference_v<result>) {
      std::remove_reference_t<result>* given = nullptr;
      database_->transact([&](transaction& tx) {
        unit_of_work<transaction, Context> inner{tx, context};
        given = &next(inner, message);
        return 0;
      });
      return static_cast<result>(*given);
    } else {
      return keep<result>(context, message, next);
    }
  }

 private:
  /// The result is kept outside the transaction, so that a failure can roll it back and still be
  /// given back.
  template <class Result, class Context, class Message, class Next>
  Result keep(Context& context, const Message& message, Next& next) const {
    std::optional<Result> given;
    const auto body = [&](transaction& tx) {
      unit_of_work<transaction, Context> inner{tx, context};
      given.emplace(next(inner, message));
      if (detail::error_of(*given)) detail::raise<detail::roll_back>();
      return 0;
    };
    if constexpr (can_fail<Result>) {
      const bool committed = detail::caught<detail::roll_back>(
          [&] { database_->transact(body); }, [](const detail::roll_back&) { return true; });
      static_cast<void>(committed);
    } else {
      database_->transact(body);
    }
    return *std::move(given);
  }

  Transactor* database_;
};

}  // namespace v0
}  // namespace gabion
