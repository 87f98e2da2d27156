// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/circuit_counters.hpp>
#include <gabion/resilience/detail/circuit_window.hpp>
#include <gabion/resilience/detail/circuit_word.hpp>

namespace gabion::inline v0::detail {

/// The state machine of a circuit breaker, without clock and without listener: `(now, event) -> state`.
///
/// `word_` is the one truth. Closed: admission is one load; a verdict is lock-free. Open: a rejection is lock-free.
/// Everything that is rare (a change of state, and all that happens to a probe) runs under `lock_`, so that a deadline is
/// always written before the word that makes it valid, and transitions reach `Log` in order. No user code runs under it:
/// `Log` delivers after it is free.
/// `Now` arguments are callables, asked only where the time matters: never while closed, except to open.
template <env Env, class Log>
class circuit_core {
 public:
  /// What an admission comes to.
  struct entry {
    bool granted = false;
    std::uint32_t generation = 0;
    circuit_rejection refusal{};
  };

  circuit_core(const circuit_breaker_options& o, Log& log)
      : failures_{o.failures},
        permits_{o.half_open_permits},
        successes_{o.successes_to_close},
        open_for_{o.open_for},
        probes_for_{o.half_open_for == duration::zero() ? o.open_for : o.half_open_for},
        window_{o.window},
        log_{log} {
    retire(window_.restart(tally_, 0));
  }

  template <class Now>
  [[nodiscard]] entry admit(const Now& now) noexcept {
    const circuit_word w = load();
    if (w.state() == circuit_state::closed) [[likely]]
      return {true, w.generation(), {}};
    return refuse_or_probe(w, now());
  }

  template <class Now>
  void settle(std::uint32_t generation, circuit_settlement how, const Now& now) noexcept {
    // Nearly every call ends here: a success while closed, after which nothing has to be decided.
    if (how == circuit_settlement::success && load() == circuit_word{circuit_state::closed, generation}) [[likely]] {
      if (!window_.enabled()) return count(circuit_settlement::success);
      if (window_.record_quietly(tally_, generation)) return;
    }
    decide(generation, how, now);
  }

  /// Closed with empty counts, at once. A new generation and an event, unless it was closed already.
  void reset(instant now) noexcept {
    locked([&] {
      const circuit_word w = load();
      if (w.state() != circuit_state::closed) return enter(w, circuit_state::closed, now, circuit_cause::reset, 0, 0);
      retire(window_.clear(tally_, w.generation()));
      store(w.with_failures(0));
    });
  }

  /// What a caller would meet now: an open time that is over reads half-open, and lost probes read open.
  [[nodiscard]] circuit_state state(instant now) const noexcept { return effective(now).state; }

  void describe(circuit_snapshot& s, instant now) const noexcept {
    outcome_sum unretired;
    circuit_counts counts;
    do {
      counts = counters_.read();  // before the tally: what moves from there in between is missed, never counted twice
      const view v = effective(now);
      const std::uint64_t tally = tally_.load(std::memory_order_acquire);
      unretired = window_.unretired(tally);
      s.state = v.state;
      s.generation = v.word.generation();
      s.retry_after = v.state == circuit_state::open ? deadline::at(v.until).remaining(now) : duration::zero();
      s.window_calls = window_.enabled() ? window_.sum(tally).calls : 0;
      s.window_failed = window_.sum(tally).failed;
      s.consecutive_failures = v.word.state() == circuit_state::closed ? v.word.failures() : 0;
      s.probes_out = v.word.state() == circuit_state::half_open ? v.word.out() : 0;
      s.probes_succeeded = v.word.state() == circuit_state::half_open ? v.word.successes() : 0;
    } while (load().generation() != s.generation);
    s.counts = counts;
    s.counts.success = raised(reported_success_, counts.success + unretired.calls - unretired.failed);
    s.counts.failure = raised(reported_failure_, counts.failure + unretired.failed);
  }

 private:
  struct view {
    circuit_word word{};
    circuit_state state = circuit_state::closed;
    instant until{};  // open: when the open time ends
  };

  void count(circuit_settlement how) noexcept { counters_.add(how); }
  [[gnu::noinline]] void retire(outcome_sum s) noexcept {
    if (s.calls != s.failed) counters_.add(circuit_settlement::success, s.calls - s.failed);
    if (s.failed != 0) counters_.add(circuit_settlement::failure, s.failed);
  }
  /// The highest value ever given: what is on its way from the tally to the counters must not make a count go back.
  [[nodiscard]] static std::uint64_t raised(typename Env::template atomic<std::uint64_t>& highest, std::uint64_t value) noexcept {
    std::uint64_t seen = highest.load(std::memory_order_relaxed);
    while (seen < value && !highest.compare_exchange_weak(seen, value, std::memory_order_relaxed, std::memory_order_relaxed)) {}
    return seen < value ? value : seen;
  }
  [[nodiscard]] static instant at(const typename Env::template atomic<duration::rep>& deadline) noexcept {
    return instant{duration{deadline.load(std::memory_order_acquire)}};
  }
  static void arm(typename Env::template atomic<duration::rep>& deadline, instant when) noexcept {
    deadline.store(when.time_since_epoch().count(), std::memory_order_release);
  }

  [[nodiscard]] circuit_word load() const noexcept { return circuit_word{word_.load(std::memory_order_acquire)}; }
  void store(circuit_word w) noexcept { word_.store(w.bits(), std::memory_order_release); }
  [[nodiscard]] bool exchange(circuit_word& seen, circuit_word next) noexcept {
    std::uint64_t bits = seen.bits();
    if (word_.compare_exchange_weak(bits, next.bits(), std::memory_order_acq_rel, std::memory_order_acquire)) return true;
    seen = circuit_word{bits};
    return false;
  }

  /// Runs one rare step under the lock; the listener hears of what it did after the lock is free again.
  template <class Step>
  auto locked(const Step& step) noexcept {
    struct delivery {
      Log& log;
      ~delivery() { log.deliver(); }
    };
    const delivery afterwards{log_};
    const std::lock_guard guard{lock_};
    return step();
  }

  // Kept out of line, so that what is inlined into callers is a few instructions without a stack frame.
  template <class Now>
  [[gnu::noinline]] void decide(std::uint32_t generation, circuit_settlement how, const Now& now) noexcept {
    const circuit_word w = load();
    if (w.generation() != generation) return count(circuit_settlement::late);
    if (w.state() == circuit_state::half_open) {
      const instant when = now();
      return locked([&] { settle_probe(generation, how, when); });
    }
    if (how == circuit_settlement::success) return succeed(w, now);
    if (how == circuit_settlement::failure) return fail(w, now);
    count(how);
  }

  [[nodiscard]] entry refuse_or_probe(circuit_word w, instant now) noexcept {
    if (w.state() == circuit_state::open) {
      // The deadline was written before this word, and is written again only after the word has changed.
      const instant until = at(open_until_);
      if (now < until && load() == w) return refuse(circuit_refusal::open, until, now);
    } else if (w.out() >= permits_ && now < at(probes_until_)) {
      return refuse(circuit_refusal::half_open_full, now, now);
    }
    return acquire_probe(now);
  }

  [[nodiscard, gnu::noinline]] entry acquire_probe(instant now) noexcept {
    return locked([&] { return probe(now); });
  }

  [[nodiscard]] entry refuse(circuit_refusal why, instant until, instant now) noexcept {
    count(circuit_settlement::rejected);
    return {false, 0, {why, deadline::at(until).remaining(now)}};
  }

  // From here on to `note`: under the lock.

  [[nodiscard]] entry probe(instant now) noexcept {
    expire_probes(now);
    if (const circuit_word w = load(); w.state() == circuit_state::open && now >= at(open_until_))
      enter(w, circuit_state::half_open, now, circuit_cause::open_time_over, 0, 0);
    const circuit_word w = load();
    if (w.state() == circuit_state::closed) return {true, w.generation(), {}};
    if (w.state() == circuit_state::open) return refuse(circuit_refusal::open, at(open_until_), now);
    if (w.out() >= permits_) return refuse(circuit_refusal::half_open_full, now, now);
    if (w.out() == 0) arm(probes_until_, gabion::saturating_add(now, probes_for_));
    store(w.with_probes(w.out() + 1, w.successes()));
    return {true, w.generation(), {}};
  }

  void settle_probe(std::uint32_t generation, circuit_settlement how, instant now) noexcept {
    expire_probes(now);
    const circuit_word w = load();
    if (w.generation() != generation) return count(circuit_settlement::late);
    count(how);
    const std::uint32_t successes = w.successes() + (how == circuit_settlement::success ? 1 : 0);
    if (how == circuit_settlement::failure)
      enter(w, circuit_state::open, now, circuit_cause::probe_failed, 1, successes + 1);
    else if (successes >= successes_)
      enter(w, circuit_state::closed, now, circuit_cause::probes_succeeded, 0, successes);
    else
      store(w.with_probes(w.out() - 1, successes));
  }

  /// Probes that were out too long are lost: open since that moment, whenever it is noticed.
  void expire_probes(instant now) noexcept {
    const circuit_word w = load();
    if (w.state() != circuit_state::half_open || w.out() == 0) return;
    if (const instant lost = at(probes_until_); now >= lost)
      enter(w, circuit_state::open, lost, circuit_cause::probe_lost, w.out(), w.out() + w.successes());
  }

  /// One more failure in a row, which may be the last one allowed.
  void fail_last(std::uint32_t generation, instant now) noexcept {
    for (circuit_word w = load(); w.generation() == generation;) {
      const std::uint32_t failures = w.failures() + 1;
      if (failures < failures_) {  // a success came in between
        if (exchange(w, w.with_failures(failures))) return count_unless_windowed(circuit_settlement::failure);
        continue;
      }
      arm(open_until_, gabion::saturating_add(now, open_for_));
      if (!exchange(w, w.next(circuit_state::open))) continue;
      count_unless_windowed(circuit_settlement::failure);
      return note(w, circuit_state::open, now, circuit_cause::consecutive_failures, failures, failures);
    }
    count_unless_windowed(circuit_settlement::late);
  }

  /// The next generation. What belongs to the new state is written first, the word last.
  void enter(circuit_word from, circuit_state to, instant now, circuit_cause cause, std::uint32_t failed,
             std::uint32_t calls) noexcept {
    const circuit_word next = from.next(to);
    if (to == circuit_state::open) arm(open_until_, gabion::saturating_add(now, open_for_));
    if (to == circuit_state::closed) retire(window_.restart(tally_, next.generation()));
    store(next);
    note(from, to, now, cause, failed, calls);
  }

  void note(circuit_word from, circuit_state to, instant when, circuit_cause cause, std::uint32_t failed,
            std::uint32_t calls) noexcept {
    if (when > last_change_) last_change_ = when;
    log_.push({.from = from.state(),
               .to = to,
               .cause = cause,
               .generation = from.next(to).generation(),
               .at = last_change_,
               .failed = failed,
               .calls = calls});
  }

  // Lock-free again: verdicts on calls that were admitted while closed.

  template <class Now>
  void succeed(circuit_word w, const Now& now) noexcept {
    const std::uint32_t generation = w.generation();
    if (window_.enabled() && !record(generation, false, now)) return;
    while (w.failures() != 0 && w.generation() == generation)
      if (exchange(w, w.with_failures(0))) break;
    count_unless_windowed(w.generation() == generation ? circuit_settlement::success : circuit_settlement::late);
  }

  template <class Now>
  void fail(circuit_word w, const Now& now) noexcept {
    const std::uint32_t generation = w.generation();
    if (window_.enabled() && !record(generation, true, now)) return;
    while (w.generation() == generation && failures_ != 0) {
      if (w.failures() + 1 >= failures_) {
        const instant when = now();
        return locked([&] { fail_last(generation, when); });
      }
      if (exchange(w, w.with_failures(w.failures() + 1))) break;
    }
    count_unless_windowed(w.generation() == generation ? circuit_settlement::failure : circuit_settlement::late);
  }

  /// Puts the outcome into the window, which counts it, and opens if that meets the rule. False if it is late.
  template <class Now>
  [[nodiscard]] bool record(std::uint32_t generation, bool failed, const Now& now) noexcept {
    const auto step = window_.record(tally_, generation, failed);
    if (step.retires()) retire(window_.unretired(step.before));
    if (step.tripped()) trip(generation, window_.sum(step.counted() ? step.after : step.before), now());
    if (!step.counted()) count(circuit_settlement::late);
    return step.counted();
  }

  void count_unless_windowed(circuit_settlement how) noexcept {
    if (!window_.enabled()) count(how);
  }

  [[gnu::noinline]] void trip(std::uint32_t generation, outcome_sum window, instant now) noexcept {
    locked([&] {
      if (const circuit_word w = load(); w.generation() == generation)
        enter(w, circuit_state::open, now, circuit_cause::failure_rate, window.failed, window.calls);
    });
  }

  /// The state as of `now`, though nobody may have called since it changed.
  [[nodiscard]] view effective(instant now) const noexcept {
    for (;;) {
      const circuit_word w = load();
      if (w.state() == circuit_state::closed) return {w, circuit_state::closed, now};
      const instant opened = at(open_until_);
      const instant lost = at(probes_until_);
      if (load() != w) continue;
      if (w.state() == circuit_state::half_open && (w.out() == 0 || now < lost)) return {w, circuit_state::half_open, now};
      const instant until = w.state() == circuit_state::open ? opened : gabion::saturating_add(lost, open_for_);
      return {w, now < until ? circuit_state::open : circuit_state::half_open, until};
    }
  }

  // Read by every call, written when the state changes.
  alignas(64) typename Env::template atomic<std::uint64_t> word_{0};
  typename Env::template atomic<duration::rep> open_until_{0};
  typename Env::template atomic<duration::rep> probes_until_{0};
  std::uint32_t failures_;
  std::uint32_t permits_;
  std::uint32_t successes_;
  duration open_for_;
  duration probes_for_;
  circuit_window<Env> window_;
  Log& log_;
  // Written by every call.
  alignas(64) typename circuit_window<Env>::tally_type tally_{0};
  circuit_counters<Env> counters_{};
  // Rarely touched.
  typename Env::mutex lock_{};
  instant last_change_ = (instant::min)();
  mutable typename Env::template atomic<std::uint64_t> reported_success_{0};
  mutable typename Env::template atomic<std::uint64_t> reported_failure_{0};
};

}  // namespace gabion::inline v0::detail
