// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/limit_algorithm.hpp>

#include "explore/scenario.hpp"

// What finds its own limit: concurrency limiter and throttle.
namespace explored::adaptive {

using gabion::concurrency_limiter_options;
using gabion::limit_effect;
using gabion::limit_sample;

constexpr concurrency_limiter_options each_call{.window = {.span = duration::zero(), .samples = 1},
                                                .shortest_rtt = duration::zero()};

/// Halves on a drop, measures anew after a slow call, else stays. Its memory is plain: only the
/// limiter keeps threads apart.
class watched_limit {
 public:
  explicit watched_limit(std::uint32_t limit) : limit_{limit} {}
  watched_limit(const watched_limit& other) : limit_{other.limit_.get()} {}
  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  limit_effect update(const limit_sample& sample) noexcept {
    if (sample.dropped) limit_ = (std::max)(1U, limit_.get() / 2);
    return sample.rtt >= 1s ? limit_effect::restart : limit_effect::go_on;
  }

 private:
  explorer_env::plain<std::uint32_t> limit_;
};

using limiter = gabion::basic_concurrency_limiter<watched_limit, explorer_env>;

inline void check_at_rest(explorer& e, const limiter& l, std::uint64_t granted) {
  const auto s = l.snapshot();
  e.expect(s.in_flight == 0, "a place did not come back, or came back twice");
  e.expect(s.counts.settled() == granted, "a call is in no count or in two");
}

/// Two callers, one place.
inline void two_callers_one_place(explorer& e) {
  limiter l{watched_limit{1}, each_call};
  crowd inside{e, 1};
  std::array<bool, 2> admitted{};
  const auto call = [&](std::size_t i) {
    return [&, i] {
      auto entry = l.try_acquire(at(0s));
      admitted[i] = static_cast<bool>(entry);
      if (!entry) return;
      inside.pass_through();
      entry->success(at(1ms));
    };
  };
  if (!e.threads({call(0), call(1)})) return;
  const std::uint64_t granted = (admitted[0] ? 1U : 0U) + (admitted[1] ? 1U : 0U);
  e.expect(granted >= 1 && l.snapshot().counts.rejected == 2 - granted, "a free place was refused");
  check_at_rest(e, l, granted);
}

/// Samples that come at the same time: one teaches, none races with it, and a drop among them is
/// not forgotten.
inline void a_drop_is_never_lost(explorer& e) {
  limiter l{watched_limit{8}, each_call};
  std::array permits{l.try_acquire(at(0s)), l.try_acquire(at(0s)), l.try_acquire(at(0s))};
  if (!e.threads({[&] { permits[0]->success(at(1ms)); }, [&] { permits[1]->dropped(at(1ms)); },
                  [&] { permits[2]->success(at(1ms)); }}))
    return;
  l.try_acquire(at(1ms))->success(at(2ms));  // whoever comes next takes in what was left
  e.expect(l.limit() == 4, "a drop was lost, or counted twice");
  check_at_rest(e, l, 4);
}

/// The limit shrinks while a caller comes: admitted is who found room under the limit of that
/// moment.
inline void a_caller_meets_a_shrinking_limit(explorer& e) {
  limiter l{watched_limit{2}, each_call};
  auto first = l.try_acquire(at(0s));
  auto second = l.try_acquire(at(0s));
  bool admitted = false;
  const auto call = [&] {
    auto entry = l.try_acquire(at(0s));
    admitted = static_cast<bool>(entry);
    if (entry) entry->ignore();
  };
  if (!e.threads({[&] { first->dropped(at(1ms)); }, call})) return;
  e.expect(l.limit() == 1, "the drop was lost");
  second->success(at(1ms));
  check_at_rest(e, l, admitted ? 3 : 2);
}

/// The baseline is measured anew while an older call ends: what that one says is left out.
inline void a_stale_sample_meets_a_new_baseline(explorer& e) {
  limiter l{watched_limit{4}, each_call};
  auto slow = l.try_acquire(at(0s));
  auto old = l.try_acquire(at(0s));
  if (!e.threads({[&] { slow->success(at(1s)); }, [&] { old->success(at(2s)); }})) return;
  const auto s = l.snapshot();
  e.expect(s.epoch == 1 || s.epoch == 0, "an old call measured the baseline anew once more");
  e.expect(s.epoch == 1, "no call measured the baseline anew");
  e.expect(s.counts.stale + s.counts.skipped == 1,
           "the call of the old baseline was taken for a sample");
  check_at_rest(e, l, 2);
}

using throttle =
    gabion::basic_adaptive_throttle<gabion::basic_shared_random<explorer_env>, explorer_env>;
using buckets = gabion::detail::verdict_buckets<explorer_env>;

/// Two results in one sub-bucket and one in the next: all are counted.
inline void results_are_all_counted(explorer& e) {
  throttle t{{.window = 10s, .buckets = 2}, gabion::basic_shared_random<explorer_env>{1}};
  std::array permits{t.try_acquire(at(0s)), t.try_acquire(at(0s)), t.try_acquire(at(0s))};
  if (!e.threads({[&] { permits[0]->success(at(0s)); }, [&] { permits[1]->failure(at(0s)); },
                  [&] { permits[2]->success(at(5s)); }}))
    return;
  const auto s = t.snapshot(at(5s));
  e.expect(s.requests == 3 && s.accepts == 2, "a result was lost or counted twice");
  e.expect(s.admitted == 3 && s.rejected == 0, "a request was lost");
}

/// The ring comes round while an event of the round before is written.
inline void a_round_meets_the_one_before(explorer& e) {
  buckets b{4s, 2};
  b.accepted(at(0s));
  const auto event = [&](duration since) { return [&, since] { b.accepted(at(since)); }; };
  if (!e.threads({event(0s), event(4s), event(4s)})) return;
  const auto sum = b.sum(at(4s));
  e.expect(sum.accepted == 2 || sum.accepted == 3, "an event was lost, or an old one was counted");
  e.expect(b.sum(at(9s)).accepted == 0, "events outlive the window");
}

/// A reader between two writers never sees more than there was, nor fewer than before.
inline void a_reader_meets_events(explorer& e) {
  buckets b{4s, 2};
  b.other(at(0s));
  gabion::detail::bucket_sum seen{};
  if (!e.threads({[&] { b.accepted(at(0s)); }, [&] { seen = b.sum(at(1s)); },
                  [&] { b.accepted(at(2s)); }}))
    return;
  e.expect(seen.accepted <= 2 && seen.others <= 1, "the sum holds what was not counted");
  e.expect(b.sum(at(2s)).accepted == 2 && b.sum(at(2s)).others == 1, "an event was lost");
}

inline constexpr std::array all{
    scenario{"concurrency limiter: two callers and one place", two_callers_one_place},
    scenario{"concurrency limiter: a drop is never lost", a_drop_is_never_lost},
    scenario{"concurrency limiter: a caller meets a shrinking limit",
             a_caller_meets_a_shrinking_limit},
    scenario{"concurrency limiter: a stale sample meets a new baseline",
             a_stale_sample_meets_a_new_baseline},
    scenario{"throttle: results are all counted", results_are_all_counted},
    scenario{"throttle: a round meets the one before", a_round_meets_the_one_before},
    scenario{"throttle: a reader meets events", a_reader_meets_events},
};

}  // namespace explored::adaptive
