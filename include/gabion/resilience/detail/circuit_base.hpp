// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/circuit_counters.hpp>
#include <gabion/resilience/detail/circuit_events.hpp>
#include <gabion/resilience/detail/circuit_ledger.hpp>
#include <gabion/resilience/detail/circuit_opening.hpp>
#include <gabion/resilience/detail/circuit_recovery.hpp>
#include <gabion/resilience/detail/circuit_window.hpp>
#include <gabion/resilience/detail/circuit_word.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Why the state changes: the cause, and the numbers that decided.
struct circuit_why {
  circuit_cause cause = circuit_cause::reset;
  std::uint32_t failed = 0;
  std::uint32_t calls = 0;
};

/// What a circuit breaker is made of, and how it goes from state to state. `circuit_core` adds
/// when, `circuit_control` by whose hand.
///
/// `word_` is the one truth. Deadlines are written before the word that makes them valid. All but
/// the word, the lock-free window and the counters is under `lock_`. No user code runs under it:
/// `Log` delivers after it is free, and `open_time` is asked in between.
template <env Env, class Log>
class circuit_base {
 public:
  /// What a caller would meet now: an open time that is over reads half-open, and lost probes read
  /// open. Lock-free.
  [[nodiscard]] circuit_state state(instant now) const noexcept { return effective(now).state; }

 protected:
  struct view {
    circuit_word word{};
    circuit_state state = circuit_state::closed;
    instant until{};      // open: when the open time ends
    bool is_due = false;  // the word does not say so yet: the next call will
  };
  using atomic_time = typename Env::template atomic<duration::rep>;

  circuit_base(const circuit_breaker_options& o, Log& log)
      : window_{o.window, o.failures},
        log_{log},
        permits_{o.half_open_permits},
        options_{o},
        opening_{o.open_growth} {
    ledger_.configure(o, needs_room(o, mode_), instant{});
    const circuit_word first{closed_phase(o, mode_), 0};
    ledger_is_current_ = first.phase() != circuit_phase::closed;
    store(first);
    static_cast<void>(window_.restart(tally_, 0));
  }

  [[nodiscard]] circuit_word load() const noexcept {
    return circuit_word{word_.load(std::memory_order_acquire)};
  }
  void store(circuit_word w) noexcept { word_.store(w.bits(), std::memory_order_release); }
  [[nodiscard]] bool exchange(circuit_word& seen, circuit_word next) noexcept {
    std::uint64_t bits = seen.bits();
    if (word_.compare_exchange_weak(bits, next.bits(), std::memory_order_acq_rel,
                                    std::memory_order_acquire))
      return true;
    seen = circuit_word{bits};
    return false;
  }
  [[nodiscard]] static instant at(const atomic_time& deadline) noexcept {
    return instant{duration{deadline.load(std::memory_order_acquire)}};
  }
  static void arm(atomic_time& deadline, instant when) noexcept {
    deadline.store(when.time_since_epoch().count(), std::memory_order_release);
  }

  void count(circuit_settlement how) noexcept { counters_.add(how); }
  /// Outcomes that are out of the tally, so that nobody finds them there any more. Negative numbers
  /// wrap.
  [[gnu::noinline]] void retire(outcome_sum s, outcome_sum taken_back = {}) noexcept {
    const std::uint64_t failed = std::uint64_t{s.failed} - taken_back.failed;
    const std::uint64_t good = std::uint64_t{s.calls} - taken_back.calls - failed;
    if (good != 0) counters_.add(circuit_settlement::success, good);
    if (failed != 0) counters_.add(circuit_settlement::failure, failed);
  }

  /// The state as of `now`, though nobody may have called since it changed.
  [[nodiscard]] view effective(instant now) const noexcept {
    for (;;) {
      const circuit_word w = load();
      if (w.phase() != circuit_phase::open && w.phase() != circuit_phase::half_open)
        return {w, w.state(), now};
      const instant opened = at(open_until_);
      const instant lost = at(probes_until_);
      const instant reopened = at(reopen_until_);
      if (load() != w) continue;
      if (w.phase() == circuit_phase::half_open && (w.out() == 0 || now < lost))
        return {w, circuit_state::half_open, now};
      const instant until = w.phase() == circuit_phase::open ? opened : reopened;
      const bool is_open = now < until;
      return {w, is_open ? circuit_state::open : circuit_state::half_open, until,
              !is_open || w.phase() != circuit_phase::open};
    }
  }

  /// Runs one step under the lock, again if it had a question that must be asked outside. The
  /// listener hears of what it did after the lock is free.
  template <class Step>
  auto locked(const Step& step) {
    struct delivery {
      Log& log;
      ~delivery() { log.deliver(); }
    };
    const delivery afterwards{log_};
    for (circuit_question q;; q.find_out()) {
      const std::lock_guard guard{lock_};
      auto result = step(q);
      if (!q.asked()) return result;
    }
  }

  // From here on: under the lock.

  /// How a breaker is closed.
  [[nodiscard]] static circuit_phase closed_phase(const circuit_breaker_options& o,
                                                  circuit_mode mode) noexcept {
    if (o.count_overdue) return circuit_phase::tracked;
    if (o.slow_after != duration::zero()) return circuit_phase::timed;
    if (o.time_window.span != duration::zero() || mode == circuit_mode::metrics_only)
      return circuit_phase::ruled;
    return circuit_phase::closed;
  }

  /// The last calls will be in the ledger at one time or another.
  [[nodiscard]] static bool needs_room(const circuit_breaker_options& o,
                                       circuit_mode mode) noexcept {
    return closed_phase(o, mode) != circuit_phase::closed || o.ramp.percent[0] != 0;
  }

  void begin(circuit_word next) noexcept {
    empty(next);
    store(next);
  }
  /// Nothing counted yet in the generation that `next` begins.
  void empty(circuit_word next) noexcept {
    ledger_.restart();
    retire(window_.restart(tally_, next.generation()));
    ledger_is_current_ = next.phase() != circuit_phase::closed;
    would_open_ = false;
  }

  void enter_closed(circuit_word from, instant now, circuit_why why) noexcept {
    opening_.closed(now);
    begin(from.next(closed_phase(options_, mode_)));
    note(from, circuit_phase::closed, now, why);
  }

  void enter_ramping(circuit_word from, std::uint32_t step, instant now, circuit_why why) noexcept {
    ramp_.begin(step, now);
    begin(from.next(circuit_phase::ramping));
    note(from, circuit_phase::ramping, now, why);
  }

  /// False if the word has changed, as it may while closed.
  [[nodiscard]] bool enter_open(circuit_word from, instant now, duration time,
                                circuit_why why) noexcept {
    arm(open_until_, gabion::saturating_add(now, time));
    const circuit_word next = from.next(circuit_phase::open);
    std::uint64_t bits = from.bits();
    if (!word_.compare_exchange_strong(bits, next.bits(), std::memory_order_acq_rel,
                                       std::memory_order_acquire))
      return false;
    if (is_closed(from.phase()) || from.phase() == circuit_phase::ramping) frozen_at_ = now;
    note(from, circuit_phase::open, now, why, time);
    return true;
  }

  /// The same for the time that growth, jitter and the user's function make of it. False also if
  /// that is to be asked first.
  [[nodiscard]] bool try_open(circuit_word from, instant now, circuit_why why,
                              circuit_question& q) noexcept {
    const circuit_open_request request =
        opening_.next(options_, why.cause, is_closed(from.phase()), now);
    duration time{};
    if (!q.knows(options_.open_time, request, time)) return false;
    const std::uint32_t before = opening_.attempt();
    opening_.set_attempt(request.attempt);
    if (enter_open(from, now, time, why)) return true;
    opening_.set_attempt(before);
    return false;
  }

  void open(instant now, circuit_why why, circuit_question& q) noexcept {
    while (!try_open(load(), now, why, q) && !q.asked()) {}
  }

  /// What happens if the probes are lost is settled now, so that everybody can tell later without
  /// the lock.
  void enter_half_open(circuit_word from, circuit_word next, instant now, circuit_cause cause,
                       circuit_question& q) noexcept {
    const circuit_open_request request =
        opening_.next(options_, circuit_cause::probe_lost, false, now);
    if (!q.knows(options_.open_time, request, lost_open_for_)) return;
    lost_attempt_ = request.attempt;
    store(next);
    note(from, circuit_phase::half_open, now, {cause, 0, 0});
  }

  /// Probes that were out too long are lost: open since that moment, whenever it is noticed.
  void expire_probes(instant now) noexcept {
    const circuit_word w = load();
    if (w.phase() != circuit_phase::half_open || w.out() == 0) return;
    const instant lost = at(probes_until_);
    if (now < lost) return;
    opening_.set_attempt(lost_attempt_);
    static_cast<void>(enter_open(w, lost, lost_open_for_, lost_probes(w)));
  }
  [[nodiscard]] static circuit_why lost_probes(circuit_word w) noexcept {
    return {circuit_cause::probe_lost, w.out(), w.out() + w.successes() + w.failed()};
  }

  void note(circuit_word from, circuit_phase to, instant when, circuit_why why,
            duration open_for = {}) noexcept {
    why_ = why;
    if (from.state() == state_of(to)) return;
    push({.what = circuit_change::kind::transition,
          .transition = {.from = from.state(),
                         .to = state_of(to),
                         .cause = why.cause,
                         .generation = from.next(to).generation(),
                         .at = when,
                         .failed = why.failed,
                         .calls = why.calls,
                         .open_for = open_for,
                         .attempt = to == circuit_phase::open ? opening_.attempt() : 0}});
  }
  void push(circuit_change event) noexcept {
    if (event.transition.at > last_change_) last_change_ = event.transition.at;
    event.transition.at = last_change_;
    log_.push(event);
  }

  /// The moment as of which windows are to be looked at: while they are not in use, that at which
  /// they went out of use.
  [[nodiscard]] instant looked_at(circuit_word w, instant now) const noexcept {
    return is_closed(w.phase()) || w.phase() == circuit_phase::ramping ? now : frozen_at_;
  }

  // Read by every call, written when the state changes.
  alignas(64) typename Env::template atomic<std::uint64_t> word_{0};
  circuit_window<Env> window_;
  Log& log_;
  atomic_time open_until_{0};
  atomic_time probes_until_{0};
  atomic_time reopen_until_{0};  // what open_until_ will be if the probes are lost
  typename Env::template atomic<std::uint32_t> permits_;
  // Written by every call.
  alignas(64) typename circuit_window<Env>::tally_type tally_{0};
  circuit_counters<Env> counters_{};
  // Under the lock.
  alignas(64) mutable typename Env::mutex lock_{};
  circuit_breaker_options options_;
  circuit_ledger ledger_{};
  std::uint64_t ruled_success_ = 0;  // counted under the lock, beside `counters_`
  std::uint64_t ruled_failure_ = 0;
  circuit_mode mode_ = circuit_mode::normal;
  bool ledger_is_current_ = false;  // the last calls are in the ledger, not in the lock-free window
  bool would_open_ = false;         // metrics only: a rule is met already
  circuit_opening opening_;
  circuit_ramp ramp_{};
  duration lost_open_for_{};  // if the probes are lost
  std::uint32_t lost_attempt_ = 0;
  instant frozen_at_{};
  instant last_change_ = (instant::min)();
  circuit_why why_{};  // of the last change
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
