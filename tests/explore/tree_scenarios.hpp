// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>

#include "explore/scenario.hpp"

// Many of one kind together: circuits in a tree, limiters by key.
namespace explored::trees {

struct held_clock {
  const instant* time;
  [[nodiscard]] instant now() const noexcept { return *time; }
};
using tree = gabion::basic_circuit_tree<held_clock, gabion::no_observer, explorer_env>;
using gabion::circuit_state;

constexpr gabion::circuit_group_options two_thirds{
    .open_percent = 66, .minimum_children = 3, .hold_for = 5s};
constexpr gabion::circuit_breaker_options one_failure{.failures = 1, .open_for = 10s};

/// Two of three circuits open at the same moment: one of the two must notice that the group is open
/// with that.
inline void two_circuits_open_their_group(explorer& e) {
  const instant now = at(0s);
  tree t{{.groups = 1, .circuits = 3}, held_clock{&now}};
  const auto group = t.add_group(two_thirds);
  const std::array ids{t.add_circuit(group, one_failure), t.add_circuit(group, one_failure),
                       t.add_circuit(group, one_failure)};
  std::array calls{t.try_acquire(ids[0]), t.try_acquire(ids[1])};
  if (!e.threads({[&] { calls[0]->failure(); }, [&] { calls[1]->failure(); }})) return;
  e.expect(t.snapshot(group).state == circuit_state::open,
           "the group did not notice that two of three are open");
  e.expect(!t.try_acquire(ids[2]), "a call was let in below an open group");
}

/// A call comes to the third circuit while the others open: let in before the group opens, or
/// turned away by it.
inline void a_call_meets_an_opening_group(explorer& e) {
  const instant now = at(0s);
  tree t{{.groups = 1, .circuits = 3}, held_clock{&now}};
  const auto group = t.add_group(two_thirds);
  const std::array ids{t.add_circuit(group, one_failure), t.add_circuit(group, one_failure),
                       t.add_circuit(group, one_failure)};
  t.try_acquire(ids[0])->failure();
  auto last = t.try_acquire(ids[1]);
  const auto call = [&] {
    auto entry = t.try_acquire(ids[2]);
    if (entry) entry->success();
  };
  if (!e.threads({[&] { last->failure(); }, call})) return;
  e.expect(t.snapshot(group).state == circuit_state::open,
           "a success below kept the group from opening");
}

/// The group's hold is over: of two callers at the same moment one is its probe.
inline void two_callers_at_the_end_of_a_hold(explorer& e) {
  instant now = at(0s);
  tree t{{.groups = 1, .circuits = 3}, held_clock{&now}};
  const auto group = t.add_group(two_thirds);
  const std::array ids{t.add_circuit(group, one_failure), t.add_circuit(group, one_failure),
                       t.add_circuit(group, one_failure)};
  t.try_acquire(ids[0])->failure();
  t.try_acquire(ids[1])->failure();
  now += 10s;  // the circuits below are half-open as well
  std::array<bool, 2> admitted{};
  const auto ask = [&](std::size_t i) {
    return [&, i] {
      auto entry = t.try_acquire(ids[2]);
      admitted[i] = static_cast<bool>(entry);
      if (entry) entry->success();
    };
  };
  if (!e.threads({ask(0), ask(1)})) return;
  e.expect(admitted[0] || admitted[1], "nobody was let in though the hold is over");
  const auto s = t.snapshot(group);
  e.expect(s.state == circuit_state::closed || t.try_acquire(ids[2]),
           "a place of the group was lost");
}

using keyed = gabion::keyed_rate_limiter<std::uint64_t, gabion::basic_gcra<explorer_env>,
                                         gabion::key_hash, explorer_env>;

/// Two callers bring a key that is not known yet: one limiter is made, and one of them is let in.
inline void two_callers_bring_a_new_key(explorer& e) {
  keyed limiter{{.interval = 1s, .burst = 1}, {.keys = 2, .shards = 1}};
  std::array<bool, 2> granted{};
  const auto take = [&](std::size_t i) {
    return [&, i] { granted[i] = limiter.take(std::uint64_t{7}, at(0s)).granted; };
  };
  if (!e.threads({take(0), take(1)})) return;
  e.expect(granted[0] != granted[1], "not exactly one was let in");
  e.expect(limiter.snapshot().keys == 1, "two limiters for one key");
}

/// A key is forgotten while it is used: it begins anew at most once, so at most two are let in.
inline void a_key_is_forgotten_in_use(explorer& e) {
  keyed limiter{{.interval = 1s, .burst = 1}, {.keys = 2, .shards = 1}};
  explorer_env::atomic<int> granted{0};
  const auto take = [&] {
    if (limiter.take(std::uint64_t{7}, at(0s)).granted) granted.fetch_add(1);
  };
  if (!e.threads({take, take, [&] { static_cast<void>(limiter.forget(std::uint64_t{7})); }}))
    return;
  e.expect(granted.load() >= 1 && granted.load() <= 2,
           "nobody was let in, or a key began anew twice");
}

inline constexpr std::array all{
    scenario{"tree: two circuits open their group", two_circuits_open_their_group},
    scenario{"tree: a call meets an opening group", a_call_meets_an_opening_group},
    scenario{"tree: two callers at the end of a hold", two_callers_at_the_end_of_a_hold},
    scenario{"keyed limiter: two callers bring a new key", two_callers_bring_a_new_key},
    scenario{"keyed limiter: a key is forgotten in use", a_key_is_forgotten_in_use},
};

}  // namespace explored::trees
