// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_group.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

[[nodiscard]] constexpr duration retry_after(const circuit_rejection& why) noexcept {
  return why.retry_after;
}
[[nodiscard]] constexpr duration retry_after(const circuit_tree_rejection& why) noexcept {
  return why.why.retry_after;
}

/// One call's passage through what admits as a circuit breaker does. Refused below before it was
/// made, a call says nothing about the other side: the permit goes back.
template <class Breaker>
class circuit_run {
 public:
  explicit circuit_run(Breaker& breaker) noexcept : breaker_{&breaker} {}

  template <class Now>
  [[nodiscard]] entry_step enter(call_context& /*context*/, const Now& /*now*/) noexcept {
    auto admission = breaker_->try_acquire();
    if (!admission)
      return entry_step::refuse({errc::circuit_open, detail::retry_after(admission.rejection())});
    permit_ = std::move(admission).permit();
    return entry_step::pass();
  }

  template <class Now>
  [[nodiscard]] exit_step leave(call_outcome& outcome, call_context& /*context*/,
                                const Now& /*now*/) noexcept {
    if (outcome.never_called() && outcome.verdict == verdict::failure)
      permit_.ignore();
    else
      permit_.settle(outcome.verdict, outcome.retry_after);
    return exit_step::up();
  }

 private:
  Breaker* breaker_;
  typename Breaker::permit permit_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
