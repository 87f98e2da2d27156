// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/detail/circuit_base.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What became of a call, for whoever listens.
struct circuit_settled {
  circuit_settlement how = circuit_settlement::success;
  bool measured = false;
  bool slow = false;
  duration took{};
};

/// What verdicts do to a circuit breaker: without a lock where only failures count, under it
/// everywhere else.
template <env Env, class Log>
class circuit_verdicts : public circuit_base<Env, Log> {
  using base = circuit_base<Env, Log>;

 protected:
  using base::base;

  circuit_settled counted(circuit_settlement how) noexcept {
    this->count(how);
    return {how};
  }

  /// The rules are being changed: until that is done.
  [[gnu::noinline]] void wait_for_change() noexcept {
    this->locked([](circuit_question&) { return true; });
  }

  [[gnu::noinline]] std::optional<circuit_settled> settle_locked(circuit_ticket t,
                                                                 circuit_settlement how,
                                                                 duration stated, instant now,
                                                                 bool recorded) noexcept {
    return this->locked([&](circuit_question& q) {
      q.recorded = q.recorded || recorded;
      return settle_step(t, how, stated, now, q);
    });
  }

  /// A verdict while closed with rules under the lock: what is frequent of `settle_step`.
  /// `recorded`: the verdict was counted. It needs nothing more unless a rule is met or the state
  /// has changed.
  struct ruled_step {
    circuit_settled settled{};
    bool recorded = false;
    bool done = false;
  };
  [[nodiscard, gnu::always_inline]] ruled_step record_closed(circuit_ticket t,
                                                             circuit_settlement how,
                                                             instant now) noexcept {
    const std::lock_guard guard{this->lock_};
    const circuit_word w = this->load();
    if (w.generation() != t.generation() || !is_closed(w.phase()) ||
        w.phase() == circuit_phase::closed) [[unlikely]]
      return {};
    const circuit_settled s = measured(t, how, now);
    record_ruled(t, how, s.slow, now);
    if (!this->ledger_.is_clean(now) &&
        detail::first_met(this->options_, this->ledger_.facts(now)).needed != 0)
      return {s, true, false};
    this->would_open_ = false;
    return {s, true, true};
  }

  // From here on to `settle_lock_free`: under the lock.

  /// Nothing if the call is to be settled without the lock after all.
  [[nodiscard]] std::optional<circuit_settled> settle_step(circuit_ticket t, circuit_settlement how,
                                                           duration stated, instant now,
                                                           circuit_question& q) noexcept {
    this->expire_probes(now);
    const circuit_word w = this->load();
    if (w.generation() != t.generation()) {
      if (!q.recorded) return counted(circuit_settlement::late);
      return measured(t, how, now);
    }
    if (w.phase() == circuit_phase::half_open) return settle_probe(w, t, how, stated, now, q);
    if (is_ruled(w.phase())) return settle_ruled(w, t, how, stated, now, q);
    if (stated == duration::zero())
      return q.recorded ? std::optional{measured(t, how, now)} : std::nullopt;
    if (!q.recorded) {
      q.recorded = true;
      // A window that has met its rule takes no more, but its opening may still wait for
      // `open_time`.
      const circuit_rule_word rules = this->window_.rules();
      count_unless(rules.calls() != 0 && record_in_window(rules, t.generation(), true).counted(),
                   circuit_settlement::failure);
    }
    open_as_stated(now, stated);
    return measured(t, how, now);
  }

  [[nodiscard]] circuit_settled measured(circuit_ticket t, circuit_settlement how,
                                         instant now) const noexcept {
    if (this->options_.slow_after == duration::zero() || t.started() == (instant::min)())
      return {how};
    const duration took = gabion::elapsed(t.started(), now);
    return {how, true, took > this->options_.slow_after, took};
  }

  [[nodiscard]] circuit_settled settle_probe(circuit_word w, circuit_ticket t,
                                             circuit_settlement how, duration stated, instant now,
                                             circuit_question& q) noexcept {
    const circuit_settled s = measured(t, how, now);
    const bool good = how == circuit_settlement::success && !s.slow;
    const bool bad =
        how == circuit_settlement::failure || (how == circuit_settlement::success && s.slow);
    const std::uint32_t successes = w.successes() + (good ? 1 : 0);
    const std::uint32_t failed = w.failed() + (bad ? 1 : 0);
    const auto decision = good || bad ? detail::judge_probes(this->options_, successes, failed)
                                      : circuit_recovery::undecided;
    if (stated != duration::zero()) {
      open_as_stated(now, stated);
    } else if (decision == circuit_recovery::failed) {
      this->open(now,
                 {s.slow && bad && how == circuit_settlement::success ? circuit_cause::probe_slow
                                                                      : circuit_cause::probe_failed,
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

  [[nodiscard]] circuit_settled settle_ruled(circuit_word w, circuit_ticket t,
                                             circuit_settlement how, duration stated, instant now,
                                             circuit_question& q) noexcept {
    const circuit_settled s = measured(t, how, now);
    if (!q.recorded) {
      q.recorded = true;
      record_ruled(t, how, s.slow, now);
      if (how != circuit_settlement::success && how != circuit_settlement::failure) return s;
      this->ramp_.record();
    }
    if (stated != duration::zero())
      open_as_stated(now, stated);
    else
      judge(w, now, q);
    return s;
  }

  void record_ruled(circuit_ticket t, circuit_settlement how, bool slow, instant now) noexcept {
    if (t.tracking() != 0) this->ledger_.in_flight().end(t.tracking(), t.started());
    if (how != circuit_settlement::success && how != circuit_settlement::failure)
      return this->count(how);
    const bool failed = how == circuit_settlement::failure;
    ++(failed ? this->ruled_failure_ : this->ruled_success_);
    this->ledger_.record({failed, slow}, now);
  }

  /// Opens if a rule is met; metrics only: says so, once until none is met.
  void judge(circuit_word w, instant now, circuit_question& q) noexcept {
    const circuit_rule_status met = detail::first_met(this->options_, this->ledger_.facts(now));
    const circuit_why why{met.rule, static_cast<std::uint32_t>(met.count),
                          static_cast<std::uint32_t>(met.calls)};
    const bool is_met = met.needed != 0;
    if (this->mode_ == circuit_mode::metrics_only) {
      if (is_met && !this->would_open_) would_open(now, why);
      this->would_open_ = is_met;
    } else if (is_met) {
      this->open(now, why, q);
    } else if (w.phase() == circuit_phase::ramping &&
               !this->ramp_.advance(this->options_.ramp, now)) {
      this->enter_closed(w, now, {circuit_cause::ramp_finished, 0, 0});
    }
  }

  void would_open(instant now, circuit_why why) noexcept {
    this->push(
        {.what = circuit_change::kind::would_open,
         .transition = {.cause = why.cause, .at = now, .failed = why.failed, .calls = why.calls}});
  }

  void open_as_stated(instant now, duration stated) noexcept {
    const circuit_why why{circuit_cause::stated, 1, 1};
    if (this->mode_ == circuit_mode::metrics_only) return would_open(now, why);
    const duration time =
        stated < this->options_.max_stated_open ? stated : this->options_.max_stated_open;
    while (!this->enter_open(this->load(), now, time, why)) {}
  }

  /// One more failure in a row, which may be the last one allowed.
  [[nodiscard]] circuit_settlement fail_last(std::uint32_t generation, bool windowed, instant now,
                                             circuit_question& q) noexcept {
    circuit_word w = this->load();
    if (w.generation() != generation)
      return q.recorded ? circuit_settlement::failure
                        : perhaps_late(windowed, circuit_settlement::failure);
    if (w.phase() != circuit_phase::closed) {  // since a moment ago, by `reconfigure`
      if (!q.recorded) {
        q.recorded = true;
        this->ledger_.count_row(true);
        count_unless(windowed, circuit_settlement::failure);
      }
      judge(w, now, q);
      return circuit_settlement::failure;
    }
    for (;;) {
      const std::uint32_t failures = w.failures() + 1;
      // a success came in between
      if (failures < this->options_.failures || this->options_.failures == 0) {
        if (this->exchange(w, w.with_failures(failures))) break;
      } else {
        if (this->try_open(w, now, {circuit_cause::consecutive_failures, failures, failures}, q))
          break;
        if (q.asked()) return circuit_settlement::failure;
        w = this->load();
      }
    }
    return count_unless(windowed, circuit_settlement::failure);
  }

  // Lock-free again: verdicts on calls that were admitted while closed.

  /// Records a verdict in the lock-free window while there are no consecutive failures: the
  /// frequent case of `settle_lock_free`. Returns false if nothing was counted.
  template <class Now>
  [[nodiscard, gnu::noinline]] bool settle_in_window(circuit_rule_word rules,
                                                     std::uint32_t generation, bool failed,
                                                     Now now) noexcept {
    if (failed) {
      if (rules.failures() != 0) return false;
    } else if (this->window_.record_quiet_block(this->tally_, rules, generation)) {
      this->counters_.add(circuit_settlement::success, this->window_.block_size);
      return true;
    }
    const auto step = record_in_window(rules, generation, failed);
    if (!step.counted()) return false;
    if (step.tripped()) [[unlikely]]
      trip(generation, failed, this->window_.sum(step.after), now());
    return true;
  }

  /// Nothing if the rules are being changed: then it is to be settled again.
  template <class Now>
  [[nodiscard]] std::optional<circuit_settlement> settle_lock_free(std::uint32_t generation,
                                                                   circuit_settlement how,
                                                                   const Now& now) noexcept {
    const bool failed = how == circuit_settlement::failure;
    const circuit_rule_word rules = this->window_.rules();
    const bool windowed = rules.calls() != 0;
    if (windowed) {
      const auto step = record_in_window(rules, generation, failed);
      if (step.tripped())
        trip(generation, failed && step.counted(),
             this->window_.sum(step.counted() ? step.after : step.before), now());
      if (!step.counted()) {
        if (!step.tripped() && this->load().generation() == generation) return std::nullopt;
        this->count(circuit_settlement::late);
        return circuit_settlement::late;
      }
    }
    return settle_row(generation, how, rules.failures(), windowed, now);
  }

  /// Ends or lengthens the row of failures.
  template <class Now>
  [[nodiscard]] circuit_settlement settle_row(std::uint32_t generation, circuit_settlement how,
                                              std::uint32_t allowed, bool windowed,
                                              const Now& now) noexcept {
    const bool failed = how == circuit_settlement::failure;
    for (circuit_word w = this->load();;) {
      if (w.generation() != generation) return perhaps_late(windowed, how);
      if (w.phase() != circuit_phase::closed && !failed) {  // since a moment ago, by `reconfigure`
        end_ruled_row(generation);
        break;
      }
      if (w.phase() != circuit_phase::closed ||
          (failed && allowed != 0 && w.failures() + 1 >= allowed))
        return fail_perhaps_last(generation, windowed, now());
      const std::uint32_t failures = failed && allowed != 0 ? w.failures() + 1 : 0;
      if (w.failures() == failures || this->exchange(w, w.with_failures(failures))) break;
    }
    return count_unless(windowed, how);
  }

  [[gnu::noinline]] void end_ruled_row(std::uint32_t generation) noexcept {
    this->locked([&](circuit_question&) {
      if (this->load().generation() == generation) this->ledger_.count_row(false);
      return true;
    });
  }
  [[gnu::noinline]] circuit_settlement fail_perhaps_last(std::uint32_t generation, bool windowed,
                                                         instant now) noexcept {
    return this->locked(
        [&](circuit_question& q) { return fail_last(generation, windowed, now, q); });
  }

  /// Puts the outcome into the lock-free window, which counts it.
  [[gnu::always_inline]] auto record_in_window(circuit_rule_word rules, std::uint32_t generation,
                                               bool failed) noexcept {
    const auto step = this->window_.record(this->tally_, rules, generation, failed);
    if (step.retires()) [[unlikely]]
      this->retire(this->window_.unretired(step.before));
    return step;
  }

  /// The state has ended since. What is in the window already was in time: it may be what has ended
  /// it.
  circuit_settlement perhaps_late(bool windowed, circuit_settlement how) noexcept {
    return windowed ? how : count_unless(false, circuit_settlement::late);
  }

  circuit_settlement count_unless(bool windowed, circuit_settlement how) noexcept {
    if (!windowed) this->count(how);
    return how;
  }

  /// By the window, if this failure does not end the row as well: that rule comes first.
  [[gnu::noinline]] void trip(std::uint32_t generation, bool failed, outcome_sum window,
                              instant now) noexcept {
    this->locked([&](circuit_question& q) {
      const circuit_word w = this->load();
      if (w.generation() != generation) return true;
      const std::uint32_t row = failed && w.phase() == circuit_phase::closed ? w.failures() + 1 : 0;
      if (this->options_.failures != 0 && row >= this->options_.failures)
        this->open(now, {circuit_cause::consecutive_failures, row, row}, q);
      else
        this->open(now, {circuit_cause::failure_rate, window.failed, window.calls}, q);
      return true;
    });
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
