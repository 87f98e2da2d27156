// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/refusal.hpp>

// What a policy is to a pipeline: a small machine per call that is asked on the way in and told on
// the way out. It never waits and calls nobody; whoever drives it does, so that one policy serves
// blocking code, coroutines and callbacks.
namespace gabion {
inline namespace v0 {

/// What a policy answers to a call that wants in.
struct [[nodiscard("it says whether the call may go on")]] entry_step {
  enum class kind : std::uint8_t {
    pass,    ///< go on to what lies below
    wait,    ///< ask again at `until`, or as soon as the context's `wake` was woken
    refuse,  ///< do not call; `why` says the reason
  };
  kind what = kind::pass;
  instant until{};
  refusal why{};

  [[nodiscard]] static constexpr entry_step pass() noexcept { return {}; }
  [[nodiscard]] static constexpr entry_step wait(instant until) noexcept {
    return {kind::wait, until, {}};
  }
  [[nodiscard]] static constexpr entry_step refuse(refusal why) noexcept {
    return {kind::refuse, {}, why};
  }
};

/// How one attempt below a policy went. A policy may change it on its way up. If one sets
/// `refused`, the caller is told of the refusal, and what the call returned is dropped.
struct call_outcome {
  gabion::verdict verdict = gabion::verdict::success;
  /// By a policy below; the verdict is then failure, or cancelled
  std::optional<refusal> refused{};
  /// The wait that the other side, or the refusing policy, has stated
  std::optional<duration> retry_after{};
  /// Only if refused: the call was made all the same, as when its result came too late
  bool called = false;

  /// Refused before it ran: it says nothing about the other side.
  [[nodiscard]] constexpr bool never_called() const noexcept {
    return refused.has_value() && !called;
  }
};

/// What a policy answers to an outcome.
struct [[nodiscard("it says whether to try again")]] exit_step {
  enum class kind : std::uint8_t {
    up,     ///< hand the outcome on to what lies above
    again,  ///< go down once more, at `at` and not before; what lies below starts afresh
  };
  kind what = kind::up;
  instant at{};

  [[nodiscard]] static constexpr exit_step up() noexcept { return {}; }
  [[nodiscard]] static constexpr exit_step again(instant at) noexcept { return {kind::again, at}; }
};

/// The result of a call that returns nothing, where a policy is shown one.
struct no_value {
  friend bool operator==(const no_value&, const no_value&) = default;
};

/// What kind of policy it is, for the rules about their order.
enum class policy_kind : std::uint8_t {
  other,
  fallback,
  retry,
  timeout,
  breaker,
  bulkhead,
  rate_limiter,
  concurrency_limiter,
  throttle,
  load_shedder,
  hedge,
  chaos,
};

/// One call's passage through a policy. Made from the policy for each call (and, below a retry, for
/// each attempt), at a place that does not change; one may be made and never asked, so making it
/// costs and changes nothing. Its destructor gives back whatever it still holds. Asked in this
/// order: `enter` until it passes or refuses; if it passed, `leave` exactly once, unless the run is
/// destroyed before, which means that the call was abandoned. After `again`, `leave` is called once
/// more: with the next attempt's outcome, or, if the wait ends because the deadline has passed or
/// the caller gave up, with that refusal; after giving up nothing goes again whatever it answers. A
/// run that has `void go_again(call_context&, const Now&)` is told when the wait is over, just
/// before what lies below is asked afresh.
///
/// Two optional members save work. `static constexpr bool never_waits = true`: the run never
/// returns `wait` and does not use the context's `wake`, so a blocking call creates no waiter in
/// advance. `static constexpr bool empty_after_leave = true`: the run holds nothing once it has
/// refused or left, so it is destroyed only when the call ends or the run is needed again.
///
/// `now` is a callable that gives the instant; it reads the clock at most once per step, and only
/// if it is called. `now` and both members must not throw. What a run changes in the context when
/// it passes, it puts back when it hands an outcome up; a run that waits or refuses leaves the
/// context as it was. The pipeline ends a wait at the context's deadline. A run that keeps the
/// context's `wake` for others to use takes it back in its destructor. Whoever wakes does so under
/// the lock that the taking back needs, so that nobody is woken who is gone.
///
/// A run that wants to see or replace the result has
/// `void settle_result(std::optional<Result>&, call_outcome&, call_context&, const Now&)`, a
/// template: called just before `leave`. The result is empty if the call was refused or threw. A
/// call that returns nothing has a `no_value`; a reference is not shown. Whoever puts a value there
/// and wants it returned also resets `refused`.
template <class Run>
concept policy_run =
    requires(Run& run, call_context& context, call_outcome& outcome, instant (*now)()) {
      { run.enter(context, now) } -> std::same_as<entry_step>;
      { run.leave(outcome, context, now) } -> std::same_as<exit_step>;
    };

namespace detail {

/// What a policy says of itself; empty where it says nothing, so that `explain_policy` has the
/// first word about it.
template <class Policy>
struct own_run {};
template <class Policy>
  requires requires { typename Policy::run; }
struct own_run<Policy> {
  using run = typename Policy::run;
};
template <class Policy>
struct own_kind {};
template <class Policy>
  requires requires { Policy::kind; }
struct own_kind<Policy> {
  static constexpr policy_kind kind = Policy::kind;
};

}  // namespace detail

/// Joins an object to pipelines: `run` (a policy_run, constructible from `Policy&`) and `kind`. The
/// primary template takes the policy's own `Policy::run` and `Policy::kind`. Specialise it for a
/// type that should not know of pipelines.
template <class Policy>
struct policy_traits : detail::own_run<Policy>, detail::own_kind<Policy> {};

/// Something that can stand in a pipeline. Shared by all calls, so everything that its runs do to
/// it must be thread-safe.
template <class P>
concept policy = requires(P& p) {
  { policy_traits<P>::kind } -> std::convertible_to<policy_kind>;
  requires policy_run<typename policy_traits<P>::run>;
  requires std::constructible_from<typename policy_traits<P>::run, P&>;
};

/// Names everything that P lacks to be a policy, in words.
template <class P>
consteval bool explain_policy() {
  static_assert(policy<P> || !std::is_const_v<P>,
                "policy: it is const, but calls change what it counts");
  static_assert(!std::is_pointer_v<P>, "policy: it is a pointer; give the policy itself");
  static_assert(
      policy<P> || !requires(const P& p) { p.now(); },
      "policy: it tells the time; to be the pipeline's clock it needs `gabion::instant now() const "
      "noexcept`");
  static_assert(
      requires { policy_traits<P>::kind; },
      "policy: `static constexpr policy_kind kind` is missing");
  static_assert(
      requires { typename policy_traits<P>::run; },
      "policy: the nested type `run`, one call's passage, is missing");
  if constexpr (requires { typename policy_traits<P>::run; }) {
    using run = typename policy_traits<P>::run;
    static_assert(
        std::constructible_from<run, P&>,
        "policy: its `run` cannot be made from the policy: `explicit run(P&)` is missing");
    static_assert(policy_run<run>,
                  "policy: its `run` needs `entry_step enter(call_context&, const Now&)` and "
                  "`exit_step leave(call_outcome&, call_context&, const Now&)`");
  }
  return policy<P>;
}

}  // namespace v0
}  // namespace gabion
