// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// How long what stands below a timeout may take. New members go last.
struct timeout_options {
  duration limit = std::chrono::seconds{10};  ///< from entering on; above 0; default 10 s
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const timeout_options& o) noexcept {
  if (o.limit <= duration::zero()) return {"limit", o.limit, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a timeout takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const timeout_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const timeout_options& o) {
  detail::refuse_option("timeout_options", detail::problem_of(o));
}

/// A limit of time for what stands below it, as a deadline that is handed down: cooperative. Who
/// calls must look at the context's `until` and give up; nothing is interrupted. For functions that
/// cannot, see `basic_detached_timeout`.
///
/// The sooner of the caller's deadline and this limit counts. Past it nothing is called. What fails
/// after it is told as errc::timeout; a refusal stays what it was. A success that comes late is
/// still a success, and costs no further clock reading.
///
/// What queues below it is counted: put it below a bulkhead for a limit on running alone; the
/// bulkhead has one for the queue. Safe to use from several threads. Neither copied nor moved.
template <env Env = native_env>
class basic_timeout_policy {
 public:
  static constexpr policy_kind kind = policy_kind::timeout;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_timeout_policy(const timeout_options& options = {})
      : options_{(gabion::validate(options), options)} {}
  basic_timeout_policy(const basic_timeout_policy&) = delete;
  basic_timeout_policy& operator=(const basic_timeout_policy&) = delete;

  /// One call's passage.
  class run {
   public:
    static constexpr bool never_waits = true;

    explicit run(basic_timeout_policy& policy) noexcept : policy_{&policy} {}

    template <class Now>
    [[nodiscard, gnu::always_inline]] entry_step enter(call_context& context,
                                                       const Now& now) noexcept {
      const instant start = now();
      const deadline before = context.until;
      if (before.expired(start)) [[unlikely]]
        return entry_step::refuse({errc::timeout});
      before_ = before;
      context.until = (gabion::min)(before, deadline::after(start, policy_->options_.limit));
      return entry_step::pass();
    }

    template <class Now>
    [[nodiscard, gnu::always_inline]] exit_step leave(call_outcome& outcome, call_context& context,
                                                      const Now& now) noexcept {
      const deadline limit = std::exchange(context.until, before_);
      if (outcome.verdict == verdict::failure) [[unlikely]]
        fail(outcome, limit, now());
      return exit_step::up();
    }

   private:
    [[gnu::noinline]] void fail(call_outcome& outcome, deadline limit, instant now) noexcept {
      if (!limit.expired(now)) return;
      policy_->count();
      if (outcome.refused) return;
      outcome.refused = refusal{errc::timeout};
      outcome.called = true;
    }

    basic_timeout_policy* policy_;
    deadline before_{};
  };

  /// The calls that failed after their deadline.
  [[nodiscard]] std::uint64_t timed_out() const noexcept {
    return timed_out_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const timeout_options& options() const noexcept { return options_; }

 private:
  void count() noexcept { timed_out_.fetch_add(1, std::memory_order_relaxed); }

  timeout_options options_;
  typename Env::template atomic<std::uint64_t> timed_out_{0};
};

/// A timeout on the standard atomics.
using timeout_policy = basic_timeout_policy<>;

}  // namespace v0
}  // namespace gabion
