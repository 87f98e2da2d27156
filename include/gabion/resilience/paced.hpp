// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {

/// The policy that waits for its permit: a rate limiter with the longest wait that a call puts up
/// with.
///
/// It never waits in vain: a call whose permit would come too late, for `max_wait` or for its
/// deadline, is refused at once, with the wait that it would have taken. A call that waits has its
/// permit already. One that gives up meanwhile cancels its reservation. A value that refers to the
/// limiter; the limiter must outlive it.
template <reserving_rate_limiter Limiter>
class paced {
 public:
  class run;
  static constexpr policy_kind kind = policy_kind::rate_limiter;
  static constexpr bool may_queue = true;

  /// `max_wait`: more than zero; duration::max() = no limit but the deadline. Throws
  /// error(invalid_argument).
  explicit(false) paced(Limiter& limiter, duration max_wait)
      : limiter_{&limiter}, max_wait_{max_wait} {
    if (max_wait <= duration::zero())
      detail::refuse_option("paced", {"max_wait", max_wait, "more than 0 ns"});
  }

  [[nodiscard]] Limiter& limiter() const noexcept { return *limiter_; }
  [[nodiscard]] duration max_wait() const noexcept { return max_wait_; }

 private:
  Limiter* limiter_;
  duration max_wait_;
};

/// One call's passage. Destroyed before its permit is good, it cancels the reservation.
template <reserving_rate_limiter Limiter>
class paced<Limiter>::run {
 public:
  explicit run(const paced& policy) noexcept : policy_{policy} {}
  run(const run&) = delete;
  run& operator=(const run&) = delete;
  ~run() { give_up(); }

  template <class Now>
  entry_step enter(call_context& context, const Now& now) noexcept {
    if (context.stop.stop_requested()) return refuse(errc::cancelled);
    const instant when = now();
    if (!held_) {
      if (context.until.expired(when)) return refuse(errc::timeout);
      // A permit at the deadline itself would be too late for the call.
      const duration remaining = context.until.is_never()
                                     ? policy_.max_wait()
                                     : context.until.remaining(when) - duration{1};
      const duration patience = remaining < policy_.max_wait() ? remaining : policy_.max_wait();
      const auto ask = [&]() noexcept(noexcept(policy_.limiter().reserve(when, patience, 1))) {
        return policy_.limiter().reserve(when, patience, 1);
      };
      const std::optional<rate_reservation> answer = detail::asked<rate_reservation>(ask);
      if (!answer) return refuse(errc::overloaded);
      held_ = *answer;
      if (!held_) return entry_step::refuse({errc::rate_limited, held_.retry_after});
    }
    if (when < held_.at) return entry_step::wait(held_.at);
    held_ = {};
    return entry_step::pass();
  }
  template <class Now>
  exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                  const Now& /*now*/) noexcept {
    return exit_step::up();
  }

 private:
  entry_step refuse(errc why) noexcept {
    give_up();
    return entry_step::refuse({.code = why});
  }
  void give_up() noexcept {
    const auto ask = [&]() noexcept(noexcept(policy_.limiter().cancel(held_))) {
      return policy_.limiter().cancel(held_);
    };
    if (held_) static_cast<void>(detail::asked<bool>(ask));
    held_ = {};
  }

  paced policy_;
  rate_reservation held_{};
};

}  // namespace v0
}  // namespace gabion
