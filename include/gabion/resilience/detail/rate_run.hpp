// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The limiter's answer where nothing may throw: one that throws, for lack of memory or because it
/// cannot reach what it asks, has given no permit.
template <class Answer, class Ask>
[[nodiscard]] std::optional<Answer> asked(const Ask& ask) noexcept {
  if constexpr (noexcept(ask())) {
    return ask();
  } else {
    std::optional<Answer> answer;
    static_cast<void>(detail::guarded([&] { answer.emplace(ask()); }));
    return answer;
  }
}

/// One call's passage through a rate limiter: one permit or a refusal, at once. The permit is
/// spent, whatever becomes of the call.
template <class Limiter>
class rate_run {
 public:
  static constexpr bool never_waits = true;

  explicit rate_run(Limiter& limiter) noexcept : limiter_{&limiter} {}

  template <class Now>
  [[gnu::always_inline]] entry_step enter(call_context& /*context*/, const Now& now) noexcept {
    // Not `instant{}`: its constructor is not noexcept everywhere.
    if constexpr (noexcept(limiter_->take(std::declval<const instant&>(), 1))) {
      return answered(limiter_->take(now(), 1));
    } else {
      const auto ask = [&] { return limiter_->take(now(), 1); };
      const std::optional<rate_admission> answer = detail::asked<rate_admission>(ask);
      return answer ? answered(*answer) : entry_step::refuse({.code = errc::overloaded});
    }
  }
  template <class Now>
  [[gnu::always_inline]] exit_step leave(const call_outcome& /*outcome*/, call_context& /*context*/,
                                         const Now& /*now*/) noexcept {
    return exit_step::up();
  }

 private:
  [[nodiscard, gnu::always_inline]] static entry_step answered(rate_admission answer) noexcept {
    if (answer) [[likely]]
      return entry_step::pass();
    return entry_step::refuse({errc::rate_limited, answer.retry_after});
  }

  Limiter* limiter_;
};

/// Calls f if the limiter gives a permit now, and returns what f returns.
template <class Limiter, clock Clock, class Function>
std::invoke_result_t<Function> call_limited(Limiter& limiter, const Clock& time, Function&& f) {
  static_assert(detail::explain_blocking<std::invoke_result_t<Function>>());
  const rate_admission answer = limiter.take(time.now(), 1);
  if (!answer)
    return detail::refused_call<std::invoke_result_t<Function>>(
        {errc::rate_limited, answer.retry_after}, "the call is over the rate limit");
  return std::forward<Function>(f)();
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
