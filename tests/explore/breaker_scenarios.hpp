// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/testing/explorer_env.hpp>

// Small races on a circuit breaker, each run under every interleaving of its shared accesses.
namespace breaker_scenarios {

using namespace std::chrono_literals;
using gabion::circuit_breaker_options;
using gabion::circuit_snapshot;
using gabion::circuit_state;
using gabion::circuit_transition;
using gabion::testing::explorer;
using gabion::testing::explorer_env;

/// Stands still while the threads run; a scenario moves it before.
struct held_clock {
  const gabion::instant* at;
  [[nodiscard]] gabion::instant now() const noexcept { return *at; }
};

/// What a listener heard, and whether it was ever told two things at once.
struct hearing {
  std::vector<circuit_transition> events{};
  explorer_env::atomic<int> inside{0};
  bool overlapped = false;
};
struct recorder {
  hearing* heard;
  void operator()(const circuit_transition& t) const {
    if (heard->inside.fetch_add(1) != 0) heard->overlapped = true;
    heard->events.push_back(t);
    heard->inside.fetch_sub(1);
  }
};

using breaker = gabion::basic_circuit_breaker<held_clock, recorder, explorer_env>;

/// A breaker with its time and what its listener heard.
struct bench {
  gabion::instant now{1h};
  hearing heard{};
  breaker b;

  explicit bench(const circuit_breaker_options& o) : b{o, held_clock{&now}, recorder{&heard}} {}

  [[nodiscard]] const std::vector<circuit_transition>& events() const { return heard.events; }

  void fail() { b.try_acquire()->failure(); }
  void succeed() { b.try_acquire()->success(); }
  void open_until_over() {
    fail();
    now += 10s;
  }

  /// Transitions hang together, and every call is in exactly one count.
  void check_always(explorer& e, std::uint64_t calls) {
    circuit_state state = circuit_state::closed;
    std::uint32_t generation = 0;
    e.expect(!heard.overlapped, "the listener was told two things at once");
    for (const circuit_transition& t : events()) {
      e.expect(t.generation == ++generation, "an event is missing or out of order");
      e.expect(t.from == state, "an event does not begin where the one before ended");
      state = t.to;
    }
    const circuit_snapshot s = b.snapshot();
    e.expect(s.generation == generation, "a transition without an event");
    e.expect(s.counts.settled() + s.counts.rejected + s.probes_out == calls, "a call is in no count or in two");
  }
};

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
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->failure(); }, [&] { p[2]->failure(); }})) return;
  const auto counts = x.b.snapshot().counts;
  e.expect(x.events().size() == 1 && x.events().at(0).failed == 2, "not exactly one transition after two failures");
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
    e.expect(s.counts.late == 1 && s.counts.success == 0, "a success before the trip did not end the row");
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
  const auto ask = [&](std::size_t i) { return [&x, &got, i] { got[i].emplace(x.b.try_acquire()); }; };
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
  e.expect(s.probes_out == Permits && s.counts.rejected == 1, "the caller too many was not rejected");
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
  e.expect(s.state == circuit_state::half_open && s.probes_succeeded == 1, "a late result changed the state");
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
  if (!e.threads({[&] { first.reset(); }, [&] { second.emplace(x.b.try_acquire()); }, [&] { third.emplace(x.b.try_acquire()); }}))
    return;
  const circuit_snapshot s = x.b.snapshot();
  const std::uint32_t admitted = (*second ? 1U : 0U) + (*third ? 1U : 0U);
  e.expect(admitted <= 1, "one permit was given twice");
  e.expect(s.probes_out == admitted, "permits out and permits held differ");
  e.expect(s.counts.abandoned == 1, "the abandoned permit was not counted");
  x.check_always(e, 4);
}

/// The probe that never came back does so at last, while somebody asks: open since the half-open time was over.
inline void a_lost_probe_comes_back_too_late(explorer& e) {
  bench x{{.failures = 1, .open_for = 10s, .successes_to_close = 1, .half_open_for = 5s}};
  x.open_until_over();
  auto lost = x.b.try_acquire();
  x.now += 5s;
  bool admitted = false;
  if (!e.threads({[&] { lost->success(); }, [&] { admitted = static_cast<bool>(x.b.try_acquire()); }})) return;
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

/// Three outcomes at the same moment, with a full window whose block is complete, so that all must write it to the ring first.
inline void the_window_stays_exact(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 8, .failure_percent = 100}, .open_for = 10s}};
  for (int i = 0; i < 8; ++i) i < 2 ? x.fail() : x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->success(); }, [&] { p[2]->failure(); }})) return;
  circuit_snapshot s = x.b.snapshot();
  e.expect(s.window_calls == 8 && s.window_failed == 2, "the window is not the last 8 outcomes");
  for (int i = 0; i < 5; ++i) x.succeed();
  e.expect(x.b.snapshot().window_failed == 2, "the window lost a failure too early");
  for (int i = 0; i < 3; ++i) x.succeed();
  s = x.b.snapshot();
  e.expect(s.window_failed == 0, "the window keeps a failure too long");
  e.expect(s.counts.success == 6 + 1 + 8 && s.counts.failure == 4, "an outcome was not counted once");
  x.check_always(e, 19);
}

/// A caller stalls while it writes a full block to the ring; the others go once around the ring in the meantime.
inline void a_stalled_writer_spoils_nothing(explorer& e) {
  using window = gabion::detail::circuit_window<explorer_env, 31, 2>;  // blocks of two: once around is soon done
  window w{{.calls = 4, .failure_percent = 100}};
  window::tally_type tally{0};
  const auto record = [&](std::initializer_list<bool> outcomes) {
    for (const bool failed : outcomes) static_cast<void>(w.record(tally, 0, failed));
  };
  record({false, false, true, false});
  if (!e.threads({[&] { record({false}); }, [&] { record({false, false, false, true, false}); }})) return;
  record({false});
  e.expect(w.sum(tally.load()).failed == 1, "a late write of a block spoiled the ring");
  record({false, false, false, false});
  e.expect(w.sum(tally.load()).failed == 0, "a late write of a block spoiled the ring");
}

/// The two outcomes that are missing to the minimum come at the same moment: opened by whichever is second, once.
inline void the_window_trips_once(explorer& e) {
  bench x{{.failures = 0, .window = {.calls = 4, .failure_percent = 50, .minimum_calls = 4}, .open_for = 10s}};
  x.fail();
  x.succeed();
  auto p = std::array{x.b.try_acquire(), x.b.try_acquire(), x.b.try_acquire()};
  if (!e.threads({[&] { p[0]->failure(); }, [&] { p[1]->success(); }, [&] { p[2]->success(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  const bool opened = s.state == circuit_state::open;
  if (opened) {
    e.expect(x.events().size() == 1 && s.window_failed == 2 && s.window_calls == 4, "the window is not what tripped it");
    e.expect(s.counts.late == 1, "the outcome after the trip is not late");
  } else {  // two successes first: f s s s, then the failure takes the place of the oldest
    e.expect(s.window_failed == 1 && s.counts.late == 0, "the window is not f s s, f");
  }
  x.check_always(e, 5);
}

/// A trip and a reset at the same moment: whatever is first, the events hang together.
inline void a_reset_meets_a_trip(explorer& e) {
  bench x{{.failures = 2, .open_for = 10s}};
  x.fail();
  auto p = x.b.try_acquire();
  if (!e.threads({[&] { p->failure(); }, [&] { x.b.reset(); }})) return;
  const circuit_snapshot s = x.b.snapshot();
  if (s.generation == 2)
    e.expect(s.state == circuit_state::closed && s.consecutive_failures == 0, "reset left something behind");
  else
    e.expect(s.generation == 0 && s.consecutive_failures <= 1, "a failure was counted twice");
  x.check_always(e, 2);
}

struct scenario {
  std::string_view name;
  void (*run)(explorer&);
};

inline constexpr std::array all{
    scenario{"two failures trip once", two_failures_trip_once},
    scenario{"the failure after the trip is late", the_failure_after_the_trip_is_late},
    scenario{"a success ends the row or is late", a_success_ends_the_row_or_is_late},
    scenario{"one permit and two callers", one_caller_too_many<1>},
    scenario{"two permits and three callers", one_caller_too_many<2>},
    scenario{"a late success decides nothing", a_late_result_decides_nothing<gabion::verdict::success>},
    scenario{"a late failure decides nothing", a_late_result_decides_nothing<gabion::verdict::failure>},
    scenario{"a late ignored call decides nothing", a_late_result_decides_nothing<gabion::verdict::ignored>},
    scenario{"an abandoned permit is free once", an_abandoned_permit_is_free_once},
    scenario{"a lost probe comes back too late", a_lost_probe_comes_back_too_late},
    scenario{"probes disagree", probes_disagree},
    scenario{"the window stays exact", the_window_stays_exact},
    scenario{"a stalled writer spoils nothing", a_stalled_writer_spoils_nothing},
    scenario{"the window trips once", the_window_trips_once},
    scenario{"a reset meets a trip", a_reset_meets_a_trip},
};

}  // namespace breaker_scenarios
