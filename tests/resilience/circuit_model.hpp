// SPDX-License-Identifier: MIT
// The circuit breaker as its documentation describes it, too simple to be wrong: lists of outcomes
// and plain numbers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/saturating.hpp>

namespace circuit_model {

using gabion::circuit_breaker_options;
using gabion::circuit_cause;
using gabion::circuit_mode;
using gabion::circuit_record;
using gabion::circuit_refusal;
using gabion::circuit_state;
using gabion::duration;
using gabion::instant;
using gabion::verdict;

inline constexpr auto dropped = static_cast<verdict>(4);  ///< not settled at all

/// One event of any kind; what a kind does not have stays as it is here.
struct told {
  enum class kind : std::uint8_t {
    transition,
    reset,
    reconfigured,
    mode,
    would_open,
    recorded,
    rejected,
    late,
    abandoned
  };
  kind what;
  circuit_state from = circuit_state::closed, to = circuit_state::closed;
  circuit_mode mode_from = circuit_mode::normal, mode_to = circuit_mode::normal;
  circuit_cause cause = circuit_cause::reset;
  std::uint32_t generation = 0;
  instant at{};
  std::uint32_t failed = 0, calls = 0;
  duration time{};
  std::uint32_t attempt = 0;
  verdict how = verdict::success;
  bool measured = false, slow = false;
  circuit_refusal why = circuit_refusal::open;
  friend bool operator==(const told&, const told&) = default;
};

struct outcome {
  bool failed;
  bool slow;
  instant bucket{};  ///< when its bucket began
};

/// A call that was let through.
struct call {
  std::uint32_t generation;
  std::optional<instant> started;  ///< unless no time was measured
  std::uint64_t number;
};

struct reason {
  circuit_cause cause;
  std::uint32_t failed;
  std::uint32_t calls;
};

class model {
 public:
  explicit model(const circuit_breaker_options& options) : o{options} {}

  /// Nothing if it is let through.
  std::optional<gabion::circuit_rejection> acquire(instant now) {
    if (mode == circuit_mode::disabled) return granted(now);
    if (mode == circuit_mode::isolated) return rejected(circuit_refusal::isolated);
    pass_time(now);
    if (state == circuit_state::open && now >= open_until)
      enter(circuit_state::half_open, now, {circuit_cause::open_time_over, 0, 0});
    look_at_caller(now);
    switch (state) {
      case circuit_state::open: return rejected(circuit_refusal::open, open_left(now));
      case circuit_state::half_open:
        if (out >= o.half_open_permits) return rejected(circuit_refusal::half_open_full);
        if (out++ == 0)
          probes_until = gabion::saturating_add(
              now, o.half_open_for == duration::zero()
                       ? (std::max)(o.open_for, duration{std::chrono::minutes{5}})
                       : o.half_open_for);
        break;
      case circuit_state::ramping:  // the first of each hundred, and the others evenly
        if (callers++ % 100 * share() % 100 >= share()) return rejected(circuit_refusal::ramping);
        break;
      case circuit_state::closed: break;
    }
    return granted(now);
  }

  void settle(const call& c, verdict how, duration stated, instant now) {
    std::erase_if(flying, [&](const call& f) { return f.number == c.number; });
    if (c.generation == generation) pass_time(now);
    if (c.generation != generation) {
      ++counts.late;
      if (how != dropped) tell({.what = told::kind::late, .generation = c.generation, .how = how});
      return;
    }
    if (mode == circuit_mode::disabled) return;
    count(how);
    const bool judged = how == verdict::success || how == verdict::failure;
    const bool measured = judged && o.slow_after != duration::zero() && c.started.has_value();
    const duration took = measured ? gabion::elapsed(*c.started, now) : duration::zero();
    const bool slow = measured && took > o.slow_after;
    if (how == dropped)
      tell({.what = told::kind::abandoned, .generation = c.generation});
    else
      tell({.what = told::kind::recorded,
            .generation = c.generation,
            .time = took,
            .how = how,
            .measured = measured,
            .slow = slow});
    if (state == circuit_state::half_open) --out;
    if (!judged) return;
    const bool failed = how == verdict::failure;
    if (state == circuit_state::half_open)
      probe(failed, slow, stated, now);
    else
      record(failed, slow, stated, now);
  }

  bool trip(duration time, circuit_cause cause, instant now) {
    if (mode != circuit_mode::normal) return false;
    time = (std::max)(time, duration::zero());
    pass_time(now);
    if (state == circuit_state::open)
      open_until = (std::max)(open_until, gabion::saturating_add(now, time));
    else
      enter(circuit_state::open, now, {cause, 0, 0}, time);
    return true;
  }

  void reset(circuit_cause cause, instant now) {
    tell({.what = told::kind::reset, .cause = cause, .at = moment(now)});
    attempt = 0;
    if (mode == circuit_mode::normal && state != circuit_state::closed)
      enter(circuit_state::closed, now, {cause, 0, 0});
    else
      forget();
  }

  void set_mode(circuit_mode next, instant now) {
    if (next == mode) return;
    tell({.what = told::kind::mode, .mode_from = mode, .mode_to = next, .at = moment(now)});
    mode = next;
    attempt = 0;
    enter(next == circuit_mode::isolated ? circuit_state::open : circuit_state::closed, now,
          {circuit_cause::mode_changed, 0, 0});
    forget();
  }

  void reconfigure(const circuit_breaker_options& next, instant now) {
    if (next.slow_after != o.slow_after || next.count_overdue != o.count_overdue)
      flying.clear(), frozen_overdue = 0;
    std::deque<outcome> young;
    for (const outcome& t : timed(now))
      young.push_back({t.failed, t.slow, bucket_of(t.bucket, next)});
    if (o.time_window.span != duration::zero() && latest != (instant::min)())
      latest = bucket_of((std::max)(latest, looked_at(now)), o);
    if (next.time_window.span == duration::zero()) latest = (instant::min)();
    o = next;
    last_time = young;
    if (o.time_window.span == duration::zero()) last_time.clear();
    while (last_calls.size() > o.window.calls) last_calls.pop_front();
    for (outcome& x : last_calls) x.slow = x.slow && keeps_more();
    tell({.what = told::kind::reconfigured, .at = moment(now)});
  }

  [[nodiscard]] circuit_record save(instant now) const {
    if (mode != circuit_mode::normal) return {.mode = mode, .attempt = attempt};
    if (is_lost(now)) return after_time(now).save(now);
    const circuit_state s = seen(now);
    return {.mode = mode,
            .state = s,
            .open_left = s == circuit_state::open ? open_left(now) : duration::zero(),
            .consecutive_failures = s == circuit_state::closed ? row : 0,
            .probes_succeeded = succeeded,
            .probes_failed = failed_probes,
            .ramp_step = step,
            .attempt = attempt};
  }

  void restore(const circuit_record& r, instant now) {
    if (mode != r.mode)
      tell({.what = told::kind::mode, .mode_from = mode, .mode_to = r.mode, .at = moment(now)});
    mode = r.mode;
    attempt = r.attempt;
    circuit_state next = r.state;
    if (next == circuit_state::ramping && steps() == 0) next = circuit_state::closed;
    if (mode != circuit_mode::normal)
      next = mode == circuit_mode::isolated ? circuit_state::open : circuit_state::closed;
    enter(next, now, {circuit_cause::restored, 0, 0},
          mode == circuit_mode::normal ? r.open_left : duration::zero());
    forget();
    row = next == circuit_state::closed && mode != circuit_mode::disabled ? r.consecutive_failures
                                                                          : 0;
    succeeded = next == circuit_state::half_open ? r.probes_succeeded : 0;
    failed_probes = next == circuit_state::half_open ? r.probes_failed : 0;
    step = next == circuit_state::ramping ? (std::min)(r.ramp_step, steps() - 1) : 0;
  }

  [[nodiscard]] gabion::circuit_snapshot look(instant now) const {
    gabion::circuit_snapshot s;
    s.state = seen(now);
    s.mode = mode;
    s.generation = generation;
    s.retry_after = mode == circuit_mode::normal && s.state == circuit_state::open
                        ? open_left(now)
                        : duration::zero();
    s.attempt = attempt;
    if (is_lost(now)) {  // nobody has noticed yet: only what a caller would meet
      const model later = after_time(now);
      s.state = later.seen(now);
      s.retry_after = s.state == circuit_state::open ? later.open_left(now) : duration::zero();
      s.attempt = later.attempt;
    }
    s.consecutive_failures = row;
    s.window = view(last_calls, (std::min)(o.window.minimum_calls, o.window.calls), now,
                    o.window.calls != 0);
    s.time_window =
        view(timed(now), o.time_window.minimum_calls, now, o.time_window.span != duration::zero());
    s.window_calls = static_cast<std::uint32_t>(s.window.calls);
    s.window_failed = static_cast<std::uint32_t>(s.window.failed);
    s.probes_succeeded = succeeded;
    s.probes_failed = failed_probes;
    s.probes_out = out;
    s.ramp_percent = state == circuit_state::ramping ? static_cast<std::uint32_t>(share()) : 0;
    s.in_flight = o.count_overdue ? static_cast<std::uint32_t>(flying.size()) : 0;
    s.counts = counts;
    return s;
  }

  [[nodiscard]] call admitted() const { return last_admitted; }
  [[nodiscard]] reason last_reason(instant now) const {
    return is_lost(now) ? after_time(now).why : why;
  }

  std::vector<told> ordered{};
  std::vector<told> calls{};

 private:
  circuit_breaker_options o;
  circuit_mode mode = circuit_mode::normal;
  circuit_state state = circuit_state::closed;
  std::uint32_t generation = 0;
  gabion::circuit_counts counts{};
  std::uint32_t row = 0;
  std::deque<outcome> last_calls{};
  std::deque<outcome> last_time{};
  instant latest = (instant::min)();  ///< of the time window, which does not go back
  instant open_until{};
  instant probes_until{};
  std::uint32_t out = 0, succeeded = 0, failed_probes = 0;
  std::uint32_t attempt = 0;
  std::uint32_t lost_attempt = 0;  ///< if the probes are lost: settled when the first could be
  duration lost_open_for{};
  instant closed_since{};
  instant frozen{};  ///< the windows are as they were then, while open and half-open
  std::uint32_t step = 0;
  instant step_began{};
  std::uint64_t step_recorded = 0, callers = 0;
  bool would_open = false;
  std::vector<call> flying{};              ///< let through in this generation and not back
  instant flight_seen = (instant::min)();  ///< the latest time at which they were looked at
  std::uint64_t frozen_overdue = 0;        ///< when it opened
  std::uint64_t next_number = 0;
  call last_admitted{};
  instant told_at = (instant::min)();
  reason why{circuit_cause::reset, 0, 0};

  [[nodiscard]] instant moment(instant now) { return told_at = (std::max)(told_at, now); }
  void tell(const told& t) { (t.what <= told::kind::would_open ? ordered : calls).push_back(t); }

  [[nodiscard]] bool judges() const {
    return state == circuit_state::closed || state == circuit_state::ramping;
  }
  [[nodiscard]] duration open_left(instant now) const {
    if (mode != circuit_mode::normal) return duration::zero();
    if (open_until == (instant::max)()) return (duration::max)();
    return gabion::elapsed(now, open_until);
  }
  [[nodiscard]] circuit_state seen(instant now) const {
    return mode == circuit_mode::normal && state == circuit_state::open && now >= open_until
               ? circuit_state::half_open
               : state;
  }

  std::optional<gabion::circuit_rejection> granted(instant now) {
    const bool watched = o.count_overdue && judges() && mode != circuit_mode::disabled;
    last_admitted = {generation, std::nullopt, next_number++};
    if (mode != circuit_mode::disabled &&
        (o.slow_after != duration::zero() || state != circuit_state::closed))
      last_admitted.started = watched ? (std::max)(now, flight_seen) : now;
    if (watched) flying.push_back(last_admitted);
    return std::nullopt;
  }
  gabion::circuit_rejection rejected(circuit_refusal reason,
                                     duration retry_after = duration::zero()) {
    ++counts.rejected;
    tell({.what = told::kind::rejected, .time = retry_after, .why = reason});
    return {reason, retry_after};
  }
  void count(verdict how) {
    ++(how == verdict::success     ? counts.success
       : how == verdict::failure   ? counts.failure
       : how == verdict::ignored   ? counts.ignored
       : how == verdict::cancelled ? counts.cancelled
                                   : counts.abandoned);
  }

  void forget() {
    row = 0;
    last_calls.clear();
    last_time.clear();
    latest = (instant::min)();
    would_open = false;
    frozen_overdue = 0;
  }

  void enter(circuit_state next, instant at, const reason& because,
             duration open_for = duration::zero()) {
    const circuit_state from = state;
    state = next;
    generation = (generation + 1) & 0x3fff'ffff;
    row = out = succeeded = failed_probes = 0;
    if (from == circuit_state::closed || from == circuit_state::ramping) {
      state = from;
      frozen_overdue = overdue(at);
      state = next;
      frozen = at;
    }
    flying.clear();
    if (next == circuit_state::open) open_until = gabion::saturating_add(at, open_for);
    if (next == circuit_state::half_open) {
      lost_attempt = next_attempt(false, at);
      lost_open_for = next_open_time(circuit_cause::probe_lost, lost_attempt);
    }
    if (next == circuit_state::closed) closed_since = at;
    if (next == circuit_state::closed || next == circuit_state::ramping) forget();
    step = 0;
    begin_step(at);
    why = because;
    if (from == next) return;
    tell({.what = told::kind::transition,
          .from = from,
          .to = next,
          .cause = because.cause,
          .generation = generation,
          .at = moment(at),
          .failed = because.failed,
          .calls = because.calls,
          .time = next == circuit_state::open ? open_for : duration::zero(),
          .attempt = next == circuit_state::open && mode == circuit_mode::normal ? attempt : 0});
  }

  /// Opens for as long as growth and function say.
  void open(instant at, const reason& because) {
    attempt = next_attempt(state == circuit_state::closed, at);
    enter(circuit_state::open, at, because, next_open_time(because.cause, attempt));
  }

  void open_as_stated(instant now, duration stated) {
    const reason because{circuit_cause::stated, 1, 1};
    if (mode == circuit_mode::normal)
      enter(circuit_state::open, now, because, (std::min)(stated, o.max_stated_open));
    else
      say_would_open(now, because);
  }
  void say_would_open(instant now, const reason& r) {
    tell({.what = told::kind::would_open,
          .cause = r.cause,
          .at = moment(now),
          .failed = r.failed,
          .calls = r.calls});
  }

  [[nodiscard]] std::uint32_t next_attempt(bool closed, instant at) const {
    if (attempt == 0 || (closed && gabion::elapsed(closed_since, at) >= o.open_growth.quiet_for))
      return 1;
    return attempt == 0xffff'ffffU ? attempt : attempt + 1;
  }

  [[nodiscard]] duration next_open_time(circuit_cause cause, std::uint32_t attempt_of) const {
    const duration most = (std::max)(o.open_growth.max, o.open_for);
    duration planned = o.open_for;
    for (std::uint32_t i = 1; i < attempt_of && planned < most; ++i) {
      const std::int64_t hundreds = planned.count() / 100, rest = planned.count() % 100,
                         factor = o.open_growth.factor_percent;
      planned =
          hundreds > most.count() / factor
              ? most
              : (std::min)(most, gabion::saturating_add(duration{hundreds * factor},
                                                        duration{(rest * factor + 99) / 100}));
      if (o.open_growth.factor_percent == 100) break;
    }
    if (o.open_time == nullptr) return planned;
    return (std::max)(o.open_time({attempt_of, cause, planned}), duration{1});
  }

  // Probes.

  [[nodiscard]] bool is_lost(instant now) const {
    return state == circuit_state::half_open && out > 0 && now >= probes_until;
  }
  [[nodiscard]] model after_time(instant now) const {
    model later = *this;
    later.pass_time(now);
    return later;
  }
  void pass_time(instant now) {
    if (!is_lost(now)) return;
    attempt = lost_attempt;
    enter(circuit_state::open, probes_until,
          {circuit_cause::probe_lost, out, out + succeeded + failed_probes}, lost_open_for);
  }

  void probe(bool failed, bool slow, duration stated, instant now) {
    ++(failed || slow ? failed_probes : succeeded);
    if (stated > duration::zero()) return open_as_stated(now, stated);
    const std::uint32_t n = succeeded + failed_probes;
    const std::uint32_t of = o.half_open_calls == 0 ? o.successes_to_close : o.half_open_calls;
    const reason bad{slow && !failed ? circuit_cause::probe_slow : circuit_cause::probe_failed,
                     failed_probes, n};
    if (o.half_open_failure_percent != 0) {
      if (n < of) return;
      if (failed_probes * 100 >= o.half_open_failure_percent * n) return open(now, bad);
      return recovered(now, n);
    }
    if (succeeded >= o.successes_to_close) return recovered(now, n);
    if (failed_probes > of - o.successes_to_close) open(now, bad);
  }
  void recovered(instant now, std::uint32_t n) {
    enter(steps() == 0 ? circuit_state::closed : circuit_state::ramping, now,
          {circuit_cause::probes_succeeded, failed_probes, n});
  }

  // Rules.

  void record(bool failed, bool slow, duration stated, instant now) {
    // Without its rule the row is counted only where that costs nothing.
    row = failed && (o.failures != 0 || keeps_more()) ? row + 1 : 0;
    if (o.window.calls != 0) {
      last_calls.push_back({failed, slow});
      if (last_calls.size() > o.window.calls) last_calls.pop_front();
    }
    if (o.time_window.span != duration::zero()) {
      latest = (std::max)(latest, now);
      last_time.push_back({failed, slow, bucket_of(latest, o)});
    }
    ++step_recorded;
    if (stated > duration::zero()) return open_as_stated(now, stated);
    look_at_rules(now);
    if (state == circuit_state::ramping) advance_ramp(now);
  }

  /// Callers are a reason to look while ramping, and if calls are overdue.
  void look_at_caller(instant now) {
    if (!judges()) return;
    if (o.count_overdue || state == circuit_state::ramping)
      flight_seen = (std::max)(flight_seen, now);
    if (state == circuit_state::ramping || overdue(now) > 0) look_at_rules(now);
    if (state == circuit_state::ramping) advance_ramp(now);
  }

  /// More is known of an outcome than whether it failed.
  [[nodiscard]] bool keeps_more() const {
    return o.slow_after != duration::zero() || o.time_window.span != duration::zero() ||
           mode == circuit_mode::metrics_only || state == circuit_state::ramping;
  }

  void look_at_rules(instant now) {
    if (o.time_window.span != duration::zero()) latest = (std::max)(latest, now);
    if (o.count_overdue) flight_seen = (std::max)(flight_seen, now);
    const std::optional<reason> met = first_met(now);
    if (mode == circuit_mode::normal) {
      if (met) open(now, *met);
      return;
    }
    if (met && !would_open) say_would_open(now, *met);
    would_open = met.has_value();
  }

  [[nodiscard]] std::optional<reason> first_met(instant now) const {
    if (o.failures != 0 && row >= o.failures)
      return reason{circuit_cause::consecutive_failures, row, row};
    if (o.window.calls != 0)
      if (const auto met = rate_met(o.window, look(now).window, circuit_cause::failure_rate))
        return met;
    if (o.time_window.span != duration::zero())
      return rate_met(o.time_window, look(now).time_window, circuit_cause::timed_failure_rate);
    return std::nullopt;
  }

  template <class Rules>
  [[nodiscard]] static std::optional<reason> rate_met(const Rules& rules,
                                                      const gabion::circuit_window_view& w,
                                                      circuit_cause first) {
    const auto judge = [&](std::uint32_t percent, std::uint64_t part, std::uint64_t of,
                           int rule) -> std::optional<reason> {
      if (percent == 0 || of < w.minimum_calls || part * 100 < percent * of) return std::nullopt;
      return reason{static_cast<circuit_cause>(static_cast<int>(first) + rule),
                    static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(of)};
    };
    if (const auto met = judge(rules.failure_percent, w.failed, w.calls, 0)) return met;
    if (const auto met = judge(rules.slow_percent, w.slow + w.overdue, w.calls + w.overdue, 1))
      return met;
    return judge(rules.slow_or_failed_percent, w.slow_or_failed + w.overdue, w.calls + w.overdue,
                 2);
  }

  [[nodiscard]] gabion::circuit_window_view view(const std::deque<outcome>& outcomes,
                                                 std::uint32_t minimum, instant now,
                                                 bool on) const {
    gabion::circuit_window_view v;
    if (!on) return v;
    v.minimum_calls = minimum;
    for (const outcome& x : outcomes) {
      ++v.calls;
      v.failed += x.failed ? 1 : 0;
      v.slow += x.slow ? 1 : 0;
      v.slow_or_failed += x.failed || x.slow ? 1 : 0;
    }
    v.overdue = overdue(now);
    return v;
  }
  [[nodiscard]] std::uint64_t overdue(instant now) const {
    if (!judges()) return frozen_overdue;
    if (!o.count_overdue) return 0;
    return static_cast<std::uint64_t>(
        std::count_if(flying.begin(), flying.end(), [&](const call& c) {
          return c.started &&
                 gabion::elapsed(*c.started, (std::max)(now, flight_seen)) > o.slow_after;
        }));
  }

  [[nodiscard]] static instant bucket_of(instant t, const circuit_breaker_options& options) {
    if (options.time_window.span == duration::zero()) return t;
    const auto width = options.time_window.span.count() / options.time_window.buckets;
    const auto since = t.time_since_epoch().count();
    return instant{duration{(since / width - (since % width < 0 ? 1 : 0)) * width}};
  }
  [[nodiscard]] instant looked_at(instant now) const { return judges() ? now : frozen; }
  [[nodiscard]] std::deque<outcome> timed(instant now) const {
    std::deque<outcome> young;
    for (const outcome& x : last_time)
      if (gabion::elapsed(x.bucket, (std::max)(looked_at(now), latest)) <
          o.time_window.span / o.time_window.buckets * o.time_window.buckets)
        young.push_back(x);
    return young;
  }

  // Ramp.

  [[nodiscard]] std::uint32_t steps() const {
    return static_cast<std::uint32_t>(
        std::count_if(o.ramp.percent.begin(), o.ramp.percent.end(), [](int p) { return p != 0; }));
  }
  [[nodiscard]] std::uint64_t share() const { return o.ramp.percent.at(step); }
  void begin_step(instant at) {
    step_began = at;
    step_recorded = callers = 0;
  }
  void advance_ramp(instant now) {
    if (share() != 0 &&
        (step_recorded < o.ramp.step_calls || gabion::elapsed(step_began, now) < o.ramp.step_for))
      return;
    if (step + 1 >= steps())
      return enter(circuit_state::closed, now, {circuit_cause::ramp_finished, 0, 0});
    ++step;
    begin_step(now);
  }
};

}  // namespace circuit_model
