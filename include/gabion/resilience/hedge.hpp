// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/attempt_budget.hpp>

namespace gabion {
inline namespace v0 {

/// When a call is made a second time beside the first. New members go last.
struct hedge_options {
  std::uint32_t max_hedges = 1;  ///< attempts beside the first; 1 to 10; default 1
  /// Before each, unless the delay source knows better; 0 and up; default 100 ms
  duration delay = std::chrono::milliseconds{100};
  /// An attempt that fails starts the next one at once; otherwise it is the answer if none is out
  bool on_failure = true;
  /// Hedge a call that its context does not call repeatable, too; default false
  bool insist = false;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const hedge_options& o) noexcept {
  if (const option_problem p = detail::out_of_range("max_hedges", o.max_hedges, 1, 10, "1 to 10"))
    return p;
  if (o.delay < duration::zero()) return {"delay", o.delay, "0 ns or more"};
  return {};
}

}  // namespace detail

/// True if a hedge takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const hedge_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const hedge_options& o) {
  detail::refuse_option("hedge_options", detail::problem_of(o));
}

/// How a hedged call has ended.
enum class hedge_end : std::uint8_t {
  won,        ///< an attempt gave a result that is good enough
  failed,     ///< all that were started have failed
  deadline,   ///< the deadline passed first
  cancelled,  ///< cancel() was called
  not_run,    ///< not one attempt could be started
};

[[nodiscard]] constexpr std::string_view to_string(hedge_end value) noexcept {
  switch (value) {
    case hedge_end::won: return "won";
    case hedge_end::failed: return "failed";
    case hedge_end::deadline: return "deadline";
    case hedge_end::cancelled: return "cancelled";
    case hedge_end::not_run: return "not run";
  }
  return "unknown";
}

/// What to do now about a hedged call.
struct [[nodiscard("it says what to do next")]] hedge_step {
  enum class kind : std::uint8_t {
    start,   ///< start that attempt, then ask again
    cancel,  ///< tell that attempt to stop, for nobody wants it any more, then ask again
    wait,    ///< ask again at `until`, or when an attempt has ended
    done,    ///< it is over: `attempt` has the result, if there is one (won or failed)
  };
  kind what = kind::done;
  std::uint32_t attempt = 0;  ///< from 1
  instant until{};
  hedge_end why = hedge_end::won;
  friend bool operator==(const hedge_step&, const hedge_step&) = default;
};

/// One hedged call as a pure machine: it reads no clock, waits for nothing and calls nobody. Tell
/// it what happens, by `ended`, `not_started` or `cancel`, and ask `next` what to do until it says
/// done.
///
/// The first attempt starts at once. After each delay, or as soon as one fails, a further one
/// starts, if the budget agrees; once it does not, there are no more. The first result that is good
/// enough wins, exactly one; the others are cancelled. If all fail, the last to end is the answer.
/// Not safe to use from several threads. No allocation. Source: Dean and Barroso, "The Tail at
/// Scale", 2013.
class hedge_machine {
 public:
  /// Begins a call. `delay` comes before each further attempt; without `repeatable` there is none.
  hedge_machine(const hedge_options& options, bool repeatable, duration delay,
                deadline until) noexcept
      : delay_{delay < duration::zero() ? duration::zero() : delay},
        until_{until},
        left_{repeatable || options.insist ? options.max_hedges : 0},
        on_failure_{options.on_failure} {}

  /// What to do now. `budget` is asked before an attempt beside the first. O(1).
  template <attempt_budget Budget>
  hedge_step next(instant now, Budget& budget) {
    if (!over_) decide(now, budget);
    if (over_ && unwanted_ != 0)
      return {.what = hedge_step::kind::cancel, .attempt = take_lowest(unwanted_)};
    if (over_) return {.what = hedge_step::kind::done, .attempt = result_of_, .why = why_};
    if (due_) {
      due_ = false;
      ++started_;
      running_ |= bit(started_);
      due_at_ = gabion::saturating_add(now, delay_);
      return {.what = hedge_step::kind::start, .attempt = started_};
    }
    const instant until = left_ > 0 && due_at_ < until_.when() ? due_at_ : until_.when();
    return {.what = hedge_step::kind::wait, .until = until};
  }

  /// That attempt has ended. True if its result counts; false if it comes too late and must be
  /// dropped.
  bool ended(std::uint32_t attempt, bool good, instant now) noexcept {
    if (over_ || (running_ & bit(attempt)) == 0) return false;
    running_ &= ~bit(attempt);
    result_of_ = attempt;
    if (good) {
      end(hedge_end::won);
    } else {
      ++failures_;
      if (on_failure_) due_at_ = now;
    }
    return true;
  }

  /// That attempt could not be started. There will be no more.
  void not_started(std::uint32_t attempt) noexcept {
    if (over_ || (running_ & bit(attempt)) == 0) return;
    running_ &= ~bit(attempt);
    left_ = 0;
  }

  /// The caller gives up.
  void cancel() noexcept {
    if (!over_) end(hedge_end::cancelled);
  }

  /// The attempts that were started, and how many of them have failed while it mattered.
  [[nodiscard]] std::uint32_t started() const noexcept { return started_; }
  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }

 private:
  [[nodiscard]] static constexpr std::uint32_t bit(std::uint32_t attempt) noexcept {
    return 1U << attempt;
  }
  [[nodiscard]] static std::uint32_t take_lowest(std::uint32_t& set) noexcept {
    const auto lowest = static_cast<std::uint32_t>(std::countr_zero(set));
    set &= set - 1;
    return lowest;
  }

  template <attempt_budget Budget>
  void decide(instant now, Budget& budget) {
    if (until_.expired(now)) return end(hedge_end::deadline);
    if (started_ == 0) {
      due_ = true;
      return;
    }
    if (running_ == 0 && (left_ == 0 || !on_failure_))
      return end(result_of_ == 0 ? hedge_end::not_run : hedge_end::failed);
    if (left_ == 0 || now < due_at_) return;
    due_ = budget.try_spend(extra_attempt::hedge, [now] { return now; });
    left_ = due_ ? left_ - 1 : 0;
    if (!due_ && running_ == 0) end(hedge_end::failed);
  }

  void end(hedge_end why) noexcept {
    over_ = true;
    why_ = why;
    unwanted_ = running_;
    running_ = 0;
  }

  duration delay_;
  deadline until_;
  instant due_at_{};  // when the next attempt may start
  std::uint32_t left_;
  std::uint32_t started_ = 0;
  std::uint32_t failures_ = 0;
  std::uint32_t running_ = 0;   // a bit for each attempt
  std::uint32_t unwanted_ = 0;  // to be cancelled
  std::uint32_t result_of_ = 0;
  hedge_end why_ = hedge_end::won;
  bool on_failure_;
  bool due_ = false;
  bool over_ = false;
};

}  // namespace v0
}  // namespace gabion
