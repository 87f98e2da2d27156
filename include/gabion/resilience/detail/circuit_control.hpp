// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_record.hpp>
#include <gabion/resilience/circuit_snapshot.hpp>
#include <gabion/resilience/detail/circuit_core.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What people and other parts of a program do to a breaker, and how they look at it. All of it is
/// rare and under the lock; calls that need no lock go on meanwhile.
template <env Env, class Log>
class circuit_control : public circuit_core<Env, Log> {
  using base = circuit_base<Env, Log>;

 public:
  circuit_control(const circuit_breaker_options& o, Log& log) : circuit_core<Env, Log>{o, log} {}

  void reset(circuit_cause cause, instant now) noexcept {
    this->locked([&](circuit_question&) {
      this->push({.what = circuit_change::kind::reset, .transition = {.cause = cause, .at = now}});
      this->opening_.set_attempt(0);
      const circuit_word w = this->load();
      if (is_closed(w.phase())) return forget(w);
      if (w.phase() != circuit_phase::isolated && w.phase() != circuit_phase::disabled)
        this->enter_closed(w, now, {cause, 0, 0});
      return true;
    });
  }

  /// False if the mode does not allow it.
  bool trip(duration open_for, circuit_cause cause, instant now) noexcept {
    return this->locked([&](circuit_question&) {
      if (this->mode_ != circuit_mode::normal) return false;
      this->expire_probes(now);
      const duration time = detail::max_of(open_for, duration::zero());
      if (this->load().phase() == circuit_phase::open) {
        const instant until = gabion::saturating_add(now, time);
        if (until > base::at(this->open_until_)) base::arm(this->open_until_, until);
        return true;
      }
      while (!this->enter_open(this->load(), now, time, {cause, 0, 0})) {}
      return true;
    });
  }

  /// May throw bad_alloc; then nothing has changed.
  void set_mode(circuit_mode mode, instant now) {
    this->locked([&](circuit_question&) {
      if (mode == this->mode_) return true;
      if (mode == circuit_mode::metrics_only) make_room(mode);
      change_mode(mode, now);
      this->opening_.set_attempt(0);
      this->opening_.closed(now);
      begin_at(this->load(), phase_of(mode), now, {circuit_cause::mode_changed, 0, 0});
      return true;
    });
  }

  [[nodiscard]] circuit_mode mode() const noexcept {
    const std::lock_guard guard{this->lock_};
    return this->mode_;
  }
  [[nodiscard]] circuit_breaker_options options() const noexcept {
    const std::lock_guard guard{this->lock_};
    return this->options_;
  }

  /// The options are valid and their name is the breaker's. May throw bad_alloc; then nothing has
  /// changed.
  void reconfigure(const circuit_breaker_options& o, instant now) {
    this->locked([&](circuit_question&) {
      const std::uint32_t ring = this->window_.prepare(o.window.calls);
      circuit_ledger next = this->ledger_;
      const circuit_word w = this->load();
      next.configure(o, base::needs_room(o, this->mode_) || w.phase() == circuit_phase::ramping,
                     this->looked_at(w, now));
      exchange_rules(o, ring, std::move(next));
      this->opening_.reseed(this->options_.open_growth, o.open_growth);
      this->options_ = o;
      this->permits_.store(o.half_open_permits, std::memory_order_relaxed);
      this->push({.what = circuit_change::kind::reconfigured, .transition = {.at = now}});
      return true;
    });
  }

  [[nodiscard]] circuit_record save(instant now) const noexcept {
    const std::lock_guard guard{this->lock_};
    const auto v = this->effective(now);
    circuit_record r{.mode = this->mode_, .attempt = attempt_of(v)};
    if (this->mode_ != circuit_mode::normal) return r;
    r.state = v.state;
    if (v.state == circuit_state::open) r.open_left = deadline::at(v.until).remaining(now);
    if (v.state == circuit_state::closed)
      r.consecutive_failures = detail::min_of(row_of(v.word), circuit_max_failures);
    if (v.state == circuit_state::half_open && !v.is_due) {
      r.probes_succeeded = v.word.successes();
      r.probes_failed = v.word.failed();
    }
    if (v.state == circuit_state::ramping) r.ramp_step = this->ramp_.step();
    return r;
  }

  /// The record is valid. May throw bad_alloc; then nothing has changed.
  void restore(const circuit_record& r, instant now) {
    this->locked([&](circuit_question& q) {
      if (r.mode == circuit_mode::metrics_only && this->mode_ != r.mode) make_room(r.mode);
      const circuit_word from = this->load();
      const circuit_phase phase =
          r.mode == circuit_mode::normal ? restored_phase(r) : phase_of(r.mode);
      if (phase == circuit_phase::half_open) {
        const circuit_word probes =
            from.next(phase).with_probes(0, r.probes_succeeded, r.probes_failed);
        this->opening_.set_attempt(r.attempt);
        change_mode(r.mode, now);
        this->enter_half_open(from, probes, now, circuit_cause::restored, q);
        if (!q.asked()) this->empty(probes);
        return true;
      }
      change_mode(r.mode, now);
      this->opening_.set_attempt(r.attempt);
      this->opening_.closed(now);
      this->frozen_at_ = now;
      if (phase == circuit_phase::open)
        base::arm(this->open_until_, gabion::saturating_add(now, r.open_left));
      if (phase == circuit_phase::ramping)
        this->ramp_.begin(detail::min_of(r.ramp_step, last_ramp_step()), now);
      begin_at(from, phase, now, {circuit_cause::restored, 0, 0},
               phase == circuit_phase::closed ? r.consecutive_failures : 0);
      if (is_closed(phase)) this->ledger_.set_row(r.consecutive_failures);
      return true;
    });
  }

  void describe(circuit_snapshot& s, instant now) const noexcept {
    const std::lock_guard guard{this->lock_};
    // Before the tally: what moves from there in between is missed, never counted twice.
    circuit_counts counts = this->counters_.read();
    const std::uint64_t tally = this->tally_.load(std::memory_order_acquire);
    const outcome_sum unretired = this->window_.unretired(tally);
    const auto v = this->effective(now);
    const circuit_word w = v.word;
    const circuit_facts f = facts(w, tally, now);
    s.state = v.state;
    s.mode = this->mode_;
    s.generation = w.generation();
    s.retry_after = retry_after(v, now);
    s.attempt = attempt_of(v);
    s.consecutive_failures = static_cast<std::uint32_t>(f.row);
    if (this->options_.window.calls != 0)
      s.window = detail::view_of(this->options_.window, f.calls, f.overdue);
    if (this->options_.time_window.span != duration::zero())
      s.time_window = detail::view_of(this->options_.time_window, f.timed, f.overdue);
    s.window_calls = static_cast<std::uint32_t>(s.window.calls);
    s.window_failed = static_cast<std::uint32_t>(s.window.failed);
    describe_recovery(s, w);
    if (w.phase() == circuit_phase::tracked || w.phase() == circuit_phase::ramping)
      s.in_flight = this->ledger_.in_flight().in_flight();
    counts.success += this->ruled_success_;
    counts.failure += this->ruled_failure_;
    s.counts = counts;
    s.counts.success = detail::max_of(this->reported_success_,
                                      counts.success + unretired.calls - unretired.failed);
    s.counts.failure = detail::max_of(this->reported_failure_, counts.failure + unretired.failed);
    this->reported_success_ = s.counts.success;
    this->reported_failure_ = s.counts.failure;
  }

  void explain(circuit_explanation& e, instant now) const noexcept {
    const std::lock_guard guard{this->lock_};
    const auto v = this->effective(now);
    const circuit_facts f = facts(v.word, this->tally_.load(std::memory_order_acquire), now);
    circuit_snapshot s;
    describe_recovery(s, v.word);
    e.state = v.state;
    e.mode = this->mode_;
    e.generation = v.word.generation();
    const circuit_why why = has_lost_probes(v) ? base::lost_probes(v.word) : this->why_;
    e.cause = why.cause;
    e.failed = why.failed;
    e.calls = why.calls;
    e.retry_after = retry_after(v, now);
    e.attempt = attempt_of(v);
    e.probes_out = s.probes_out;
    e.probes_succeeded = s.probes_succeeded;
    e.probes_failed = s.probes_failed;
    e.probes_needed = this->options_.half_open_failure_percent != 0
                          ? this->options_.half_open_calls
                          : this->options_.successes_to_close;
    e.ramp_percent = s.ramp_percent;
    detail::each_rule(this->options_, f,
                      [&](const circuit_rule_status& r) { e.rules[e.rule_count++] = r; });
  }

 private:
  // All under the lock.

  [[nodiscard]] circuit_phase phase_of(circuit_mode mode) const noexcept {
    if (mode == circuit_mode::isolated) return circuit_phase::isolated;
    if (mode == circuit_mode::disabled) return circuit_phase::disabled;
    return base::closed_phase(this->options_, mode);
  }
  [[nodiscard]] circuit_phase restored_phase(const circuit_record& r) const noexcept {
    if (r.state == circuit_state::open) return circuit_phase::open;
    if (r.state == circuit_state::half_open) return circuit_phase::half_open;
    if (r.state == circuit_state::ramping && this->options_.ramp.percent[0] != 0)
      return circuit_phase::ramping;
    return base::closed_phase(this->options_, r.mode);
  }

  [[nodiscard]] std::uint32_t last_ramp_step() const noexcept {
    std::uint32_t step = 0;
    while (step + 1 < this->options_.ramp.percent.size() &&
           this->options_.ramp.percent[step + 1] != 0)
      ++step;
    return step;
  }

  /// Metrics only counts in the ledger, whatever the rules.
  void make_room(circuit_mode mode) {
    circuit_ledger next = this->ledger_;
    next.configure(this->options_, base::needs_room(this->options_, mode), this->frozen_at_);
    this->ledger_ = std::move(next);
  }

  /// The last calls and the row move to where they are counted by the new options, while calls go
  /// on.
  void exchange_rules(const circuit_breaker_options& o, std::uint32_t ring,
                      circuit_ledger&& next) noexcept {
    const circuit_word w = this->load();
    const circuit_phase closed = base::closed_phase(o, this->mode_);
    const bool to_ledger = w.phase() == circuit_phase::ramping || closed != circuit_phase::closed;
    circuit_history history;
    const outcome_sum retired = this->window_.freeze(this->tally_, w.generation(), history);
    if (this->ledger_is_current_) {
      history.clear();
      this->ledger_.copy_to(history);
    }
    this->ledger_ = std::move(next);
    if (to_ledger) this->ledger_.refill(o.window.calls, history);
    if (is_closed(w.phase())) move_row(w, closed);
    const outcome_sum taken_back =
        this->window_.rebuild(this->tally_, w.generation(), o.window, o.failures, ring,
                              to_ledger ? no_circuit_history : history);
    this->retire(retired, taken_back);
    this->ledger_is_current_ = to_ledger;
  }

  void change_mode(circuit_mode mode, instant now) noexcept {
    if (mode == this->mode_) return;
    this->push({.what = circuit_change::kind::mode_changed,
                .transition = {.at = now},
                .from = this->mode_,
                .to = mode});
    this->mode_ = mode;
  }

  void begin_at(circuit_word from, circuit_phase phase, instant now, circuit_why why,
                std::uint32_t row = 0) noexcept {
    this->begin(from.next(phase).with_failures(row));
    this->note(from, phase, now, why,
               phase == circuit_phase::open
                   ? deadline::at(base::at(this->open_until_)).remaining(now)
                   : duration{});
  }

  /// Closed with empty counts, in the same generation: permits stay good.
  bool forget(circuit_word w) noexcept {
    circuit_history forgotten;
    const outcome_sum retired = this->window_.freeze(this->tally_, w.generation(), forgotten);
    const std::uint32_t ring = this->window_.rules().ring();
    static_cast<void>(this->window_.rebuild(this->tally_, w.generation(), this->options_.window,
                                            this->options_.failures, ring, no_circuit_history));
    this->retire(retired);
    this->ledger_.forget();
    this->would_open_ = false;
    this->store(w.with_failures(0));
    return true;
  }

  [[nodiscard]] std::uint32_t row_of(circuit_word w) const noexcept {
    if (w.phase() == circuit_phase::closed) return w.failures();
    return is_ruled(w.phase()) ? this->ledger_.row() : 0;
  }

  /// The row of failures goes where calls look for it from now on.
  void move_row(circuit_word w, circuit_phase phase) noexcept {
    if (phase == w.phase()) return;
    std::uint32_t row = row_of(w);
    if (w.phase() == circuit_phase::closed) {
      while (!this->exchange(w, circuit_word{phase, w.generation()})) row = w.failures();
      this->ledger_.set_row(row);
    } else {
      this->store(circuit_word{phase, w.generation()}.with_failures(
          phase == circuit_phase::closed ? row : 0));
    }
  }

  [[nodiscard]] circuit_facts facts(circuit_word w, std::uint64_t tally,
                                    instant now) const noexcept {
    circuit_facts f = this->ledger_.seen(this->looked_at(w, now));
    f.row = row_of(w);
    if (!this->ledger_is_current_) {
      const outcome_sum sum = this->window_.sum(tally);
      f.calls = {sum.calls, sum.failed, 0, sum.failed};
    }
    return f;
  }

  /// It is open again because probes were lost, though nobody has called since.
  [[nodiscard]] static bool has_lost_probes(const typename base::view& v) noexcept {
    return v.is_due && v.word.phase() == circuit_phase::half_open;
  }
  [[nodiscard]] std::uint32_t attempt_of(const typename base::view& v) const noexcept {
    return has_lost_probes(v) ? this->lost_attempt_ : this->opening_.attempt();
  }

  [[nodiscard]] duration retry_after(const typename base::view& v, instant now) const noexcept {
    if (v.state != circuit_state::open || v.word.phase() == circuit_phase::isolated)
      return duration::zero();
    return deadline::at(v.until).remaining(now);
  }

  void describe_recovery(circuit_snapshot& s, circuit_word w) const noexcept {
    if (w.phase() == circuit_phase::half_open) {
      s.probes_out = w.out();
      s.probes_succeeded = w.successes();
      s.probes_failed = w.failed();
    }
    if (w.phase() == circuit_phase::ramping)
      s.ramp_percent = this->ramp_.percent(this->options_.ramp);
  }

  // The highest counts ever told: what is on its way from the tally to the counters must not make
  // one go back.
  mutable std::uint64_t reported_success_ = 0;
  mutable std::uint64_t reported_failure_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
