// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gabion/testing/detail/outbox_case.hpp>

/// Cases about dead letters, redrive, purging and counting.
namespace gabion {
inline namespace v0 {
namespace testing::detail::outbox_cases {

template <class Case>
void dead_letter_keeps_everything(Case& c) {
  const lease held = c.own();
  message m = letter_of("a");
  m.headers = {{"traceparent", "00-1-2-03"}};
  m.topic = "orders";
  m.time = c.time().wall_now() - std::chrono::hours{1};
  const position at = c.put_one(m);
  c.time().advance(std::chrono::minutes{5});
  c.settled(held,
            {{.at = at, .as = disposition::dead, .attempts = 7, .reason = "schema mismatch"}});
  const std::vector<dead_letter> letters = c.store().dead_letters(beginning, 10);
  c.require(letters.size() == 1, "there is one dead letter");
  c.expect(letters[0].at == at, "at its position");
  c.expect(letters[0].what == m, "with the whole message");
  c.expect(letters[0].attempts == 7 && letters[0].reason == "schema mismatch",
           "with its attempts and its reason");
  c.expect(letters[0].died_at == c.time().wall_now(), "and the time of the store's clock");
}

template <class Case>
void dead_letters_page(Case& c) {
  const lease held = c.own();
  for (int i = 0; i < 5; ++i) {
    const position at = c.put_one(letter_of(std::to_string(i), "key " + std::to_string(i)));
    c.settled(held, {dead(at)});
  }
  const std::vector<dead_letter> first = c.store().dead_letters(beginning, 3);
  c.require(first.size() == 3, "as many as asked for");
  const std::vector<dead_letter> rest = c.store().dead_letters(first.back().at, 3);
  c.require(rest.size() == 2, "then the rest");
  c.expect(first.front().what.id == "0" && rest.back().what.id == "4",
           "in the order of their positions");
}

template <class Case>
void reason_of_any_length(Case& c) {
  const lease held = c.own();
  const position at = c.put_one(letter_of("a"));
  c.settled(
      held,
      {{.at = at, .as = disposition::dead, .attempts = 1, .reason = std::string(100'000, 'r')}});
  const std::vector<dead_letter> letters = c.store().dead_letters(beginning, 1);
  c.require(letters.size() == 1, "a long reason is no obstacle");
  c.expect(letters[0].reason.starts_with(std::string(200, 'r')),
           "at least its first 200 bytes are kept");
}

template <class Case>
void redrive_restores_the_order(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a"), letter_of("b1", "b"), letter_of("a3", "a")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 4, "four are pending");
  c.settled(held, {deferred(all[1].at, 2), dead(all[0].at), parked(all[1].at), parked(all[3].at)});
  c.put({letter_of("a4", "a")});
  c.require(c.ids() == "b1 a4", "the rest of the key is held back");
  c.expect(c.store().redrive(all[0].at), "there is such a dead letter");
  c.expect(c.ids() == "a1 a2 b1 a3 a4",
           "it and what was parked behind it are pending in their order");
  for (const outbox_record& r : c.pending()) {
    c.expect(r.attempts == 0, "with no attempts counted: " + r.what.id);
    c.expect(r.blocked == (r.what.id == "a4"),
             "free to go, while what is newer waits for them: " + r.what.id);
  }
  c.expect(c.dead_ids().empty(), "it is no dead letter any more");
  const outbox_stats s = c.store().stats();
  c.expect(s.dead == 0 && s.parked == 0 && s.pending == 5, "and is counted as pending");
}

/// A relay that has read past a dead letter must not send what is newer before it has come back for
/// what was redriven.
template <class Case>
void nothing_overtakes_what_was_redriven(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a")});
  const std::vector<outbox_record> old = c.pending();
  c.require(old.size() == 2, "two are pending");
  c.settled(held, {dead(old[0].at), parked(old[1].at)});
  c.require(c.store().redrive(old[0].at), "they are redriven");
  const position a3 = c.put_one(letter_of("a3", "a"));
  const position a4 = c.put_one(letter_of("a4", "a"));
  for (const outbox_record& r : c.pending(old[1].at))
    c.expect(r.blocked, "a newer message of the key is blocked: " + r.what.id);
  c.settled(held, {parked(a3)});
  c.expect(c.ids() == "a1 a2 a3 a4", "to park it then is no parking: it stays pending");
  for (const outbox_record& r : c.pending(old[1].at))
    c.expect(r.blocked, "and is still not free past the older ones: " + r.what.id);
  c.settled(held, {delivered(old[0].at), delivered(old[1].at)});
  for (const outbox_record& r : c.pending())
    c.expect(r.at == a4 || !r.blocked,
             "once the older ones are delivered the next is free: " + r.what.id);
  c.settled(held, {delivered(a3)});
  c.require(c.find(a4).has_value(), "the last is pending");
  c.expect(!c.find(a4)->blocked, "and in its turn the last");
}

template <class Case>
void redrive_takes_dead_letters_only(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a"), letter_of("b1", "b"), letter_of("b2", "b")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 4, "four are pending");
  c.settled(held, {dead(all[0].at), parked(all[1].at), delivered(all[2].at)});
  c.expect(!c.store().redrive(all[1].at), "a parked message is none");
  c.expect(!c.store().redrive(all[2].at), "nor a delivered one");
  c.expect(!c.store().redrive(all[3].at), "nor a pending one");
  c.expect(!c.store().redrive(position{to_number(all[3].at) + 1000}), "nor one that is not there");
  c.expect(c.ids() == "b2" && c.dead_ids() == "a1" && c.store().stats().parked == 1,
           "and nothing changes");
}

template <class Case>
void redrive_works_once(Case& c) {
  const lease held = c.own();
  const position at = c.put_one(letter_of("a"));
  c.settled(held, {dead(at)});
  std::atomic<int> redriven{0};
  std::vector<std::thread> operators;
  for (int t = 0; t < 4; ++t)
    operators.emplace_back([&] {
      if (c.store().redrive(at)) redriven.fetch_add(1);
    });
  for (std::thread& each : operators) each.join();
  c.expect(redriven.load() == 1, "of several operators at once one has redriven it");
  c.expect(!c.store().redrive(at), "later there is nothing left to redrive");
  c.expect(c.ids() == "a", "it is pending once");
}

template <class Case>
void redriven_may_die_again(Case& c) {
  const lease held = c.own();
  const position a1 = c.put_one(letter_of("a1", "a"));
  const position a2 = c.put_one(letter_of("a2", "a"));
  c.settled(held, {dead(a1), parked(a2)});
  c.expect(c.store().redrive(a1), "it is redriven");
  c.settled(held, {delivered(a1), dead(a2, 9)});
  const std::vector<dead_letter> letters = c.store().dead_letters(beginning, 10);
  c.require(letters.size() == 1 && letters[0].at == a2, "what was parked can die in its turn");
  c.expect(letters[0].attempts == 9, "with the attempts of its own");
  c.expect(c.store().redrive(a2), "and be redriven");
  c.settled(held, {delivered(a2)});
  c.expect(c.ids().empty() && c.dead_ids().empty(), "in the end both are done");
}

template <class Case>
void redrive_stops_at_the_next_dead_one(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a"), letter_of("a3", "a"), letter_of("a4", "a")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 4, "four are pending");
  c.settled(held, {dead(all[0].at), parked(all[1].at), dead(all[2].at), parked(all[3].at)});
  c.expect(c.store().redrive(all[0].at), "the first is redriven");
  c.expect(c.ids() == "a1 a2", "what is parked behind the next dead one waits for that");
  c.expect(c.store().redrive(all[2].at), "the second is redriven");
  c.expect(c.ids() == "a1 a2 a3 a4", "then all are pending in their order");
}

template <class Case>
void redrive_behind_a_dead_one_stays_blocked(Case& c) {
  const lease held = c.own();
  c.put({letter_of("a1", "a"), letter_of("a2", "a")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 2, "two are pending");
  c.settled(held, {dead(all[0].at), dead(all[1].at)});
  c.expect(c.store().redrive(all[1].at), "the later one is redriven");
  c.require(c.find(all[1].at).has_value(), "it is pending");
  c.expect(c.find(all[1].at)->blocked, "but blocked by the earlier one");
  c.settled(held, {parked(all[1].at)});
  c.expect(c.store().redrive(all[0].at), "the earlier one is redriven");
  c.expect(c.ids() == "a1 a2", "then both are pending in their order");
}

template <class Case>
void purge_takes_the_old_and_delivered_only(Case& c) {
  const lease held = c.own();
  c.put({letter_of("done", "1"), letter_of("waiting", "2"), letter_of("dead", "3"),
         letter_of("parked", "3")});
  const std::vector<outbox_record> all = c.pending();
  c.require(all.size() == 4, "four are pending");
  const wall_time published = c.time().wall_now();
  c.settled(held, {delivered(all[0].at), dead(all[2].at), parked(all[3].at)});
  c.time().advance(std::chrono::hours{24 * 365});
  c.expect(c.store().purge_published(published, 100) == 0,
           "what was published exactly at the moment stays");
  c.expect(c.store().purge_published(published + std::chrono::microseconds{1}, 100) == 1,
           "what was published before it goes");
  c.expect(c.store().purge_published(c.time().wall_now(), 100) == 0,
           "the rest never does, whatever its age");
  const outbox_stats s = c.store().stats();
  c.expect(s.pending == 1 && s.dead == 1 && s.parked == 1,
           "the unsent, the dead and the parked are all there");
  c.expect(c.store().redrive(all[2].at) && c.ids() == "waiting dead parked", "and whole");
}

template <class Case>
void purge_is_bounded(Case& c) {
  const lease held = c.own();
  for (int i = 0; i < 5; ++i) {
    const position at = c.put_one(letter_of(std::to_string(i)));
    c.settled(held, {delivered(at)});
  }
  c.time().advance(std::chrono::hours{1});
  const wall_time now = c.time().wall_now();
  c.expect(c.store().purge_published(now, 0) == 0, "a limit of 0 purges nothing");
  c.expect(c.store().purge_published(now, 3) == 3, "no more than the limit goes at once");
  c.expect(c.store().purge_published(now, 3) == 2, "then the rest");
  c.expect(c.store().purge_published(now, 3) == 0, "then nothing");
}

template <class Case>
void stats_follow(Case& c) {
  const lease held = c.own();
  c.expect(c.store().stats().pending == 0 && !c.store().stats().oldest_pending,
           "an empty store has no oldest message");
  const wall_time first = c.time().wall_now();
  const position a = c.put_one(letter_of("a", "1"));
  c.time().advance(std::chrono::seconds{5});
  const wall_time second = c.time().wall_now();
  message young = letter_of("b", "2");
  young.time = first - std::chrono::hours{1};
  c.put({young});
  outbox_stats s = c.store().stats();
  c.expect(s.pending == 2, "two are pending");
  c.expect(s.oldest_pending == first, "the oldest is the one enqueued first");
  c.settled(held, {delivered(a)});
  s = c.store().stats();
  c.expect(s.pending == 1, "what is delivered is not pending");
  c.expect(s.oldest_pending == second,
           "age counts from the enqueue, not from the message's own time");
}

}  // namespace testing::detail::outbox_cases
}  // namespace v0
}  // namespace gabion
