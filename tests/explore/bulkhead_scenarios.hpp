// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>

#include "explore/scenario.hpp"

namespace explored::bulkheads {

using bulkhead = gabion::basic_bulkhead<explorer_env>;
using queue = gabion::basic_queueing_bulkhead<explorer_env>;
using gabion::call_context;
using gabion::entry_step;

/// Two callers, one permit: never both inside, and each is either let in or refused.
inline void two_callers_one_permit(explorer& e) {
  bulkhead b{{.limit = 1}};
  crowd inside{e, 1};
  std::array<bool, 2> admitted{};
  const auto call = [&](std::size_t i) {
    return [&, i] {
      auto permit = b.try_acquire();
      admitted[i] = static_cast<bool>(permit);
      if (permit) inside.pass_through();
      permit.release();  // and once more when it is dropped, which must do nothing
    };
  };
  if (!e.threads({call(0), call(1)})) return;
  const auto s = b.snapshot();
  e.expect(admitted[0] || admitted[1], "a free permit was refused to both");
  e.expect(s.in_use == 0, "a permit did not come back, or came back twice");
  e.expect(s.rejected == (admitted[0] && admitted[1] ? 0U : 1U), "a refusal was not counted once");
}

inline void three_callers_two_permits(explorer& e) {
  bulkhead b{{.limit = 2}};
  crowd inside{e, 2};
  const auto call = [&] {
    if (const auto permit = b.try_acquire()) inside.pass_through();
  };
  if (!e.threads({call, call, call})) return;
  e.expect(b.snapshot().in_use == 0, "a permit did not come back, or came back twice");
}

/// A limit is lowered while two callers come: whoever comes after it meets the new one.
inline void lowering_meets_callers(explorer& e) {
  bulkhead b{{.limit = 2}};
  bulkhead::permit first;
  bulkhead::permit second;
  const auto lower = [&] {
    b.resize(1);
    const auto third = b.try_acquire();
    e.expect(!third || b.snapshot().in_use == 1, "a permit was given above the new limit");
  };
  if (!e.threads({[&] { first = b.try_acquire(); }, [&] { second = b.try_acquire(); }, lower}))
    return;
  const auto s = b.snapshot();
  e.expect(s.limit == 1, "the new limit was lost");
  e.expect(s.in_use == (first ? 1U : 0U) + (second ? 1U : 0U),
           "permits in use and permits held differ");
  first.release();
  second.release();
  e.expect(b.snapshot().in_use == 0 && b.try_acquire(), "the bulkhead does not recover");
}

/// One who waits as long as it takes, and is inside for a moment. Asks once more before the wait,
/// as a driver may that was woken for something else.
class patient {
 public:
  patient(explorer& e, queue& q, crowd& inside) : e_{&e}, inside_{&inside}, run_{q} {
    context_.wake.emplace(told_);
  }
  void operator()() {
    entry_step step = run_.enter(context_, clock_at(0s));
    if (step.what == entry_step::kind::wait) step = run_.enter(context_, clock_at(0s));
    while (step.what == entry_step::kind::wait) {
      told_.wait();
      step = run_.enter(context_, clock_at(0s));
    }
    e_->expect(step.what == entry_step::kind::pass, "one who may wait for ever was refused");
    if (step.what != entry_step::kind::pass) return;
    inside_->pass_through();
    gabion::call_outcome outcome{};
    static_cast<void>(run_.leave(outcome, context_, clock_at(0s)));
  }
  void wake() noexcept { told_.wake(); }
  std::stop_source stop{};

 private:
  explorer* e_;
  crowd* inside_;
  explorer_env::event told_{};
  call_context context_{};
  queue::run run_;
};

constexpr gabion::queueing_bulkhead_options one{.limit = 1, .max_waiting = 2};

inline void check_at_rest(explorer& e, const queue& q, std::uint32_t in_use = 0) {
  const auto s = q.snapshot();
  e.expect(s.waiting == 0, "somebody is left in the queue");
  e.expect(s.in_use == in_use, "a permit did not come back, or came back twice");
}

/// The only permit comes back while somebody joins the queue for it.
inline void a_returned_permit_finds_the_waiter(explorer& e) {
  queue q{one};
  crowd inside{e, 1};
  auto held = q.try_acquire();
  patient waiter{e, q, inside};
  if (!e.threads({[&] { held.release(); }, [&] { waiter(); }})) return;
  check_at_rest(e, q);
}

/// Two wait for what one gives back: one after the other, nobody is forgotten.
inline void two_waiters_are_served_in_turn(explorer& e) {
  queue q{one};
  crowd inside{e, 1};
  auto held = q.try_acquire();
  patient first{e, q, inside};
  patient second{e, q, inside};
  if (!e.threads({[&] { held.release(); }, [&] { first(); }, [&] { second(); }})) return;
  check_at_rest(e, q);
}

/// A caller that does not wait comes while a permit is on its way to one who does.
inline void nobody_passes_who_waits(explorer& e) {
  queue q{one};
  crowd inside{e, 1};
  auto held = q.try_acquire();
  patient waiter{e, q, inside};
  const auto hurried = [&] {
    if (const auto permit = q.try_acquire()) inside.pass_through();
  };
  if (!e.threads({[&] { held.release(); }, [&] { waiter(); }, hurried})) return;
  check_at_rest(e, q);
}

/// The waiting time ends at the moment when the permit comes: it is taken or goes on, and is never
/// lost.
inline void a_grant_meets_the_end_of_the_wait(explorer& e) {
  queue q{one};
  explorer_env::event told;
  call_context context{};
  context.wake.emplace(told);
  auto held = q.try_acquire();
  queue::run run{q};
  e.expect(run.enter(context, clock_at(0s)).what == entry_step::kind::wait, "did not wait");
  bool passed = false;
  if (!e.threads(
          {[&] { held.release(); },
           [&] { passed = run.enter(context, clock_at(1s)).what == entry_step::kind::pass; }}))
    return;
  check_at_rest(e, q, passed ? 1 : 0);
  e.expect(q.snapshot().timed_out == (passed ? 0U : 1U),
           "the end of the wait was not counted once");
  e.expect(passed || q.try_acquire(), "the permit of one who gave up was lost");
}

/// The caller gives up while the permit comes; a second waiter must get it then.
inline void a_grant_meets_a_cancellation(explorer& e) {
  queue q{one};
  crowd inside{e, 1};
  std::stop_source source;
  explorer_env::event told;
  call_context context{};
  context.wake.emplace(told);
  context.stop = source.get_token();
  auto held = q.try_acquire();
  queue::run run{q};
  e.expect(run.enter(context, clock_at(0s)).what == entry_step::kind::wait, "did not wait");
  source.request_stop();
  patient second{e, q, inside};
  const auto give_up = [&] {
    e.expect(run.enter(context, clock_at(0s)).what == entry_step::kind::refuse,
             "one who gave up was let in");
  };
  if (!e.threads({[&] { held.release(); }, give_up, [&] { second(); }})) return;
  check_at_rest(e, q);
  e.expect(q.snapshot().cancelled == 1, "the cancellation was not counted once");
}

/// A run is dropped in the queue while the permit comes.
inline void a_grant_meets_a_dropped_run(explorer& e) {
  queue q{one};
  explorer_env::event told;
  call_context context{};
  context.wake.emplace(told);
  auto held = q.try_acquire();
  std::optional<queue::run> run{std::in_place, q};
  e.expect(run->enter(context, clock_at(0s)).what == entry_step::kind::wait, "did not wait");
  if (!e.threads({[&] { held.release(); }, [&] { run.reset(); }})) return;
  check_at_rest(e, q);
  e.expect(static_cast<bool>(q.try_acquire()), "the permit of one who was dropped was lost");
}

/// The limit is raised while somebody joins the queue.
inline void raising_finds_the_waiter(explorer& e) {
  queue q{one};
  crowd inside{e, 2};
  const auto held = q.try_acquire();
  patient waiter{e, q, inside};
  if (!e.threads({[&] { q.resize(2); }, [&] { waiter(); }})) return;
  check_at_rest(e, q, 1);
}

/// Four threads: a release, two that wait, and one in a hurry.
inline void a_crowd_at_one_door(explorer& e) {
  queue q{one};
  crowd inside{e, 1};
  auto held = q.try_acquire();
  patient first{e, q, inside};
  patient second{e, q, inside};
  const auto hurried = [&] {
    if (const auto permit = q.try_acquire()) inside.pass_through();
  };
  if (!e.threads({[&] { held.release(); }, [&] { first(); }, [&] { second(); }, hurried})) return;
  check_at_rest(e, q);
}

inline constexpr std::array all{
    scenario{"bulkhead: two callers and one permit", two_callers_one_permit},
    scenario{"bulkhead: three callers and two permits", three_callers_two_permits},
    scenario{"bulkhead: the limit is lowered while callers come", lowering_meets_callers},
    scenario{"bulkhead queue: a returned permit finds who waits",
             a_returned_permit_finds_the_waiter},
    scenario{"bulkhead queue: two who wait are served in turn", two_waiters_are_served_in_turn},
    scenario{"bulkhead queue: nobody passes who waits", nobody_passes_who_waits},
    scenario{"bulkhead queue: a grant meets the end of the wait",
             a_grant_meets_the_end_of_the_wait},
    scenario{"bulkhead queue: a grant meets a cancellation", a_grant_meets_a_cancellation},
    scenario{"bulkhead queue: a grant meets a dropped run", a_grant_meets_a_dropped_run},
    scenario{"bulkhead queue: a raised limit finds who waits", raising_finds_the_waiter},
    scenario{"bulkhead queue: a crowd at one door", a_crowd_at_one_door},
};

}  // namespace explored::bulkheads
