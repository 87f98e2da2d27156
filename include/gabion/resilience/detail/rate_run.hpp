// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion::inline v0::detail {

/// One call's passage through a rate limiter: one permit or a refusal, at once. The permit is spent, whatever becomes of the call.
/// A limiter that can throw answers for itself: here nothing may.
template <class Limiter>
class rate_run {
 public:
  explicit rate_run(Limiter& limiter) noexcept : limiter_{&limiter} {}

  template <class Now>
  entry_step enter(call_context& /*context*/, const Now& now) noexcept {
    const rate_admission answer = limiter_->take(now(), 1);
    if (answer) return entry_step::pass();
    return entry_step::refuse({errc::rate_limited, answer.retry_after});
  }
  template <class Now>
  exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/, const Now& /*now*/) noexcept {
    return exit_step::up();
  }

 private:
  Limiter* limiter_;
};

/// Calls f if the limiter gives a permit now, and returns what f returns.
template <class Limiter, clock Clock, class Function>
std::invoke_result_t<Function> call_limited(Limiter& limiter, const Clock& time, Function&& f) {
  const rate_admission answer = limiter.take(time.now(), 1);
  if (!answer)
    return detail::refused_call<std::invoke_result_t<Function>>({errc::rate_limited, answer.retry_after},
                                                                "the call is over the rate limit");
  return std::forward<Function>(f)();
}

}  // namespace gabion::inline v0::detail
