// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gabion/core/uuid.hpp>
#include <gabion/testing/detail/outbox_case.hpp>

/// Cases about writing into the caller's transaction, ids, order and reading.
namespace gabion {
inline namespace v0 {
namespace testing::detail::outbox_cases {

template <class Case>
void committed_batch_in_order(Case& c) {
  const std::vector<enqueued> got = c.put({letter_of("a"), letter_of("b"), letter_of("c")});
  c.require(got.size() == 3, "enqueue answers once for each message");
  c.expect(got[0].at < got[1].at && got[1].at < got[2].at,
           "positions rise in the order of the batch");
  c.expect(got[0].at > beginning, "positions are above the beginning");
  c.expect(!got[0].deduplicated, "a new message is not a duplicate");
  c.expect(c.ids() == "a b c", "the three are pending, in their order");
  const std::vector<outbox_record> records = c.pending();
  c.require(records.size() == 3, "fetch gives all three");
  c.expect(records[1].at == got[1].at, "fetch gives the positions that enqueue gave");
  c.expect(records[1].attempts == 0 && !records[1].blocked,
           "a new message has no attempts and is not blocked");
}

template <class Case>
void rollback_leaves_nothing(Case& c) {
  c.put({letter_of("before")});
  c.roll_back([&](auto& tx) {
    const std::vector<message> batch{letter_of("x"), letter_of("y")};
    c.store().enqueue(tx, batch);
  });
  c.expect(c.ids() == "before", "what was rolled back is not pending");
  c.expect(c.store().stats().pending == 1, "what was rolled back is not counted");
  const std::vector<enqueued> again = c.put({letter_of("x")});
  c.expect(!again.front().deduplicated, "the id of a message that was rolled back is free");
  c.expect(c.ids() == "before x", "a gap that a rollback leaves stops nothing");
}

template <class Case>
void foreign_transaction_is_refused(Case& c) {
  c.transact_elsewhere([&](auto& tx) {
    const std::vector<message> batch{letter_of("x")};
    c.expect(code_of([&] { c.store().enqueue(tx, batch); }) == errc::invalid_argument,
             "a transaction of another database is refused");
  });
  c.expect(c.ids().empty(), "nothing is pending that no transaction of this database wrote");
}

template <class Case>
void several_enqueues_in_one_transaction(Case& c) {
  c.transact([&](auto& tx) {
    const std::vector<message> first{letter_of("a")};
    const std::vector<message> second{letter_of("b"), letter_of("c")};
    c.store().enqueue(tx, first);
    c.store().enqueue(tx, second);
    return 0;
  });
  c.expect(c.ids() == "a b c", "all of them are pending after the commit, in their order");
}

template <class Case>
void empty_batch(Case& c) {
  c.expect(c.put({}).empty(), "an empty batch answers nothing");
  c.expect(c.pending().empty(), "an empty batch writes nothing");
}

template <class Case>
void same_id_again(Case& c) {
  const position first = c.put_one(letter_of("a", "k", "first"));
  const std::vector<enqueued> again = c.put({letter_of("a", "k", "second")});
  c.require(again.size() == 1, "enqueue answers once for each message");
  c.expect(again.front().deduplicated, "the same id again is told to be a duplicate");
  c.expect(again.front().at == first, "the same id again gives back the first position");
  c.require(c.ids() == "a", "the same id again writes nothing");
  c.expect(c.pending().front().what.data == "first", "the first message stays as it was");
}

template <class Case>
void same_id_within_a_batch(Case& c) {
  const std::vector<enqueued> got = c.put({letter_of("a"), letter_of("b"), letter_of("a")});
  c.require(got.size() == 3, "enqueue answers once for each message");
  c.expect(!got[0].deduplicated && got[2].deduplicated && got[0].at == got[2].at,
           "the second of the same id is the duplicate");
  c.expect(c.ids() == "a b", "it is written once");
}

template <class Case>
void same_id_after_purge(Case& c) {
  const lease held = c.own();
  const position first = c.put_one(letter_of("a"));
  c.settled(held, {delivered(first)});
  c.expect(c.put({letter_of("a")}).front().deduplicated,
           "the id of a delivered message that is kept is a duplicate still");
  c.time().advance(std::chrono::hours{1});
  c.require(c.store().purge_published(c.time().wall_now(), 10) == 1,
            "the delivered message is purged");
  const std::vector<enqueued> again = c.put({letter_of("a")});
  c.expect(!again.front().deduplicated && again.front().at > first,
           "after the purge the id is new, at a higher position");
}

template <class Case>
void same_id_from_several_threads(Case& c) {
  constexpr int threads = 4;
  std::atomic<int> fresh{0};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&] {
      const std::vector<message> batch{letter_of("a")};
      const auto got = c.transact([&](auto& tx) { return c.store().enqueue(tx, batch); });
      if (!got.front().deduplicated) fresh.fetch_add(1);
    });
  for (std::thread& thread : running) thread.join();
  c.expect(fresh.load() == 1,
           "one of the threads writes, the others are told that it is a duplicate");
  c.expect(c.ids() == "a", "it is written once");
}

template <class Case>
void many_threads_lose_nothing(Case& c) {
  constexpr int threads = 4;
  constexpr int each = 25;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&c, t] {
      for (int i = 0; i < each; ++i) {
        const std::vector<message> batch{
            letter_of(std::to_string(t) + "-" + std::to_string(i), "key " + std::to_string(t))};
        c.transact([&](auto& tx) { return c.store().enqueue(tx, batch); });
      }
    });
  for (std::thread& thread : running) thread.join();
  const std::vector<outbox_record> all = c.pending();
  c.expect(all.size() == threads * each, "every message of every thread is pending");
  std::vector<int> next(threads, 0);
  bool ordered = true;
  for (const outbox_record& r : all) {
    const int t = r.what.id.front() - '0';
    ordered = ordered && r.what.id == std::to_string(t) + "-" +
                                          std::to_string(next[static_cast<std::size_t>(t)]++);
  }
  c.expect(ordered, "the messages of each thread are in the order in which it wrote them");
}

template <class Case>
void bad_message_in_a_batch(Case& c) {
  message bad = letter_of("bad");
  bad.type.clear();
  const std::vector<message> batch{letter_of("a"), bad, letter_of("b")};
  // The caller catches the error and commits all the same.
  c.transact([&](auto& tx) {
    c.expect(code_of([&] { c.store().enqueue(tx, batch); }) == errc::invalid_argument,
             "a message without a type is an invalid argument");
    return 0;
  });
  c.expect(c.pending().empty(), "one bad message and nothing of its batch is written");
}

template <class Case>
void empty_id_and_time_are_filled(Case& c) {
  message m = letter_of("");
  c.put({m, m});
  const std::vector<outbox_record> got = c.pending();
  c.require(got.size() == 2, "messages without an id are no duplicates of each other");
  const auto first = uuid::parse(got[0].what.id);
  c.require(first.has_value(), "an empty id becomes a UUID");
  c.expect(first->version() == 7, "the UUID has version 7");
  c.expect(got[0].what.id != got[1].what.id, "the ids differ");
  c.expect(got[0].what.time == c.time().wall_now(), "an epoch time becomes the store's");
}

template <class Case>
void order_is_by_number_not_by_time(Case& c) {
  c.put({letter_of("a")});
  c.put({letter_of("b")});  // the same microsecond
  c.time().advance(std::chrono::minutes{-5});
  message old = letter_of("c");
  old.time = c.time().wall_now() - std::chrono::hours{24};
  c.put({old});
  c.expect(c.ids() == "a b c", "equal and falling time stamps do not disturb the order of enqueue");
}

template <class Case>
void fetch_pages(Case& c) {
  for (int i = 0; i < 7; ++i) c.put({letter_of(std::to_string(i))});
  const std::vector<outbox_record> first = c.pending(beginning, 3);
  c.require(first.size() == 3, "fetch gives as many as asked for");
  const std::vector<outbox_record> second = c.pending(first.back().at, 3);
  c.require(second.size() == 3, "fetch goes on above a position");
  c.expect(second.front().what.id == "3", "it gives the next one, not the position itself");
  c.expect(c.pending(second.back().at, 3).size() == 1, "the last page has the rest");
  c.expect(c.pending(c.pending().back().at, 3).empty(), "above the last one is nothing");
  c.expect(c.pending(beginning, 0).empty(), "a limit of 0 gives nothing");
  c.expect(c.pending(beginning, 3).size() == 3, "fetch takes nothing away");
  c.expect(c.store().fetch(1'000'000, beginning, 10).empty(),
           "a lane that is not there has no messages");
}

}  // namespace testing::detail::outbox_cases
}  // namespace v0
}  // namespace gabion
