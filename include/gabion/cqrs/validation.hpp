// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// What is wrong with a message: the member, and what is allowed instead.
struct violation {
  std::string field{};
  std::string problem{};
  friend bool operator==(const violation&, const violation&) = default;
};

/// A refused message. The same as its error, with the parts apart for an answer over HTTP.
class validation_error : public error {
 public:
  validation_error(const std::string& message, violation found)
      : error{errc::invalid_argument, message + "." + found.field + ": " + found.problem},
        violation_{std::move(found)} {}
  [[nodiscard]] const violation& found() const noexcept { return violation_; }

 private:
  violation violation_;
};

/// A message that can judge itself: `std::optional<violation> validate() const`.
template <class Message>
concept validates_itself = requires(const Message& m) {
  { m.validate() } -> std::same_as<std::optional<violation>>;
};

/// Something that can judge a message: called with it, it gives a violation or nothing.
template <class Rule, class Message>
concept validator_for = requires(const Rule& r, const Message& m) {
  { r(m) } -> std::same_as<std::optional<violation>>;
};

/// Middleware that refuses a bad message before anything is done, naming the message and the
/// member.
///
/// Asks the message's own validate(), then each rule that takes this message, in order; the first
/// violation counts. It is thrown as validation_error; a result that can carry an error becomes
/// errc::invalid_argument instead. Safe to use from several threads.
/// \code gabion::validation{[](const place_order& c) -> std::optional<gabion::violation> { ... }}
/// \endcode
template <class... Rules>
class validation {
 public:
  constexpr validation()
    requires(sizeof...(Rules) == 0)
  = default;
  constexpr explicit validation(Rules... rules)
    requires(sizeof...(Rules) > 0)
      : rules_{std::move(rules)...} {}

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    using result = detail::next_result<Next, Context, Message>;
    std::optional<violation> found = first_violation(message);
    if (found) return refuse<result>(message_name<Message>(), *std::move(found));
    return next(context, message);
  }

 private:
  struct pack : Rules... {};

  template <class Message>
  std::optional<violation> first_violation(const Message& message) const {
    std::optional<violation> found;
    if constexpr (validates_itself<Message>) found = message.validate();
    (ask(static_cast<const Rules&>(rules_), message, found), ...);
    return found;
  }

  template <class Rule, class Message>
  static void ask(const Rule& rule, const Message& message, std::optional<violation>& found) {
    if constexpr (validator_for<Rule, Message>) {
      if (!found) found = rule(message);
    }
  }

  template <class Result>
  static Result refuse(std::string_view name, violation found) {
    if constexpr (can_fail<Result>) {
      return detail::refuse<Result>(errc::invalid_argument,
                                    std::string{name} + "." + found.field + ": " + found.problem);
    } else {
      detail::raise<validation_error>(std::string{name}, std::move(found));
    }
  }

  [[no_unique_address]] pack rules_{};
};

template <class... Rules>
validation(Rules...) -> validation<Rules...>;

}  // namespace v0
}  // namespace gabion
