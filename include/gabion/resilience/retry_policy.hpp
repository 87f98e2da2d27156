// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/attempt_report.hpp>
#include <gabion/resilience/detail/retry_core.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/retry_options.hpp>
#include <gabion/resilience/shared_random.hpp>

namespace gabion {
inline namespace v0 {

/// What a retry policy has done so far.
struct retry_counts {
  std::uint64_t retries = 0;    ///< attempts beside the first ones
  std::uint64_t exhausted = 0;  ///< calls that ended because max_attempts had failed
  /// Calls that ended because their deadline, or a stated wait, left no time
  std::uint64_t no_time = 0;
  std::uint64_t no_budget = 0;  ///< calls that ended because the budget refused the next attempt
  friend bool operator==(const retry_counts&, const retry_counts&) = default;
};

/// Retry as a policy: one object for all calls to one backend, in a pipeline. It decides as
/// `basic_retry` does.
///
/// A call without any limit in time that succeeds at once costs no clock reading, no random number
/// and no allocation. The budget is shared with other policies and must outlive this one; without a
/// budget it is `unlimited_budget`. Every member is safe to call from several threads. Neither
/// copied nor moved.
template <attempt_budget Budget = unlimited_budget, env Env = native_env>
class basic_retry_policy {
 public:
  static constexpr policy_kind kind = policy_kind::retry;
  static constexpr bool has_budget = !std::same_as<Budget, unlimited_budget>;

  /// Throws error(invalid_argument) that names the option and its range. In one thread the same
  /// seed gives the same delays.
  explicit basic_retry_policy(const retry_options& options = {}, std::uint64_t seed = random_seed())
    requires(!has_budget)
      : basic_retry_policy{options, unlimited, seed} {}
  basic_retry_policy(const retry_options& options, Budget& budget,
                     std::uint64_t seed = random_seed())
      : options_{(gabion::validate(options), options)}, budget_{&budget}, random_{seed} {}
  basic_retry_policy(const basic_retry_policy&) = delete;
  basic_retry_policy& operator=(const basic_retry_policy&) = delete;

  class run;

  [[nodiscard]] retry_counts counts() const noexcept {
    const auto read = [](const auto& c) { return c.load(std::memory_order_relaxed); };
    return {read(retries_), read(exhausted_), read(no_time_), read(no_budget_)};
  }
  [[nodiscard]] const retry_options& options() const noexcept { return options_; }

 private:
  using counter = typename Env::template atomic<std::uint64_t>;
  static inline unlimited_budget unlimited{};

  static void count(counter& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }

  retry_options options_;
  /// Whether the policy has neither a total time nor a limit per attempt.
  bool timeless_ =
      options_.total == (duration::max)() && options_.attempt_limit == (duration::max)();
  Budget* budget_;
  basic_shared_random<Env> random_;
  counter retries_{0};
  counter exhausted_{0};
  counter no_time_{0};
  counter no_budget_{0};
};

basic_retry_policy() -> basic_retry_policy<>;
basic_retry_policy(const retry_options&) -> basic_retry_policy<>;
basic_retry_policy(const retry_options&, std::uint64_t) -> basic_retry_policy<>;
template <attempt_budget Budget>
basic_retry_policy(const retry_options&, Budget&) -> basic_retry_policy<Budget>;
template <attempt_budget Budget>
basic_retry_policy(const retry_options&, Budget&, std::uint64_t) -> basic_retry_policy<Budget>;

/// One call's retries.
template <attempt_budget Budget, env Env>
class basic_retry_policy<Budget, Env>::run {
 public:
  static constexpr bool never_waits = true;
  explicit run(basic_retry_policy& policy) noexcept : policy_{&policy} {}

  template <class Now>
  [[nodiscard, gnu::always_inline]] entry_step enter(call_context& context,
                                                     const Now& now) noexcept {
    // Without a time limit a new core needs no begin(), and the context does not change before the
    // second attempt.
    if (!policy_->timeless_ || !context.until.is_never()) [[unlikely]]
      if (!begin(context, now())) return entry_step::refuse({errc::timeout});
    policy_->budget_->note(budget_event::call, now);
    return entry_step::pass();
  }

  template <class Now>
  [[nodiscard, gnu::always_inline]] exit_step leave(const call_outcome& outcome,
                                                    call_context& context,
                                                    const Now& now) noexcept {
    if (outcome.verdict != verdict::success) [[unlikely]]
      return failed(outcome, context, now);
    policy_->budget_->note(budget_event::success, now);
    return up(context);
  }

  /// The wait is over: the next attempt begins.
  template <class Now>
  void go_again(call_context& context, const Now& now) const noexcept {
    const retry_options& options = policy_->options_;
    if (options.attempt_limit != (duration::max)())
      context.until = core_.attempt_until(options, now());
  }

 private:
  [[nodiscard, gnu::noinline]] bool begin(call_context& context, instant start) noexcept {
    const retry_options& options = policy_->options_;
    save(context);
    if (!core_.begin(options, start, context.until).attempt_at) {
      count(policy_->no_time_);
      return false;
    }
    context.until = core_.attempt_until(options, start);
    return true;
  }

  template <class Now>
  [[nodiscard, gnu::noinline]] exit_step failed(const call_outcome& outcome, call_context& context,
                                                Now now) noexcept {
    if (!saved_) save(context);
    const attempt_report report = detail::report_of(outcome);
    if (report.verdict == attempt_verdict::retryable)
      policy_->budget_->note(budget_event::failure, now);
    if (context.stop.stop_requested()) return up(context);
    const retry_step step = core_.next(policy_->options_, policy_->random_, report, now());
    if (!step.attempt_at) {
      if (step.why == retry_stop::exhausted) count(policy_->exhausted_);
      if (step.why == retry_stop::deadline) count(policy_->no_time_);
      return up(context);
    }
    if (!policy_->budget_->try_spend(extra_attempt::retry, now)) {
      count(policy_->no_budget_);
      return up(context);
    }
    count(policy_->retries_);
    context.attempt = attempt_ + core_.attempts();
    context.until = core_.until();  // the limit of the attempt begins with it, which may be late
    return exit_step::again(*step.attempt_at);
  }

  void save(const call_context& context) noexcept {
    until_ = context.until;
    attempt_ = context.attempt;
    saved_ = true;
  }
  [[nodiscard, gnu::always_inline]] exit_step up(call_context& context) const noexcept {
    if (saved_) [[unlikely]] {
      context.until = until_;
      context.attempt = attempt_;
    }
    return exit_step::up();
  }

  basic_retry_policy* policy_;
  detail::retry_core core_{};
  bool saved_ = false;  // whether attempt_ and until_ hold the caller's values
  std::uint32_t attempt_ = 1;
  deadline until_{};
};

/// Retry without a budget shared with others.
using retry_policy = basic_retry_policy<>;

}  // namespace v0
}  // namespace gabion
