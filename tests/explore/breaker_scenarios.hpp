// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <gabion/circuit_breaker.hpp>

#include "explore/breaker_bench.hpp"
#include "explore/breaker_window_scenarios.hpp"

// Small races on a circuit breaker.
namespace explored::breakers {

/// Two failures at the same moment, two are allowed: opened once.
inline void two_failures_trip_once(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  auto first = x.b.try_acquire();
  auto second = x.b.try_acquire();
  if (!e.threads({[&] { first->failure(); }, [&] { second->failure(); }})) return;
  x.check_always(e, 2);
  e.expect(x.events().size() == 1, "not exactly one transition");
  e.expect(x.b.state() == circuit_state::open, "not open");
  e.expect(x.b.snapshot().counts.failure == 2, "a failure was not counted");
}

/// Three failures at the same moment, two are allowed: opened once, the third is late.
inline void the_failure_after_the_trip_is_late(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->failure(); }, [&] { p[2]->failure(); }}))
    return;
  const auto counts = x.b.snapshot().counts;
  e.expect(x.events().size() == 1 && x.events().at(0).failed == 2,
           "not exactly one transition after two failures");
  e.expect(counts.failure == 2 && counts.late == 1, "the third failure is not late");
  x.check_always(e, 3);
}

/// A success between two failures ends the row; after them it is late.
inline void a_success_ends_the_row_or_is_late(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  x.fail();
  auto bad = x.b.try_acquire();
  auto good = x.b.try_acquire();
  if (!e.threads({[&] { bad->failure(); }, [&] { good->success(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  if (s.state == circuit_state::open)
    e.expect(s.counts.late == 1 && s.counts.success == 0,
             "a success before the trip did not end the row");
  else
    e.expect(s.counts.late == 0 && s.consecutive_failures == 1, "the row is not one failure long");
  x.check_always(e, 3);
}

/// Half-open with `permits`: never more probes, and the one who turns it half-open has the first.
template <std::uint32_t Permits>
void one_caller_too_many(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .half_open_permits = Permits, .successes_to_close = 3}};
  x.open_until_over();
  std::vector<std::optional<breaker::admission>> got(Permits + 1);
  const auto ask = [&](std::size_t i) {
    return [&x, &got, i] { got[i].emplace(x.b.try_acquire()); };
  };
  bool done = false;
  if constexpr (Permits == 1)
    done = e.threads({ask(0), ask(1)});
  else
    done = e.threads({ask(0), ask(1), ask(2)});
  if (!done) return;
  std::uint32_t admitted = 0;
  for (const auto& a : got) admitted += *a ? 1 : 0;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(admitted == Permits, "not exactly as many probes as permits");
  e.expect(s.probes_out == Permits && s.counts.rejected == 1,
           "the caller too many was not rejected");
  x.check_always(e, Permits + 2);
}

/// A call from before the trip ends while a probe decides: it decides nothing.
template <gabion::verdict Old>
void a_late_result_decides_nothing(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .half_open_permits = 2, .successes_to_close = 2}};
  auto old = x.b.try_acquire();
  x.open_until_over();
  const auto probe = [&] {
    if (auto p = x.b.try_acquire()) p->success();
  };
  if (!e.threads({[&] { old->settle(Old); }, probe})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::half_open && s.probes_succeeded == 1,
           "a late result changed the state");
  e.expect(s.counts.late == 1, "a late result was not counted as late");
  x.check_always(e, 3);
}

/// A probe is dropped while another caller asks: the permit is free again, once.
inline void an_abandoned_permit_is_free_once(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .successes_to_close = 2}};
  x.open_until_over();
  std::optional<breaker::admission> first{x.b.try_acquire()};
  std::optional<breaker::admission> second;
  std::optional<breaker::admission> third;
  if (!e.threads({[&] { first.reset(); }, [&] { second.emplace(x.b.try_acquire()); },
                  [&] { third.emplace(x.b.try_acquire()); }}))
    return;
  const circuit_snapshot s = x.b.snapshot();
  const std::uint32_t admitted = (*second ? 1U : 0U) + (*third ? 1U : 0U);
  e.expect(admitted <= 1, "one permit was given twice");
  e.expect(s.probes_out == admitted, "permits out and permits held differ");
  e.expect(s.counts.abandoned == 1, "the abandoned permit was not counted");
  x.check_always(e, 4);
}

/// The probe that never came back does so at last, while somebody asks: open since the half-open
/// time was over.
inline void a_lost_probe_comes_back_too_late(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .successes_to_close = 1, .half_open_for = 5s}};
  x.open_until_over();
  auto lost = x.b.try_acquire();
  x.now += 5s;
  bool admitted = false;
  if (!e.threads(
          {[&] { lost->success(); }, [&] { admitted = static_cast<bool>(x.b.try_acquire()); }}))
    return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open && !admitted, "a lost probe closed the circuit");
  e.expect(s.counts.late == 1, "a lost probe was not counted as late");
  x.check_always(e, 3);
}

/// Two probes, one succeeds and one fails: the failure wins unless the success had closed before.
inline void probes_disagree(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .half_open_permits = 2, .successes_to_close = 1}};
  x.open_until_over();
  auto good = x.b.try_acquire();
  auto bad = x.b.try_acquire();
  if (!e.threads({[&] { good->success(); }, [&] { bad->failure(); }})) return;
  e.expect(x.events().size() == 3, "not exactly one of the probes decided");
  e.expect(x.b.snapshot().counts.late == 1, "the second probe is not late");
  x.check_always(e, 3);
}

/// A trip and a reset at the same moment: whatever is first, the events hang together.
inline void a_reset_meets_a_trip(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  x.fail();
  auto p = x.b.try_acquire();
  if (!e.threads({[&] { p->failure(); }, [&] { x.b.reset(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  if (s.generation == 2)
    e.expect(s.state == circuit_state::closed && s.consecutive_failures == 0,
             "reset left something behind");
  else
    e.expect(s.generation == 0 && s.consecutive_failures <= 1, "a failure was counted twice");
  x.check_always(e, 2);
}

/// Somebody looks on while it trips: closed, then open for the whole time, and nothing in between.
inline void a_reader_meets_a_trip(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  x.fail();
  auto p = x.b.try_acquire();
  const auto look = [&] {
    const circuit_snapshot s = x.b.snapshot();
    e.expect(s.state == circuit_state::closed || s.state == circuit_state::open,
             "a state that never was");
    e.expect(s.state != circuit_state::open || s.retry_after == 10s, "open without its time");
    e.expect(s.generation == (s.state == circuit_state::open ? 1U : 0U),
             "state and generation of different moments");
    e.expect(x.b.state() != circuit_state::half_open, "half-open while it has just opened");
    e.expect(s.generation == 0 || x.b.state() == circuit_state::open,
             "open, and closed again without a cause");
  };
  if (!e.threads({[&] { p->failure(); }, look})) return;
  x.check_always(e, 2);
}

/// Somebody calls while it trips: let in, or turned away for the whole open time.
inline void a_caller_meets_a_trip(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  x.fail();
  auto p = x.b.try_acquire();
  const auto call = [&] {
    if (auto admitted = x.b.try_acquire())
      admitted->ignore();
    else
      e.expect(admitted.rejection().retry_after == 10s,
               "turned away for another time than the open time");
  };
  if (!e.threads({[&] { p->failure(); }, call})) return;
  e.expect(x.b.state() == circuit_state::open, "not open");
  x.check_always(e, 3);
}

/// The circuit opens a second time while a caller looks at the end of the first: no time of the
/// first is believed.
inline void a_caller_meets_a_second_trip(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s}};
  x.open_until_over();
  auto probe = x.b.try_acquire();
  const auto call = [&] {
    auto admitted = x.b.try_acquire();
    e.expect(!admitted, "let in beside the probe, or though it failed");
    const auto left = admitted.rejection().retry_after;
    e.expect(left == 0s || left == 10s, "turned away for a time of the first opening");
  };
  if (!e.threads({[&] { probe->failure(); }, call})) return;
  e.expect(x.b.state() == circuit_state::open, "not open");
  x.check_always(e, 3);
}

/// Counts that are read while calls end never go back and never exceed the calls.
inline void counts_never_go_back(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 8, .failure_percent = 100}, .open_for = 10s}};
  for (int i = 0; i < 7; ++i) x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire()};
  const auto look = [&] {
    const auto first = x.b.snapshot().counts;
    const auto second = x.b.snapshot().counts;
    e.expect(first.success <= second.success && first.failure <= second.failure,
             "a count went back");
    e.expect(second.settled() <= 9, "more calls were counted than made");
  };
  if (!e.threads({[&] {
                    p[0]->success();
                    p[1]->failure();
                  },
                  look}))
    return;
  x.check_always(e, 9);
}

/// Somebody isolates the circuit while a probe comes back well: isolated it stays, and nobody is
/// let in.
inline void isolation_meets_a_probe(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .successes_to_close = 1}};
  x.open_until_over();
  auto probe = x.b.try_acquire();
  if (!e.threads(
          {[&] { probe->success(); }, [&] { x.b.set_mode(gabion::circuit_mode::isolated); }}))
    return;
  e.expect(x.b.mode() == gabion::circuit_mode::isolated && !x.b.try_acquire(),
           "a probe ended the isolation");
  x.b.set_mode(gabion::circuit_mode::normal);
  e.expect(x.b.state() == circuit_state::closed, "not closed after the isolation");
}

/// Two callers at a ramp of one half: one of two is let through, and the ramp ends with its calls.
inline void a_ramp_meets_two_callers(explorer& e) {
  bench x{{.failures = 1,
           .open_for = 10s,
           .successes_to_close = 1,
           .ramp = {.percent = {50}, .step_calls = 1}}};
  x.open_until_over();
  x.succeed();
  explorer_env::atomic<int> admitted{0};
  const auto call = [&] {
    if (auto entry = x.b.try_acquire()) {
      admitted.fetch_add(1);
      entry->ignore();
    }
  };
  if (!e.threads({call, call})) return;
  e.expect(admitted.load() == 1, "not one half was let through");
  x.succeed();
  e.expect(static_cast<bool>(x.b.try_acquire()), "not back after the last step");
}

/// A failure on a ramp and a success that ends it: it opens, or the failure is late.
inline void a_failure_meets_the_end_of_a_ramp(explorer& e) {
  bench x{{.failures = 1,
           .open_for = 10s,
           .successes_to_close = 1,
           .ramp = {.percent = {99}, .step_calls = 1}}};
  x.open_until_over();
  x.succeed();
  auto bad = x.b.try_acquire();
  e.expect(!x.b.try_acquire(), "more than 99 of a hundred were let through");
  auto good = x.b.try_acquire();
  e.expect(bad && good, "the ramp lets nobody through");
  if (!e.threads({[&] { bad->failure(); }, [&] { good->success(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open || s.counts.late == 1,
           "a failure on the ramp was forgotten");
  x.check_always(e, 5);
}

/// Opened by hand while it opens by itself: open once, until the later end.
inline void a_trip_by_hand_meets_one_by_rule(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s}};
  auto p = x.b.try_acquire();
  if (!e.threads({[&] { p->failure(); }, [&] { x.b.trip(20s); }})) return;
  e.expect(x.events().size() == 1, "opened twice");
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open && s.retry_after == 20s, "not open until the later end");
  x.check_always(e, 1);
}

/// What was saved is restored while a call from before ends: that call is late.
inline void a_record_meets_a_late_call(explorer& e) {
  bench old{{.failures = 1, .open_for = 10s}};
  old.fail();
  const auto record = old.b.save();
  bench x{{.failures = 1, .open_for = 10s}};
  auto p = x.b.try_acquire();
  if (!e.threads({[&] { p->success(); }, [&] { x.b.restore(record); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open && s.retry_after == 10s, "not as it was saved");
  x.check_always(e, 1);
}

inline constexpr std::array all{
    scenario{"breaker: two failures trip once", two_failures_trip_once},
    scenario{"breaker: the failure after the trip is late", the_failure_after_the_trip_is_late},
    scenario{"breaker: a success ends the row or is late", a_success_ends_the_row_or_is_late},
    scenario{"breaker: one permit and two callers", one_caller_too_many<1>},
    scenario{"breaker: two permits and three callers", one_caller_too_many<2>},
    scenario{"breaker: a late success decides nothing",
             a_late_result_decides_nothing<gabion::verdict::success>},
    scenario{"breaker: a late failure decides nothing",
             a_late_result_decides_nothing<gabion::verdict::failure>},
    scenario{"breaker: a late ignored call decides nothing",
             a_late_result_decides_nothing<gabion::verdict::ignored>},
    scenario{"breaker: an abandoned permit is free once", an_abandoned_permit_is_free_once},
    scenario{"breaker: a lost probe comes back too late", a_lost_probe_comes_back_too_late},
    scenario{"breaker: probes disagree", probes_disagree},
    scenario{"breaker: the window stays exact", the_window_stays_exact},
    scenario{"breaker: a quiet block ends that the ring holds", a_quiet_block_ends<true>},
    scenario{"breaker: a quiet block ends that the ring does not hold", a_quiet_block_ends<false>},
    scenario{"breaker: a stalled writer spoils nothing", a_stalled_writer_spoils_nothing},
    scenario{"breaker: the window trips once", the_window_trips_once},
    scenario{"breaker: a reset meets a trip", a_reset_meets_a_trip},
    scenario{"breaker: a reader meets a trip", a_reader_meets_a_trip},
    scenario{"breaker: a caller meets a trip", a_caller_meets_a_trip},
    scenario{"breaker: a caller meets a second trip", a_caller_meets_a_second_trip},
    scenario{"breaker: counts never go back", counts_never_go_back},
    scenario{"breaker: outcomes meet the end of a bucket", outcomes_meet_the_end_of_a_bucket},
    scenario{"breaker: outcomes meet the end of the window", outcomes_meet_the_end_of_the_window},
    scenario{"breaker: a time window is added to a row", a_reconfiguration_meets_a_row<true>},
    scenario{"breaker: a window is added to a row", a_reconfiguration_meets_a_row<false>},
    scenario{"breaker: a window grows while outcomes come", a_reconfiguration_meets_a_window},
    scenario{"breaker: isolation meets a probe", isolation_meets_a_probe},
    scenario{"breaker: a ramp meets two callers", a_ramp_meets_two_callers},
    scenario{"breaker: a failure meets the end of a ramp", a_failure_meets_the_end_of_a_ramp},
    scenario{"breaker: a trip by hand meets one by rule", a_trip_by_hand_meets_one_by_rule},
    scenario{"breaker: a record meets a late call", a_record_meets_a_late_call},
};

}  // namespace explored::breakers
