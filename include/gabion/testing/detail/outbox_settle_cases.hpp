// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gabion/testing/detail/outbox_case.hpp>

/// Cases about leases, epochs and settlements.
namespace gabion {
inline namespace v0 {
namespace testing::detail::outbox_cases {

template <class Case>
void lease_is_exclusive(Case& c) {
  const std::optional<lease> one =
      c.store().acquire_lease("relay", "one", std::chrono::seconds{10});
  c.require(one.has_value(), "a free lease is given");
  c.expect(one->name == "relay" && one->owner == "one" && one->epoch > 0,
           "it names itself, its owner and an epoch");
  c.expect(!c.store().acquire_lease("relay", "two", std::chrono::seconds{10}),
           "nobody else gets it");
  c.expect(c.store().acquire_lease("other", "two", std::chrono::seconds{10}).has_value(),
           "a lease of another name is free");
  const std::optional<lease> again =
      c.store().acquire_lease("relay", "one", std::chrono::seconds{10});
  c.require(again.has_value(), "the owner gets it again");
  c.expect(again->epoch > one->epoch, "with a new epoch");
  c.expect(!c.store().renew_lease(*one, std::chrono::seconds{10}), "which fences his former self");
}

template <class Case>
void lease_expires_by_the_stores_clock(Case& c) {
  const lease one = c.own("one", std::chrono::seconds{10});
  c.time().advance(std::chrono::seconds{10} - std::chrono::microseconds{1});
  c.expect(!c.store().acquire_lease("relay", "two", std::chrono::seconds{10}),
           "a microsecond before its end it is taken");
  c.time().advance(std::chrono::microseconds{1});
  const std::optional<lease> two =
      c.store().acquire_lease("relay", "two", std::chrono::seconds{10});
  c.require(two.has_value(), "at its end it is free");
  c.expect(two->epoch > one.epoch, "the epoch rises with the owner");
  c.expect(!c.store().renew_lease(one, std::chrono::seconds{10}),
           "the former owner can not renew it");
  c.expect(!c.store().release_lease(one), "the former owner can not release it");
  c.expect(!c.store().acquire_lease("relay", "one", std::chrono::seconds{10}),
           "the new owner has it still");
}

template <class Case>
void lease_is_renewed(Case& c) {
  const lease one = c.own("one", std::chrono::seconds{10});
  c.time().advance(std::chrono::seconds{9});
  c.expect(c.store().renew_lease(one, std::chrono::seconds{10}), "the owner renews");
  c.time().advance(std::chrono::seconds{9});
  c.expect(!c.store().acquire_lease("relay", "two", std::chrono::seconds{10}),
           "the time runs from the renewal");
  c.time().advance(std::chrono::seconds{1});
  c.expect(c.store().acquire_lease("relay", "two", std::chrono::seconds{10}).has_value(),
           "and ends");
}

template <class Case>
void lease_is_released(Case& c) {
  const lease one = c.own("one");
  c.expect(c.store().release_lease(one), "the owner releases");
  c.expect(!c.store().release_lease(one), "once");
  c.expect(!c.store().renew_lease(one, std::chrono::seconds{1}),
           "what was released can not be renewed");
  const lease two = c.own("two");
  c.expect(two.epoch > one.epoch, "the next owner gets a higher epoch at once");
}

template <class Case>
void lease_survives_a_clock_that_jumps(Case& c) {
  const lease one = c.own("one", std::chrono::minutes{1});
  c.time().advance(std::chrono::hours{-24});
  c.expect(!c.store().acquire_lease("relay", "two", std::chrono::minutes{1}),
           "a clock that steps back gives it to nobody");
  c.time().advance(std::chrono::hours{48});
  const lease two = c.own("two");
  const position at = c.put_one(letter_of("a"));
  c.expect(c.settle(one, {delivered(at)}) == settle_status::fenced,
           "one that jumps ahead gives it away, and fences the former owner");
  c.expect(c.settle(two, {delivered(at)}) == settle_status::applied, "in favour of the new one");
}

template <class Case>
void one_of_many_gets_the_lease(Case& c) {
  constexpr int threads = 4;
  std::atomic<int> owners{0};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&c, &owners, t] {
      if (c.store().acquire_lease("relay", "owner " + std::to_string(t), std::chrono::minutes{1}))
        owners.fetch_add(1);
    });
  for (std::thread& thread : running) thread.join();
  c.expect(owners.load() == 1, "of those who start at once one gets the lease");
}

template <class Case>
void delivered_is_done(Case& c) {
  const lease held = c.own();
  const position a = c.put_one(letter_of("a"));
  const position b = c.put_one(letter_of("b"));
  const position d = c.put_one(letter_of("c"));
  c.settled(held, {delivered(a), delivered(d)});
  c.expect(c.ids() == "b", "what is named is done, what lies between is not");
  c.settled(held, {delivered(a), delivered(b)});
  c.expect(c.ids().empty(), "to settle what is settled is no fault");
  c.settled(held, {});
  c.settled(held, {delivered(position{to_number(d) + 1000})});
  c.expect(c.store().stats().pending == 0, "nor is a position that is not there");
}

template <class Case>
void watermark_alone_settles_nothing_above_it(Case& c) {
  const lease held = c.own();
  const position a = c.put_one(letter_of("a"));
  c.put({letter_of("b")});
  const std::vector<settlement> done{delivered(a)};
  c.require(c.store().settle(held, done, a) == settle_status::applied,
            "a settlement under the current lease is applied");
  c.expect(c.ids() == "b", "what is above the watermark stays");
}

template <class Case>
void deferred_remembers_attempts(Case& c) {
  const lease held = c.own();
  const position a = c.put_one(letter_of("a"));
  const position b = c.put_one(letter_of("b"));
  const message before = c.pending().front().what;
  c.settled(held, {deferred(a, 2)});
  c.expect(c.ids() == "a b", "a deferred message is pending still, in its place");
  c.require(c.find(a).has_value(), "a deferred message is pending still");
  c.expect(c.find(a)->attempts == 2, "its attempts are remembered");
  c.expect(c.find(a)->what == before, "the message itself does not change");
  c.expect(c.find(b)->attempts == 0, "those of others are theirs");
  c.expect(!c.find(b)->blocked, "a deferred message does not block its key in the store");
}

template <class Case>
void newer_epoch_fences(Case& c) {
  const position a = c.put_one(letter_of("a", "k1"));
  const position b = c.put_one(letter_of("b", "k2"));
  const lease one = c.own("one", std::chrono::seconds{10});
  c.time().advance(std::chrono::seconds{11});
  const lease two = c.own("two");
  c.expect(c.settle(one, {delivered(a), dead(b)}) == settle_status::fenced,
           "the former owner is told that he is fenced");
  c.expect(c.ids() == "a b" && c.dead_ids().empty(), "and nothing of his settlement is written");
  c.expect(c.settle(two, {delivered(a)}) == settle_status::applied, "the current owner's is");
  lease forged = two;
  forged.epoch -= 1;
  c.expect(c.settle(forged, {delivered(b)}) == settle_status::fenced,
           "it is the epoch that counts");
  forged.epoch = two.epoch + 1;
  c.expect(c.settle(forged, {delivered(b)}) == settle_status::fenced,
           "an epoch that was never given is not current");
  forged = {.name = "never taken", .owner = "two", .epoch = 1};
  c.expect(c.settle(forged, {delivered(b)}) == settle_status::fenced,
           "neither is a lease that was never given");
  c.expect(c.ids() == "b", "nothing of that is written");
}

template <class Case>
void dead_is_kept_and_blocks_its_key(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("b1", "b"), letter_of("a2", "a"), letter_of("free", "")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 4, "four are pending");
  c.settled(held, {dead(all[0].at)});
  c.expect(c.ids() == "b1 a2 free", "the dead one is not pending");
  for (const outbox_record& r : c.pending())
    c.expect(r.blocked == (r.what.id == "a2"),
             "behind it its key is blocked, and no other: " + r.what.id);
  c.put({letter_of("a3", "a")});
  c.expect(c.pending().back().blocked, "what comes later for the key is blocked too");
}

template <class Case>
void dead_without_a_key_blocks_nothing(Case& c) {
  const lease held = c.own();
  const position first = c.put_one(letter_of("x", ""));
  c.settled(held, {dead(first)});
  const position second = c.put_one(letter_of("y", ""));
  c.require(c.find(second).has_value(), "the second is pending");
  c.expect(!c.find(second)->blocked, "messages without a key do not wait for each other");
  c.settled(held, {parked(second)});
  c.expect(c.ids() == "y", "and are never parked");
}

template <class Case>
void parked_waits_behind_the_dead(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a"), letter_of("b1", "b")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 3, "three are pending");
  // In the wrong order: what is dead is named last.
  c.settled(held, {parked(all[1].at), delivered(all[2].at), dead(all[0].at)});
  c.expect(c.ids().empty(), "nothing is pending");
  const outbox_stats s = c.store().stats();
  c.expect(s.dead == 1 && s.parked == 1 && s.pending == 0, "one is dead, one is parked");
  c.expect(c.dead_ids() == "a1", "the parked one is no dead letter");
}

template <class Case>
void parked_needs_a_blocked_key(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 2, "two are pending");
  c.settled(held, {parked(all[1].at)});
  c.expect(c.ids() == "a1 a2", "a message whose key is not blocked stays pending");
  for (const outbox_record& r : c.pending())
    c.expect(!r.blocked, "and is free to go: " + r.what.id);
  const position a3 = c.put_one(letter_of("a3", "a"));
  c.require(c.find(a3).has_value(), "the next is pending");
  c.expect(c.find(a3)->blocked,
           "but who parked it has read past it, so what is newer waits until it is settled");
  c.settled(held, {delivered(a3)});
  c.settled(held, {dead(all[1].at), parked(all[0].at)});
  c.expect(c.ids() == "a1", "what is dead behind it does not block it");
  c.expect(c.store().redrive(all[1].at), "the dead one is redriven");
  c.settled(held, {parked(all[1].at)});
  c.expect(c.ids() == "a1 a2",
           "a parking that was decided before a redrive does not strand the message");
}

}  // namespace testing::detail::outbox_cases
}  // namespace v0
}  // namespace gabion
