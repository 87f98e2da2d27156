// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/circuit_window.hpp>
#include <gabion/resilience/detail/circuit_word.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion::inline v0::detail {

/// How one permit comes back.
enum class settlement : std::uint8_t { success, failure, ignored, abandoned };

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
    window_.restart(tallies_.window, 0);
  }

  template <class Now>
  [[nodiscard]] entry admit(const Now& now) noexcept {
    const circuit_word w = load();
    if (w.state() == circuit_state::closed) [[likely]]
      return {true, w.generation()};
    return refuse_or_probe(w, now());
  }

  template <class Now>
  void settle(std::uint32_t generation, settlement how, const Now& now) noexcept {
    const circuit_word w = load();
    if (w.generation() != generation) return count(tallies_.late);
    if (w.state() == circuit_state::half_open) {
      const instant when = now();
      return locked([&] { settle_probe(generation, how, when); });
    }
    if (how == settlement::success) return succeed(w, now);
    if (how == settlement::failure) return fail(w, now);
    count(tally_of(how));
  }

  /// Closed with empty counts, at once. A new generation and an event, unless it was closed already.
  void reset(instant now) noexcept {
    locked([&] {
      const circuit_word w = load();
      if (w.state() != circuit_state::closed) return enter(w, circuit_state::closed, now, circuit_cause::reset, 0, 0);
      window_.restart(tallies_.window, w.generation());
      store(w.with_failures(0));
    });
  }

  /// What a caller would meet now: an open time that is over reads half-open, and lost probes read open.
  [[nodiscard]] circuit_state state(instant now) const noexcept { return effective(now).state; }

  void describe(circuit_snapshot& s, instant now) const noexcept {
    for (;;) {
      const view v = effective(now);
      const window_result outcomes = window_.counts(tallies_.window);
      s.state = v.state;
      s.generation = v.word.generation();
      s.retry_after = v.state == circuit_state::open ? deadline::at(v.until).remaining(now) : duration::zero();
      const bool closed = v.word.state() == circuit_state::closed;
      const bool probing = v.word.state() == circuit_state::half_open;
      s.consecutive_failures = closed ? v.word.failures() : 0;
      s.window_calls = window_.enabled() ? outcomes.calls : 0;
      s.window_failed = window_.enabled() ? outcomes.failed : 0;
      s.probes_succeeded = probing ? v.word.successes() : 0;
      s.probes_out = probing ? v.word.out() : 0;
      if (load().generation() == s.generation) break;
    }
    s.counts = {read(tallies_.success),   read(tallies_.failure), read(tallies_.ignored),
                read(tallies_.abandoned), read(tallies_.late),    read(tallies_.rejected)};
  }

 private:
  using count_type = typename Env::template atomic<std::uint64_t>;

  // What every call writes, on a cache line of its own.
  struct alignas(64) tallies {
    count_type window{0};
    count_type success{0};
    count_type failure{0};
    count_type ignored{0};
    count_type abandoned{0};
    count_type late{0};
    count_type rejected{0};
  };

  struct view {
    circuit_word word{};
    circuit_state state = circuit_state::closed;
    instant until{};  // open: when the open time ends
  };

  [[nodiscard]] count_type& tally_of(settlement how) noexcept {
    switch (how) {
      case settlement::success: return tallies_.success;
      case settlement::failure: return tallies_.failure;
      case settlement::ignored: return tallies_.ignored;
      case settlement::abandoned: return tallies_.abandoned;
    }
    return tallies_.abandoned;
  }
  static void count(count_type& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] static std::uint64_t read(const count_type& c) noexcept { return c.load(std::memory_order_relaxed); }
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

  [[nodiscard]] entry refuse_or_probe(circuit_word w, instant now) noexcept {
    if (w.state() == circuit_state::open) {
      // The deadline was written before this word, and is written again only after the word has changed.
      const instant until = at(open_until_);
      if (now < until && load() == w) return refuse(circuit_refusal::open, until, now);
    } else if (w.out() >= permits_ && now < at(probes_until_)) {
      return refuse(circuit_refusal::half_open_full, now, now);
    }
    return locked([&] { return probe(now); });
  }

  [[nodiscard]] entry refuse(circuit_refusal why, instant until, instant now) noexcept {
    count(tallies_.rejected);
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

  void settle_probe(std::uint32_t generation, settlement how, instant now) noexcept {
    expire_probes(now);
    const circuit_word w = load();
    if (w.generation() != generation) return count(tallies_.late);
    count(tally_of(how));
    const std::uint32_t successes = w.successes() + (how == settlement::success ? 1 : 0);
    if (how == settlement::failure)
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
        if (exchange(w, w.with_failures(failures))) return count_unless_windowed(tallies_.failure);
        continue;
      }
      arm(open_until_, gabion::saturating_add(now, open_for_));
      if (!exchange(w, w.next(circuit_state::open))) continue;
      count_unless_windowed(tallies_.failure);
      return note(w, circuit_state::open, now, circuit_cause::consecutive_failures, failures, failures);
    }
    count_unless_windowed(tallies_.late);
  }

  /// The next generation. What belongs to the new state is written first, the word last.
  void enter(circuit_word from, circuit_state to, instant now, circuit_cause cause, std::uint32_t failed,
             std::uint32_t calls) noexcept {
    const circuit_word next = from.next(to);
    if (to == circuit_state::open) arm(open_until_, gabion::saturating_add(now, open_for_));
    if (to == circuit_state::closed) window_.restart(tallies_.window, next.generation());
    store(next);
    note(from, to, now, cause, failed, calls);
  }

  void note(circuit_word from, circuit_state to, instant when, circuit_cause cause, std::uint32_t failed,
            std::uint32_t calls) noexcept {
    last_change_ = (std::max)(last_change_, when);
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
    count_unless_windowed(w.generation() == generation ? tallies_.success : tallies_.late);
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
    count_unless_windowed(w.generation() == generation ? tallies_.failure : tallies_.late);
  }

  /// Puts the outcome into the window, counts it, and opens if that meets the rule. False if it is late.
  template <class Now>
  [[nodiscard]] bool record(std::uint32_t generation, bool failed, const Now& now) noexcept {
    const window_result r = window_.record(tallies_.window, generation, failed);
    if (!r.counted)
      count(tallies_.late);
    else
      count(failed ? tallies_.failure : tallies_.success);
    if (r.what == window_result::kind::tripped) trip(generation, r, now());
    return r.counted;
  }

  void count_unless_windowed(count_type& c) noexcept {
    if (!window_.enabled()) count(c);
  }

  void trip(std::uint32_t generation, const window_result& r, instant now) noexcept {
    locked([&] {
      if (const circuit_word w = load(); w.generation() == generation)
        enter(w, circuit_state::open, now, circuit_cause::failure_rate, r.failed, r.calls);
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
  tallies tallies_{};
  circuit_window<Env> window_;
  Log& log_;
  typename Env::mutex lock_{};
  instant last_change_ = (instant::min)();
};

}  // namespace gabion::inline v0::detail
