// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string>
#include <system_error>
#include <type_traits>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/delivery.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Leaves a transaction because the handler said so by its result.
class handler_refusal : public error {
 public:
  handler_refusal(outcome as, const std::string& why) : error{errc::rejected, why}, as_{as} {}
  [[nodiscard]] outcome as() const noexcept { return as_; }

 private:
  outcome as_;
};

/// What an error says about the message: never (rejected), not its fault (unavailable, in doubt),
/// or try again.
[[nodiscard]] inline outcome outcome_of(const std::error_code& code) noexcept {
  if (code.category() != gabion::error_category()) return outcome::retry;
  switch (static_cast<errc>(code.value())) {
    case errc::rejected:
    case errc::unknown_type:
    case errc::corrupt:
    case errc::too_large:
    case errc::invalid_argument: return outcome::rejected;
    case errc::busy:
    case errc::full:
    case errc::unavailable:
    case errc::timeout:
    case errc::cancelled:
    case errc::fenced:
    case errc::schema_missing:
    case errc::schema_mismatch:
    case errc::rate_limited:
    case errc::overloaded:
    case errc::circuit_open: return outcome::unavailable;
    case errc::in_doubt: return outcome::in_doubt;
    case errc::conflict:
    case errc::duplicate:
    case errc::not_found: break;
  }
  return outcome::retry;
}

/// What a handler may give back.
template <class Result>
concept handler_result = std::is_void_v<Result> || std::same_as<Result, outcome> ||
                         std::same_as<Result, std::error_code>;

/// Calls the handler; leaves by an exception unless it succeeded, so that the transaction rolls
/// back.
template <class Handler, class Transaction>
void call_handler(Handler& handler, Transaction& tx, const message& m) {
  using result = std::invoke_result_t<Handler&, Transaction&, const message&>;
  if constexpr (std::is_void_v<result>) {
    handler(tx, m);
  } else if constexpr (std::same_as<result, std::error_code>) {
    if (const std::error_code failed = handler(tx, m))
      detail::raise<handler_refusal>(outcome_of(failed), failed.message());
  } else {
    if (const outcome as = handler(tx, m); as != outcome::delivered)
      detail::raise<handler_refusal>(as, "the handler did not accept the message");
  }
}

/// Runs `work` and tells by exception class what became of the record at `at`.
template <class Work>
[[nodiscard]] delivery judged(position at, Work&& work) {
  delivery d{.at = at};
  const auto refused = [&](const handler_refusal& r) {
    d.result = r.as();
    d.reason = r.what();
    return true;
  };
  const auto failed = [&](const error& e) {
    d.result = outcome_of(e.code());
    d.reason = e.what();
    return true;
  };
  const failure other = detail::guarded([&] {
    (void)detail::caught<error>([&] { (void)detail::caught<handler_refusal>(work, refused); },
                                failed);
  });
  if (other) {
    d.result = outcome::retry;
    d.reason = other.what;
  }
  return d;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
