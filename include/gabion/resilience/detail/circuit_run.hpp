// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <new>
#include <optional>
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

/// True if `now` reads the same clock as the breaker, so that one reading serves both.
template <class Breaker, class Now>
concept shares_clock = requires {
  typename Breaker::clock_type;
  typename Now::clock_type;
  requires std::same_as<typename Breaker::clock_type, typename Now::clock_type>;
};

/// One call's passage through what admits as a circuit breaker does. Refused below before it was
/// made, a call says nothing about the other side: the permit goes back.
///
/// Uses the pipeline's reading of the clock if the clock is the same.
template <class Breaker>
class circuit_run {
 public:
  static constexpr bool never_waits = true;
  static constexpr bool empty_after_leave = true;

  explicit circuit_run(Breaker& breaker) noexcept : breaker_{&breaker} {}

  template <class Now>
  [[nodiscard, gnu::always_inline]] entry_step enter(call_context& /*context*/,
                                                     const Now& now) noexcept {
    auto admission = admit(now);
    if (!admission) [[unlikely]]
      return entry_step::refuse({errc::circuit_open, detail::retry_after(admission.rejection())});
    // permit_ is empty here, so it need not be destroyed first.
    ::new (static_cast<void*>(&permit_)) permit_type{std::move(admission).permit()};
    return entry_step::pass();
  }

  template <class Now>
  [[nodiscard, gnu::always_inline]] exit_step leave(const call_outcome& outcome,
                                                    call_context& /*context*/,
                                                    const Now& now) noexcept {
    if (outcome.verdict == verdict::success) [[likely]]
      settle(now, verdict::success, std::nullopt);
    else if (outcome.verdict == verdict::failure && outcome.never_called())
      permit_.ignore();
    else
      settle(now, outcome.verdict, outcome.retry_after);
    return exit_step::up();
  }

 private:
  using permit_type = typename Breaker::permit;

  template <class Now>
  [[nodiscard, gnu::always_inline]] auto admit(const Now& now) noexcept {
    if constexpr (shares_clock<Breaker, Now>)
      return breaker_->try_acquire_by(now);
    else
      return breaker_->try_acquire();
  }
  template <class Now>
  [[gnu::always_inline]] void settle(const Now& now, verdict v,
                                     std::optional<duration> stated) noexcept {
    if constexpr (shares_clock<Breaker, Now>)
      permit_.settle_by(now, v, stated);
    else
      permit_.settle(v, stated);
  }

  Breaker* breaker_;
  permit_type permit_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
