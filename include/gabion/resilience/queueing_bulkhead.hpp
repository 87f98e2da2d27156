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
#include <gabion/core/error.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/bulkhead_permit.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/permit_queue.hpp>
#include <gabion/resilience/detail/permit_word.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// How many calls a bulkhead lets in at the same time, and how many of the rest may wait how long.
/// New members go last.
struct queueing_bulkhead_options {
  /// Calls in flight at the same time. 0 to 2147483647; 0 = closed: nobody waits either.
  /// Default 25.
  std::uint32_t limit = 25;
  /// Calls that may wait at the same time. 0 to 1000000; 0 = none. Default 25.
  std::uint32_t max_waiting = 25;
  /// How long a call waits at most; less if its deadline is sooner. More than zero; duration::max()
  /// = no limit. Default 1 s.
  duration max_wait = std::chrono::seconds{1};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const queueing_bulkhead_options& o) noexcept {
  if (const auto p = out_of_range("limit", o.limit, 0, bulkhead_max_limit, "0 to 2147483647"))
    return p;
  if (const auto p = out_of_range("max_waiting", o.max_waiting, 0, 1'000'000, "0 to 1000000"))
    return p;
  if (o.max_wait <= duration::zero()) return {"max_wait", o.max_wait, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a queueing bulkhead takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const queueing_bulkhead_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const queueing_bulkhead_options& o) {
  detail::refuse_option("queueing_bulkhead_options", detail::problem_of(o));
}

/// A bulkhead that lets some calls wait for a permit: those of a higher `call_priority` are served
/// first, equals in the order in which they came. No more than seven in a row are served past the
/// one who has waited longest, so that nobody starves.
///
/// Waiting is for pipelines, whose context can be woken; `try_acquire` and `call` take a permit at
/// once or not at all, and never past somebody who waits. A permit that comes back goes straight to
/// who is next. A waiter that gave up leaves no trace. While nobody waits it costs what
/// `basic_bulkhead` costs; a lock is taken, for a few instructions, only while somebody does. A
/// waiter is woken under that lock: `context.wake` must neither block nor call back into this
/// bulkhead. A waiter's place is in its own run: no allocation. Every member is safe to call from
/// several threads. Neither copied nor moved: permits and runs point to it and must not outlive it.
template <env Env = native_env>
class basic_queueing_bulkhead {
 public:
  using permit = basic_bulkhead_permit<basic_queueing_bulkhead>;
  class run;
  static constexpr policy_kind kind = policy_kind::bulkhead;
  static constexpr bool holds_permit = true;
  static constexpr bool may_queue = true;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_queueing_bulkhead(const queueing_bulkhead_options& options = {})
      : max_waiting_{(gabion::validate(options), options.max_waiting)},
        max_wait_{options.max_wait},
        word_{options.limit} {}

  basic_queueing_bulkhead(const basic_queueing_bulkhead&) = delete;
  basic_queueing_bulkhead& operator=(const basic_queueing_bulkhead&) = delete;

  /// A permit, or an empty one if all are in use or somebody waits for one. Never waits.
  [[nodiscard]] permit try_acquire() noexcept {
    if (word_.try_take()) return permit{this};
    rejected_.fetch_add(1, std::memory_order_relaxed);
    return permit{};
  }
  /// The same; the time is needed only for waiting.
  [[nodiscard]] permit try_acquire(instant /*now*/) noexcept { return try_acquire(); }

  /// Calls f under a permit and returns exactly what f returns; what f throws passes unchanged. It
  /// does not wait. If there is no permit, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(errc::overloaded, 0)` if the type has it, otherwise
  /// refused_error is thrown.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(Function&& f) {
    static_assert(detail::explain_blocking<std::invoke_result_t<Function>>());
    const permit held = try_acquire();
    if (!held)
      return detail::refused_call<std::invoke_result_t<Function>>({.code = errc::overloaded},
                                                                  "the bulkhead is full");
    return std::forward<Function>(f)();
  }

  /// Sets the limit at once, without waiting for anybody. Lowered below what is in use, it lets
  /// nobody in until enough permits came back; those who wait go on waiting. Raised, it serves
  /// those who wait. O(waiters served). Throws error(invalid_argument), as the constructor does.
  void resize(std::uint32_t limit) {
    gabion::validate(queueing_bulkhead_options{.limit = limit});
    if (word_.resize(limit)) queue_.look_after(word_);
  }

  /// Limit and use are of one moment, the counts of the queue of another.
  [[nodiscard]] bulkhead_snapshot snapshot() const noexcept {
    const detail::permit_state s = word_.load();
    const detail::permit_queue_counts q = queue_.counts();
    return {s.limit,     s.in_use,   q.waiting, rejected_.load(std::memory_order_relaxed),
            q.timed_out, q.cancelled};
  }

 private:
  friend permit;
  using queue = detail::permit_queue<Env>;

  void give_back() noexcept {
    if (word_.give_back()) queue_.look_after(word_);
  }

  std::uint32_t max_waiting_;
  duration max_wait_;
  alignas(64) detail::permit_word<Env> word_;
  typename Env::template atomic<std::uint64_t> rejected_{0};
  queue queue_{};
};

/// One call's passage: a place in the queue, then a permit until `leave`. Destroyed, it leaves the
/// queue or gives the permit back.
template <env Env>
class basic_queueing_bulkhead<Env>::run {
 public:
  explicit run(basic_queueing_bulkhead& owner) noexcept : bulkhead_{&owner} {}
  run(const run&) = delete;
  run& operator=(const run&) = delete;
  ~run() {
    if (waiting_ && bulkhead_->queue_.leave(bulkhead_->word_, waiter_, queue::reason::cancelled))
      bulkhead_->give_back();
  }

  /// Refuses with `overloaded` if the queue is full or the waiting time over, `timeout` if the
  /// deadline is, `cancelled` if the caller gave up. A permit that came at the same moment as the
  /// end of the waiting time is taken.
  template <class Now>
  entry_step enter(call_context& context, const Now& now) noexcept {
    if (waiting_) return ask_again(context, now);
    if (bulkhead_->word_.try_take()) return pass();
    if (!context.wake.has_value() || bulkhead_->max_waiting_ == 0) return reject();
    const instant when = now();
    if (context.stop.stop_requested()) return entry_step::refuse({.code = errc::cancelled});
    if (context.until.expired(when)) return entry_step::refuse({.code = errc::timeout});
    until_ = (gabion::min)(context.until, deadline::after(when, bulkhead_->max_wait_)).when();
    switch (bulkhead_->queue_.join(bulkhead_->word_, waiter_, bulkhead_->max_waiting_,
                                   context.priority, *context.wake)) {
      case queue::place::granted: return pass();
      case queue::place::full: return reject();
      case queue::place::waiting: break;
    }
    waiting_ = true;
    return entry_step::wait(until_);
  }

  template <class Now>
  exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                  const Now& /*now*/) noexcept {
    permit_.release();
    return exit_step::up();
  }

 private:
  entry_step pass() noexcept {
    waiting_ = false;
    permit_ = permit{bulkhead_};
    return entry_step::pass();
  }
  entry_step reject() noexcept {
    bulkhead_->rejected_.fetch_add(1, std::memory_order_relaxed);
    return entry_step::refuse({.code = errc::overloaded});
  }

  template <class Now>
  entry_step ask_again(const call_context& context, const Now& now) noexcept {
    const bool stopped = context.stop.stop_requested();
    const instant when = now();
    if (!stopped && when < until_)
      return bulkhead_->queue_.granted(waiter_) ? pass() : entry_step::wait(until_);
    const bool late = context.until.expired(when);
    const auto why = stopped ? queue::reason::cancelled : queue::reason::timed_out;
    const bool granted = bulkhead_->queue_.leave(bulkhead_->word_, waiter_, why);
    waiting_ = false;
    if (granted && !stopped && !late) return pass();
    if (granted) bulkhead_->queue_.hand_back(bulkhead_->word_, why);
    return entry_step::refuse({.code = stopped ? errc::cancelled
                                       : late  ? errc::timeout
                                               : errc::overloaded});
  }

  basic_queueing_bulkhead* bulkhead_;
  permit permit_{};
  instant until_{};
  bool waiting_ = false;
  detail::permit_waiter waiter_{};
};

/// The queueing bulkhead for production.
using queueing_bulkhead = basic_queueing_bulkhead<>;
/// Its permit.
using queueing_bulkhead_permit = queueing_bulkhead::permit;

}  // namespace v0
}  // namespace gabion
