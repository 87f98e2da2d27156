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
#include <gabion/core/wake_ref.hpp>
#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/detached_state.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/spawner.hpp>
#include <gabion/resilience/waiter.hpp>

namespace gabion {
inline namespace v0 {

/// The two limits of a detached call. New members go last.
struct detached_timeout_options {
  /// From the call until the work begins; above 0; default no limit
  duration queue = (duration::max)();
  duration run = std::chrono::seconds{10};  ///< from when the work begins; above 0; default 10 s
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const detached_timeout_options& o) noexcept {
  if (o.queue <= duration::zero()) return {"queue", o.queue, "more than 0 ns"};
  if (o.run <= duration::zero()) return {"run", o.run, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a detached timeout takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const detached_timeout_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const detached_timeout_options& o) {
  detail::refuse_option("detached_timeout_options", detail::problem_of(o));
}

/// What a detached timeout has seen so far. Each call that was given up is in `timed_out`; its work
/// in `late` or `never_run`.
struct detached_counts {
  std::uint64_t timed_out = 0;  ///< callers that left before the work had ended, cancelled ones too
  std::uint64_t late = 0;       ///< results that came after the caller had left, and were dropped
  /// Work that did not begin: nobody waited for it any more, or the spawner refused or dropped it
  std::uint64_t never_run = 0;
  friend bool operator==(const detached_counts&, const detached_counts&) = default;
};

/// Nothing to hold while the work runs.
struct no_permit {};

/// A limit of time for functions that block and cannot be told to stop: the work runs on a
/// spawner's thread, the caller goes at the deadline. The work goes on to its end: `permit`, any
/// object that gives itself back when destroyed, such as a bulkhead's, goes with it, so that
/// abandoned work still counts against the limit.
///
/// Exactly one of result and time-out is observed. The deadline is the caller's, and by `queue`
/// until the work begins, then by `run`. Work that nobody waits for any more does not begin. If f
/// takes a `const call_context&`, it finds its deadline there, and a stop token that is triggered
/// when the caller leaves.
///
/// f and the permit are moved into one allocation that lives as long as the last of caller and work
/// (a stop token and a long idempotency key take one more each). What f refers to must outlive the
/// work: capture by value. Safe to use from several threads; it may be destroyed before the work
/// ends. Neither copied nor moved.
template <spawner Spawner, clock Clock = steady_clock, env Env = native_env>
class basic_detached_timeout {
  static_assert(explain_spawner<Spawner>());

 public:
  /// Throws error(invalid_argument) that names the option and its range. The spawner must outlive
  /// this object.
  basic_detached_timeout(const detached_timeout_options& options, Spawner& spawner,
                         Clock clock = Clock{})
      : options_{(gabion::validate(options), options)},
        spawner_{&spawner},
        clock_{std::move(clock)},
        tally_{new detail::detached_tally<Env>} {}
  basic_detached_timeout(const basic_detached_timeout&) = delete;
  basic_detached_timeout& operator=(const basic_detached_timeout&) = delete;

  /// Calls f, which takes nothing or `const call_context&`, on a thread of the spawner and waits
  /// for it on this one. Returns what f returns; what f throws goes on unchanged. Given up, it
  /// answers errc::timeout, or errc::cancelled if a stop was requested; errc::overloaded if the
  /// spawner did not take or dropped the work: as a result if its type can say so, otherwise as
  /// refused_error.
  template <pipeline_callable Function, std::move_constructible Permit = no_permit>
  auto call(const call_context& context, Function f, Permit permit = {}) {
    basic_blocking_waiter<Clock> waiter{context.stop, clock_};
    return call_in(waiter, context, std::move(f), std::move(permit));
  }
  template <pipeline_callable Function>
  auto call(Function f) {
    return call(call_context{}, std::move(f));
  }

  /// The same, waiting in a waiter of yours, which must go by this object's clock.
  template <waiter Waiter, pipeline_callable Function, std::move_constructible Permit = no_permit>
  detail::call_result<Function> call_in(Waiter& waiter, const call_context& context, Function f,
                                        Permit permit = {}) {
    using result_type = detail::call_result<Function>;
    using state_type = detail::detached_state<result_type, Function, Permit, Clock, Env>;
    static_assert(!std::is_reference_v<result_type>,
                  "detached_timeout: the function must return a value, not a reference");
    static_assert(detail::explain_blocking<result_type>());
    const instant start = clock_.now();
    if (context.until.expired(start)) return refused<result_type>(errc::timeout);
    const detail::state_ref<state_type> state{
        new state_type{tally_, clock_, context, deadline::after(start, options_.queue),
                       options_.run, std::move(f), std::move(permit), wake_ref{waiter}}};
    const detail::left_on_exit left{*state};  // also by an exception of spawner or waiter
    if (!spawner_->spawn(state->work())) return refused<result_type>(errc::overloaded);
    const errc why = wait(waiter, context, *state);
    if (why == errc{}) return state->take();
    return refused<result_type>(why);
  }

  [[nodiscard]] detached_counts counts() const noexcept {
    const auto read = [](const auto& c) { return c.load(std::memory_order_relaxed); };
    return {read(tally_->timed_out), read(tally_->late), read(tally_->never_run)};
  }
  [[nodiscard]] const detached_timeout_options& options() const noexcept { return options_; }

 private:
  /// errc{} once the call has ended; otherwise why the caller has left.
  template <class Waiter, class State>
  [[nodiscard]] errc wait(Waiter& waiter, const call_context& context, State& state) {
    for (;;) {
      const typename State::view seen = state.look();
      if (seen.what == State::phase::ended) return errc{};
      const bool expired = seen.limit.expired(clock_.now());
      if (seen.what == State::phase::not_run && !expired) return errc::overloaded;
      if (expired || context.stop.stop_requested() || !waiter.wait_until(seen.limit.when())) {
        if (!state.leave()) return errc{};
        tally_->add(tally_->timed_out);
        return expired ? errc::timeout : errc::cancelled;
      }
    }
  }
  template <class Result>
  [[nodiscard]] static Result refused(errc why) {
    return detail::refused_call<Result>(refusal{why}, "the detached call was given up");
  }

  detached_timeout_options options_;
  Spawner* spawner_;
  Clock clock_;
  detail::state_ref<detail::detached_tally<Env>> tally_;
};

}  // namespace v0
}  // namespace gabion
