// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/detail/circuit_base.hpp>
#include <gabion/resilience/detail/circuit_verdicts.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What a circuit breaker does with calls, without clock and without listener: `(now, event) ->
/// state`.
///
/// Closed with rules that need no time: admission is one load, a verdict is lock-free. Closed
/// otherwise: admission is one load, a verdict is O(1) under the lock. A rejection while open is
/// lock-free. Probes and ramp are under the lock. `Now` arguments are callables; they are called
/// only if the time matters, and copied into functions that are not inlined.
template <env Env, class Log>
class circuit_core : public circuit_verdicts<Env, Log> {
  using base = circuit_base<Env, Log>;
  using verdicts = circuit_verdicts<Env, Log>;

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
    if (w.phase() == circuit_phase::open)
      if (const circuit_rejection why = refusal_while_open(w, now);
          why.retry_after > duration::zero())
        return {false, {}, why};
    return refuse_or_ask(w, now);
  }

  template <class Now>
  [[gnu::always_inline]] circuit_settled settle(circuit_ticket t, circuit_settlement how,
                                                duration stated, const Now& now) noexcept {
    // The frequent case: a verdict while closed that meets no rule.
    if (how <= circuit_settlement::failure && stated == duration::zero()) [[likely]] {
      const circuit_word w = this->load();
      static_assert(circuit_word{circuit_phase::closed, 7}.bits() ==
                    circuit_ticket{7, 0, instant{}}.marks());
      if (w.bits() == t.marks()) [[likely]] {
        const circuit_rule_word rules = this->window_.rules();
        const bool failed = how == circuit_settlement::failure;
        if (rules.calls() == 0) {
          if (!failed) return this->counted(circuit_settlement::success);
        } else if ((!failed && this->window_.record_quietly(this->tally_, rules, t.generation())) ||
                   this->settle_in_window(rules, t.generation(), failed, now)) {
          return {how};
        }
      } else if (w.phase() != circuit_phase::closed && is_closed(w.phase())) {
        return settle_closed(t, how, now());
      }
    }
    return decide(t, how, stated, now);
  }

 protected:
  circuit_core(const circuit_breaker_options& o, Log& log) : verdicts{o, log} {}

 private:
  [[nodiscard]] static entry granted(circuit_word w, instant started = (instant::min)(),
                                     std::uint32_t tracking = 0) noexcept {
    return {true, circuit_ticket{w.generation(), tracking, started}, {}};
  }
  [[nodiscard]] entry refuse(circuit_refusal why, duration retry_after = {}) noexcept {
    this->count(circuit_settlement::rejected);
    return {false, {}, {why, retry_after}};
  }

  // Kept out of line, so that what is inlined into callers is a few instructions without a stack
  // frame.

  /// The rejection, in registers, if the open time is not over; otherwise no time is left in it.
  template <class Now>
  [[nodiscard, gnu::noinline]] circuit_rejection refusal_while_open(circuit_word w,
                                                                    Now now) noexcept {
    // The deadline was written before this word, and within it only ever moves away.
    const instant when = now();
    const instant until = base::at(this->open_until_);
    if (when >= until || this->load() != w) return {};
    this->count(circuit_settlement::rejected);
    return {circuit_refusal::open, deadline::at(until).remaining(when)};
  }

  template <class Now>
  [[nodiscard, gnu::noinline]] entry refuse_or_ask(circuit_word w, Now now) noexcept {
    if (w.phase() == circuit_phase::disabled) return granted(w);
    if (w.phase() == circuit_phase::isolated) return refuse(circuit_refusal::isolated);
    const instant when = now();
    if (w.phase() == circuit_phase::half_open &&
        w.out() >= this->permits_.load(std::memory_order_relaxed) &&
        when < base::at(this->probes_until_))
      return refuse(circuit_refusal::half_open_full);
    return this->locked([&](circuit_question& q) { return ask(when, q); });
  }

  /// Records a verdict while closed, for rules under the lock.
  [[gnu::noinline]] circuit_settled settle_closed(circuit_ticket t, circuit_settlement how,
                                                  instant when) noexcept {
    const auto step = this->record_closed(t, how, when);
    if (step.done) [[likely]]
      return step.settled;
    if (step.recorded)
      if (const auto done = this->settle_locked(t, how, duration::zero(), when, true)) return *done;
    return decide(t, how, duration::zero(), [when] { return when; });
  }

  template <class Now>
  [[gnu::noinline]] circuit_settled decide(circuit_ticket t, circuit_settlement how,
                                           duration stated, Now now) noexcept {
    const bool judged =
        (how == circuit_settlement::success || how == circuit_settlement::failure) &&
        stated == duration::zero();
    for (;;) {
      const circuit_word w = this->load();
      if (w.generation() != t.generation()) return this->counted(circuit_settlement::late);
      if (judged && w.phase() == circuit_phase::closed) {
        if (const auto done = this->settle_lock_free(t.generation(), how, now)) return {*done};
        this->wait_for_change();
      } else if (w.phase() == circuit_phase::disabled) {
        return {circuit_settlement::unrecorded};
      } else if (stated == duration::zero() && !judged && is_only_counted(t, w.phase())) {
        return this->counted(how);
      } else if (const auto done = this->settle_locked(t, how, stated, now(), false)) {
        return *done;
      }
    }
  }

  /// A call that says nothing changes nothing but a count: it is no probe, and no call in flight
  /// that is kept count of. Calls that were tracked when they began are not any more once the rules
  /// without a lock are in force.
  [[nodiscard]] static bool is_only_counted(circuit_ticket t, circuit_phase phase) noexcept {
    return phase == circuit_phase::closed ||
           (t.tracking() == 0 && phase != circuit_phase::half_open);
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
          this->enter_half_open(w, w.next(circuit_phase::half_open), now,
                                circuit_cause::open_time_over, q);
          break;
      }
      if (q.asked()) return {};
    }
  }

  /// Looks at what has become overdue since, and at the time of a ramp's step. False if that
  /// changed the state or has a question.
  [[nodiscard]] bool overdue_judged(circuit_word w, instant now, circuit_question& q) noexcept {
    this->ledger_.in_flight().advance(now);
    if (this->ledger_.in_flight().overdue() == 0 && w.phase() != circuit_phase::ramping)
      return true;
    this->judge(w, now, q);
    return this->load() == w && !q.asked();
  }

  [[nodiscard]] entry ask_share(circuit_word w, instant now) noexcept {
    if (w.phase() == circuit_phase::ramping && !this->ramp_.admits(this->options_.ramp))
      return refuse(circuit_refusal::ramping);
    circuit_overdue& in_flight = this->ledger_.in_flight();
    if (!in_flight.enabled()) return granted(w, now);
    const instant started = in_flight.begin(now);
    return granted(w, started, in_flight.epoch());
  }

  [[nodiscard]] entry ask_probe(circuit_word w, instant now) noexcept {
    if (w.out() >= this->options_.half_open_permits) return refuse(circuit_refusal::half_open_full);
    if (w.out() == 0) {
      const instant lost = gabion::saturating_add(now, detail::circuit_probe_time(this->options_));
      base::arm(this->probes_until_, lost);
      base::arm(this->reopen_until_, gabion::saturating_add(lost, this->lost_open_for_));
    }
    this->store(w.with_probes(w.out() + 1, w.successes(), w.failed()));
    return granted(w, now);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
