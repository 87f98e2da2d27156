// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <initializer_list>

#include <gabion/circuit_breaker.hpp>

#include "explore/breaker_bench.hpp"

// Small races on the windows of a circuit breaker.
namespace explored::breakers {

/// Three outcomes at the same moment, with a full window whose block is complete, so that all must
/// write it to the ring first.
inline void the_window_stays_exact(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 8, .failure_percent = 100}, .open_for = 10s}};
  for (int i = 0; i < 8; ++i) i < 2 ? x.fail() : x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->success(); }, [&] { p[2]->failure(); }}))
    return;
  circuit_snapshot s = x.b.snapshot();
  e.expect(s.window_calls == 8 && s.window_failed == 2, "the window is not the last 8 outcomes");
  for (int i = 0; i < 5; ++i) x.succeed();
  e.expect(x.b.snapshot().window_failed == 2, "the window lost a failure too early");
  for (int i = 0; i < 3; ++i) x.succeed();
  s = x.b.snapshot();
  e.expect(s.window_failed == 0, "the window keeps a failure too long");
  e.expect(s.counts.success == 6 + 1 + 8 && s.counts.failure == 4,
           "an outcome was not counted once");
  x.check_always(e, 19);
}

/// The window holds no failure and its block is complete as three outcomes come. `Held`: the ring
/// holds that block already, so that a success has nothing to write; otherwise it holds one with a
/// failure.
template <bool Held>
void a_quiet_block_ends(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 8, .failure_percent = 100}, .open_for = 10s}};
  for (int i = 0; i < 24; ++i) !Held&& i == 11 ? x.fail() : x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->success(); }, [&] { p[1]->failure(); }, [&] { p[2]->success(); }}))
    return;
  circuit_snapshot s = x.b.snapshot();
  e.expect(s.window_calls == 8 && s.window_failed == 1, "the window is not the last 8 outcomes");
  e.expect(s.counts.success == (Held ? 26U : 25U) && s.counts.failure == (Held ? 1U : 2U),
           "an outcome was not counted once");
  for (int i = 0; i < 5; ++i) x.succeed();
  e.expect(x.b.snapshot().window_failed == 1, "the window lost a failure too early");
  for (int i = 0; i < 3; ++i) x.succeed();
  e.expect(x.b.snapshot().window_failed == 0, "the window keeps a failure too long");
  x.check_always(e, 35);
}

/// A caller stalls while it writes a full block to the ring; the others go once around the ring in
/// the meantime.
inline void a_stalled_writer_spoils_nothing(explorer& e) {
  // blocks of two: once around is soon done
  using window = gabion::detail::circuit_window<explorer_env, 31, 2>;
  window w{{.calls = 4, .failure_percent = 100}};
  window::tally_type tally{0};
  const auto record = [&](std::initializer_list<bool> outcomes) {
    for (const bool failed : outcomes) static_cast<void>(w.record(tally, 0, failed));
  };
  record({false, false, true, false});
  if (!e.threads({[&] { record({false}); }, [&] { record({false, false, false, true, false}); }}))
    return;
  record({false});
  e.expect(w.sum(tally.load()).failed == 1, "a late write of a block spoiled the ring");
  record({false, false, false, false});
  e.expect(w.sum(tally.load()).failed == 0, "a late write of a block spoiled the ring");
}

/// The two outcomes that are missing to the minimum come at the same moment: opened by whichever is
/// second, once.
inline void the_window_trips_once(explorer& e) {
  bench x{{.failures = 0,
           .window = {.calls = 4, .failure_percent = 50, .minimum_calls = 4},
           .open_for = 10s}};
  x.fail();
  x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->success(); }, [&] { p[2]->success(); }}))
    return;
  const circuit_snapshot s = x.b.snapshot();
  const bool opened = s.state == circuit_state::open;
  if (opened) {
    e.expect(x.events().size() == 1 && s.window_failed == 2 && s.window_calls == 4,
             "the window is not what tripped it");
    e.expect(s.counts.late == 1, "the outcome after the trip is not late");
  } else {  // two successes first: f s s s, then the failure takes the place of the oldest
    e.expect(s.window_failed == 1 && s.counts.late == 0, "the window is not f s s, f");
  }
  x.check_always(e, 5);
}

/// Outcomes on both sides of a bucket's end: the window holds exactly what is young enough, and
/// opens once.
inline void outcomes_meet_the_end_of_a_bucket(explorer& e) {
  bench x{{.failures = 0,
           .time_window = {.span = 10s, .buckets = 2, .failure_percent = 100, .minimum_calls = 3},
           .open_for = 10s}};
  x.fail();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire()};
  x.now += 9s;
  const auto fail_at = [&](std::size_t i, gabion::duration since) {
    return [&, i, since] { p[i]->settle_at(at(since), gabion::verdict::failure); };
  };
  if (!e.threads({fail_at(0, 4s), fail_at(1, 9s)})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open && x.events().size() == 1,
           "three failures within the window did not open it once");
  e.expect(s.counts.failure == 3, "a failure was not counted");
  x.check_always(e, 3);
}

/// The oldest failure leaves the window while the last one comes: opened only if the last was
/// recorded before that moment.
inline void outcomes_meet_the_end_of_the_window(explorer& e) {
  bench x{{.failures = 0,
           .time_window = {.span = 10s, .buckets = 2, .failure_percent = 100, .minimum_calls = 2},
           .open_for = 10s}};
  x.fail();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire()};
  x.now += 12s;
  const auto end = [&](std::size_t i, gabion::verdict v, gabion::duration since) {
    return [&, i, v, since] { p[i]->settle_at(at(since), v); };
  };
  if (!e.threads({end(0, gabion::verdict::failure, 9s), end(1, gabion::verdict::success, 12s)}))
    return;
  const circuit_snapshot s = x.b.snapshot();
  const bool failed_first = s.state == circuit_state::open;
  e.expect(x.events().size() == (failed_first ? 1U : 0U), "not as many transitions as there were");
  e.expect(s.counts.late == (failed_first ? 1U : 0U), "the outcome after the trip is not late");
  x.check_always(e, 3);
}

/// The rules change while the last failures of a row come: the row stays, so both failures open it,
/// once.
template <bool Timed>
void a_reconfiguration_meets_a_row(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire()};
  const auto change = [&] {
    circuit_breaker_options o{.failures = 2, .open_for = 10s};
    if (Timed) o.time_window = {.span = 10s, .buckets = 2};
    if (!Timed) o.window = {.calls = 8};
    x.b.reconfigure(o);
  };
  if (!e.threads({[&] { p[0]->failure(); }, change, [&] { p[1]->failure(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.state == circuit_state::open && x.events().size() == 1,
           "two failures in a row did not open it once");
  e.expect(s.counts.failure == 2 && s.counts.late == 0, "a failure was lost, or counted twice");
  x.check_always(e, 2);
}

/// A window grows while outcomes are written to it: it keeps the newest, each once.
inline void a_reconfiguration_meets_a_window(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 4, .failure_percent = 100}, .open_for = 10s}};
  for (int i = 0; i < 4; ++i) i == 3 ? x.fail() : x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire()};
  const auto change = [&] {
    x.b.reconfigure(
        {.failures = 0, .window = {.calls = 8, .failure_percent = 100}, .open_for = 10s});
  };
  if (!e.threads({[&] { p[0]->failure(); }, change, [&] { p[1]->success(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  e.expect(s.window_failed == 2, "a failure among the newest was lost, or counted twice");
  e.expect(s.window_calls >= 4 && s.window_calls <= 6, "the window holds what it never saw");
  e.expect(s.counts.failure == 2 && s.counts.success == 4, "an outcome was not counted once");
  x.check_always(e, 6);
}

}  // namespace explored::breakers
