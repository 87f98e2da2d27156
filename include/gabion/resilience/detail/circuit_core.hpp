// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/detail/circuit_base.hpp>

namespace gabion::inline v0::detail {

/// What became of a call, for whoever listens.
struct circuit_settled {
  circuit_settlement how = circuit_settlement::success;
  bool measured = false;
  bool slow = false;
  duration took{};
};

/// What a circuit breaker does with calls, without clock and without listener: `(now, event) -> state`.
///
/// Closed with rules that need no time: admission is one load, a verdict is lock-free. Closed otherwise: admission is one load, a
/// verdict is O(1) under the lock. A rejection while open is lock-free. Probes and ramp are under the lock.
/// `Now` arguments are callables, asked only where the time matters.
template <env Env, class Log>
class circuit_core : public circuit_base<Env, Log> {
  using base = circuit_base<Env, Log>;

 public:
  /// What an admission comes to.
  struct entry {
    bool granted = false;
    circuit_ticket ticket{};
    circuit_rejection refusal{};
  };

  template <class Now>
  [[nodiscard]] entry admit(const Now& now) noexcept {
    const circuit_word w = this->load();
    if (w.phase() <= circuit_phase::ruled) [[likely]]
      return granted(w);
    if (w.phase() == circuit_phase::timed) return granted(w, now());
    return refuse_or_ask(w, now);
  }

  template <class Now>
  circuit_settled settle(const circuit_ticket& t, circuit_settlement how, duration stated, const Now& now) noexcept {
    // Nearly every call ends here: a success while closed, after which nothing has to be decided.
    if (how == circuit_settlement::success && this->load() == circuit_word{circuit_phase::closed, t.generation}) [[likely]] {
      const circuit_rule_word rules = this->window_.rules();
      if (rules.calls() == 0) return counted(circuit_settlement::success);
      if (this->window_.record_quietly(this->tally_, rules, t.generation)) return {circuit_settlement::success};
    }
    return decide(t, how, stated, now);
  }

 protected:
  circuit_core(const circuit_breaker_options& o, Log& log) : base{o, log} {}

 private:
  [[nodiscard]] static entry granted(circuit_word w, instant started = (instant::min)(), std::uint32_t tracking = 0) noexcept {
    return {true, {w.generation(), tracking, started}, {}};
  }
  [[nodiscard]] entry refuse(circuit_refusal why, duration retry_after = {}) noexcept {
    this->count(circuit_settlement::rejected);
    return {false, {}, {why, retry_after}};
  }
  circuit_settled counted(circuit_settlement how) noexcept {
    this->count(how);
    return {how};
  }

  // Kept out of line, so that what is inlined into callers is a few instructions without a stack frame.
  template <class Now>
  [[nodiscard, gnu::noinline]] entry refuse_or_ask(circuit_word w, const Now& now) noexcept {
    if (w.phase() == circuit_phase::disabled) return granted(w);
    if (w.phase() == circuit_phase::isolated) return refuse(circuit_refusal::isolated);
    const instant when = now();
    if (w.phase() == circuit_phase::open) {
      // The deadline was written before this word, and within it only ever moves away.
      const instant until = base::at(this->open_until_);
      if (when < until && this->load() == w) return refuse(circuit_refusal::open, deadline::at(until).remaining(when));
    } else if (w.phase() == circuit_phase::half_open && w.out() >= this->permits_.load(std::memory_order_relaxed) &&
               when < base::at(this->probes_until_)) {
      return refuse(circuit_refusal::half_open_full);
    }
    return this->locked([&](circuit_question& q) { return ask(when, q); });
  }

  template <class Now>
  [[gnu::noinline]] circuit_settled decide(const circuit_ticket& t, circuit_settlement how, duration stated,
                                           const Now& now) noexcept {
    for (;;) {
      const circuit_word w = this->load();
      if (w.generation() != t.generation) return counted(circuit_settlement::late);
      if (w.phase() == circuit_phase::disabled) return {circuit_settlement::unrecorded};
      const bool judged = how == circuit_settlement::success || how == circuit_settlement::failure;
      std::optional<circuit_settled> done;
      if (w.phase() == circuit_phase::closed && stated == duration::zero()) {
        if (!judged) return counted(how);
        done = settle_lock_free(t.generation, how, now);
      } else if (!judged && t.tracking == 0 && is_ruled(w.phase())) {
        return counted(how);
      } else {
        const instant when = now();
        done = this->locked([&](circuit_question& q) { return settle_step(t, how, stated, when, q); });
      }
      if (done.has_value()) return *done;
    }
  }

  // Under the lock.

  [[nodiscard]] entry ask(instant now, circuit_question& q) noexcept {
    this->expire_probes(now);
    for (;;) {
      const circuit_word w = this->load();
      switch (w.phase()) {
        case circuit_phase::closed:
        case circuit_phase::ruled:
        case circuit_phase::disabled: return granted(w);
        case circuit_phase::timed: return granted(w, now);
        case circuit_phase::isolated: return refuse(circuit_refusal::isolated);
        case circuit_phase::tracked:
        case circuit_phase::ramping:
          if (overdue_judged(w, now, q)) return ask_share(w, now);
          break;
        case circuit_phase::half_open: return ask_probe(w, now);
        case circuit_phase::open:
          if (const instant until = base::at(this->open_until_); now < until)
            return refuse(circuit_refusal::open, deadline::at(until).remaining(now));
          this->enter_half_open(w, w.next(circuit_phase::half_open), now, circuit_cause::open_time_over, q);
          break;
      }
      if (q.asked()) return {};
    }
  }

  /// Looks at what has become overdue since, and at the time of a ramp's step. False if that changed the state or has a question.
  [[nodiscard]] bool overdue_judged(circuit_word w, instant now, circuit_question& q) noexcept {
    this->ledger_.in_flight().advance(now);
    if (this->ledger_.in_flight().overdue() == 0 && w.phase() != circuit_phase::ramping) return true;
    judge(w, now, q);
    return this->load() == w && !q.asked();
  }

  [[nodiscard]] entry ask_share(circuit_word w, instant now) noexcept {
    if (w.phase() == circuit_phase::ramping && !this->ramp_.admits(this->options_.ramp)) return refuse(circuit_refusal::ramping);
    circuit_overdue& in_flight = this->ledger_.in_flight();
    if (!in_flight.enabled()) return granted(w, now);
    const instant started = in_flight.begin(now);
    return granted(w, started, in_flight.epoch());
  }

  [[nodiscard]] entry ask_probe(circuit_word w, instant now) noexcept {
    if (w.out() >= this->options_.half_open_permits) return refuse(circuit_refusal::half_open_full);
    if (w.out() == 0) {
      const duration time = this->options_.half_open_for;
      const instant lost = gabion::saturating_add(now, time == duration::zero() ? this->options_.open_for : time);
      base::arm(this->probes_until_, lost);
      base::arm(this->reopen_until_, gabion::saturating_add(lost, this->lost_open_for_));
    }
    this->store(w.with_probes(w.out() + 1, w.successes(), w.failed()));
    return granted(w, now);
  }

  /// Nothing if the call is to be settled without the lock after all.
  [[nodiscard]] std::optional<circuit_settled> settle_step(const circuit_ticket& t, circuit_settlement how, duration stated,
                                                           instant now, circuit_question& q) noexcept {
    this->expire_probes(now);
    const circuit_word w = this->load();
    if (w.generation() != t.generation) {
      if (!q.recorded) return counted(circuit_settlement::late);
      return measured(t, how, now);
    }
    if (w.phase() == circuit_phase::half_open) return settle_probe(w, t, how, stated, now, q);
    if (is_ruled(w.phase())) return settle_ruled(w, t, how, stated, now, q);
    if (stated == duration::zero()) return std::nullopt;
    if (!q.recorded) {
      q.recorded = true;
      record_in_window(this->window_.rules(), t.generation, true);
    }
    open_as_stated(now, stated);
    return measured(t, how, now);
  }

  [[nodiscard]] circuit_settled measured(const circuit_ticket& t, circuit_settlement how, instant now) const noexcept {
    if (this->options_.slow_after == duration::zero() || t.started == (instant::min)()) return {how};
    const duration took = gabion::elapsed(t.started, now);
    return {how, true, took > this->options_.slow_after, took};
  }

  [[nodiscard]] circuit_settled settle_probe(circuit_word w, const circuit_ticket& t, circuit_settlement how, duration stated,
                                             instant now, circuit_question& q) noexcept {
    const circuit_settled s = measured(t, how, now);
    const bool good = how == circuit_settlement::success && !s.slow;
    const bool bad = how == circuit_settlement::failure || (how == circuit_settlement::success && s.slow);
    const std::uint32_t successes = w.successes() + (good ? 1 : 0);
    const std::uint32_t failed = w.failed() + (bad ? 1 : 0);
    const auto decision = good || bad ? detail::judge_probes(this->options_, successes, failed) : circuit_recovery::undecided;
    if (stated != duration::zero()) {
      open_as_stated(now, stated);
    } else if (decision == circuit_recovery::failed) {
      this->open(now,
                 {s.slow && bad && how == circuit_settlement::success ? circuit_cause::probe_slow : circuit_cause::probe_failed,
                  failed, successes + failed},
                 q);
      if (q.asked()) return s;
    } else if (decision == circuit_recovery::recovered) {
      const circuit_why why{circuit_cause::probes_succeeded, failed, successes + failed};
      if (this->options_.ramp.percent[0] != 0)
        this->enter_ramping(w, 0, now, why);
      else
        this->enter_closed(w, now, why);
    } else {
      this->store(w.with_probes(w.out() - 1, successes, failed));
    }
    this->count(how);
    return s;
  }

  [[nodiscard]] circuit_settled settle_ruled(circuit_word w, const circuit_ticket& t, circuit_settlement how, duration stated,
                                             instant now, circuit_question& q) noexcept {
    const circuit_settled s = measured(t, how, now);
    if (!q.recorded) {
      q.recorded = true;
      this->count(how);
      if (t.tracking != 0) this->ledger_.in_flight().end(t.tracking, t.started);
      if (how != circuit_settlement::success && how != circuit_settlement::failure) return s;
      this->ledger_.record({how == circuit_settlement::failure, s.slow}, now);
      this->ramp_.record();
    }
    if (stated != duration::zero())
      open_as_stated(now, stated);
    else
      judge(w, now, q);
    return s;
  }

  /// Opens if a rule is met; metrics only: says so, once until none is met.
  void judge(circuit_word w, instant now, circuit_question& q) noexcept {
    const circuit_rule_status met = detail::first_met(this->options_, this->ledger_.facts(now));
    const circuit_why why{met.rule, static_cast<std::uint32_t>(met.count), static_cast<std::uint32_t>(met.calls)};
    const bool is_met = met.needed != 0;
    if (this->mode_ == circuit_mode::metrics_only) {
      if (is_met && !this->would_open_) would_open(now, why);
      this->would_open_ = is_met;
    } else if (is_met) {
      this->open(now, why, q);
    } else if (w.phase() == circuit_phase::ramping && !this->ramp_.advance(this->options_.ramp, now)) {
      this->enter_closed(w, now, {circuit_cause::ramp_finished, 0, 0});
    }
  }

  void would_open(instant now, circuit_why why) noexcept {
    this->push({.what = circuit_change::kind::would_open,
                .transition = {.cause = why.cause, .at = now, .failed = why.failed, .calls = why.calls}});
  }

  void open_as_stated(instant now, duration stated) noexcept {
    const circuit_why why{circuit_cause::stated, 1, 1};
    if (this->mode_ == circuit_mode::metrics_only) return would_open(now, why);
    const duration time = stated < this->options_.max_stated_open ? stated : this->options_.max_stated_open;
    while (!this->enter_open(this->load(), now, time, why)) {}
  }

  /// One more failure in a row, which may be the last one allowed.
  [[nodiscard]] circuit_settled fail_last(std::uint32_t generation, bool windowed, instant now, circuit_question& q) noexcept {
    circuit_word w = this->load();
    if (w.generation() != generation)
      return q.recorded ? circuit_settled{circuit_settlement::failure} : count_unless(windowed, circuit_settlement::late);
    if (w.phase() != circuit_phase::closed) {  // since a moment ago, by `reconfigure`
      if (!q.recorded) {
        q.recorded = true;
        this->ledger_.count_row(true);
        count_unless(windowed, circuit_settlement::failure);
      }
      judge(w, now, q);
      return {circuit_settlement::failure};
    }
    for (;;) {
      const std::uint32_t failures = w.failures() + 1;
      if (failures < this->options_.failures || this->options_.failures == 0) {  // a success came in between
        if (this->exchange(w, w.with_failures(failures))) break;
      } else {
        if (this->try_open(w, now, {circuit_cause::consecutive_failures, failures, failures}, q)) break;
        if (q.asked()) return {};
        w = this->load();
      }
    }
    return count_unless(windowed, circuit_settlement::failure);
  }

  // Lock-free again: verdicts on calls that were admitted while closed.

  /// Nothing if the rules are being changed: then it is to be settled again.
  template <class Now>
  [[nodiscard]] std::optional<circuit_settled> settle_lock_free(std::uint32_t generation, circuit_settlement how,
                                                                const Now& now) noexcept {
    const bool failed = how == circuit_settlement::failure;
    const circuit_rule_word rules = this->window_.rules();
    const bool windowed = rules.calls() != 0;
    if (windowed) {
      const auto step = record_in_window(rules, generation, failed);
      if (step.tripped()) trip(generation, this->window_.sum(step.counted() ? step.after : step.before), now());
      if (!step.counted()) {
        if (step.tripped() || this->load().generation() != generation) return counted(circuit_settlement::late);
        this->locked([](circuit_question&) { return true; });  // wait until the change is done
        return std::nullopt;
      }
    }
    return settle_row(generation, how, rules.failures(), windowed, now);
  }

  /// Ends or lengthens the row of failures.
  template <class Now>
  [[nodiscard]] circuit_settled settle_row(std::uint32_t generation, circuit_settlement how, std::uint32_t allowed, bool windowed,
                                           const Now& now) noexcept {
    const bool failed = how == circuit_settlement::failure;
    for (circuit_word w = this->load();;) {
      if (w.generation() != generation) return count_unless(windowed, circuit_settlement::late);
      const bool ruled = w.phase() != circuit_phase::closed;  // since a moment ago, by `reconfigure`
      if (ruled && !failed) {
        this->locked([&](circuit_question&) {
          if (this->load().generation() == generation) this->ledger_.count_row(false);
          return true;
        });
        break;
      }
      if (ruled || (failed && allowed != 0 && w.failures() + 1 >= allowed)) {
        const instant when = now();
        return this->locked([&](circuit_question& q) { return fail_last(generation, windowed, when, q); });
      }
      const std::uint32_t failures = failed && allowed != 0 ? w.failures() + 1 : 0;
      if (w.failures() == failures || this->exchange(w, w.with_failures(failures))) break;
    }
    return count_unless(windowed, how);
  }

  /// Puts the outcome into the lock-free window, which counts it.
  auto record_in_window(circuit_rule_word rules, std::uint32_t generation, bool failed) noexcept {
    const auto step = this->window_.record(this->tally_, rules, generation, failed);
    if (step.retires()) this->retire(this->window_.unretired(step.before));
    return step;
  }

  circuit_settled count_unless(bool windowed, circuit_settlement how) noexcept {
    if (!windowed) this->count(how);
    return {how};
  }

  [[gnu::noinline]] void trip(std::uint32_t generation, outcome_sum window, instant now) noexcept {
    this->locked([&](circuit_question& q) {
      if (this->load().generation() == generation) this->open(now, {circuit_cause::failure_rate, window.failed, window.calls}, q);
      return true;
    });
  }
};

}  // namespace gabion::inline v0::detail
