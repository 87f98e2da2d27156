// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gabion/testing/detail/inbox_case.hpp>

/// Cases about what was handled: once, in the handler's transaction, for each consumer.
namespace gabion {
inline namespace v0 {
namespace testing::detail::inbox_cases {

template <class Case>
void new_once(Case& c) {
  c.expect(c.logged("a") == "none", "the log says nothing about a message that never came");
  c.expect(c.handle(letter_of("a")), "a message is new the first time");
  c.expect(!c.handle(letter_of("a")), "and never again");
  c.expect(!c.handle(letter_of("a", "another key", "other data")),
           "whatever it holds: source and id make it the same");
  c.expect(c.handle(letter_of("b")), "another one is new");
  const std::optional<inbox_entry> e = c.store().entry(Case::billing, "/conformance", "a");
  c.require(e.has_value(), "the log knows it");
  c.expect(e->status == inbox_status::processed, "as processed");
  c.expect(e->processed_at == c.time().wall_now(), "at the time of the store's clock");
}

template <class Case>
void new_again_after_a_rollback(Case& c) {
  bool first = false;
  c.roll_back(
      [&](auto& tx) { first = c.store().begin_message(tx, Case::billing, letter_of("a")); });
  c.expect(first, "a message is new the first time");
  c.expect(c.logged("a") == "none", "what was rolled back is not in the log");
  c.expect(c.handle(letter_of("a")), "and the message is new again");
}

template <class Case>
void repeated_in_one_transaction(Case& c) {
  c.transact([&](auto& tx) {
    c.expect(c.store().begin_message(tx, Case::billing, letter_of("a")),
             "a message is new the first time");
    c.expect(!c.store().begin_message(tx, Case::billing, letter_of("a")),
             "and not again within the same transaction");
    return 0;
  });
}

template <class Case>
void foreign_transaction_is_refused(Case& c) {
  c.transact_elsewhere([&](auto& tx) {
    c.expect(code_of([&] { (void)c.store().begin_message(tx, Case::billing, letter_of("x")); }) ==
                 errc::invalid_argument,
             "begin_message refuses a transaction of another database");
    c.expect(code_of([&] { c.store().keep_dead(tx, Case::billing, letter_of("x"), 1, "no"); }) ==
                 errc::invalid_argument,
             "keep_dead refuses a transaction of another database");
    c.expect(code_of([&] { (void)c.store().keep_parked(tx, Case::billing, letter_of("x")); }) ==
                 errc::invalid_argument,
             "keep_parked refuses a transaction of another database");
    c.expect(code_of([&] { (void)c.store().finish_letter(tx, Case::billing, position{1}); }) ==
                 errc::invalid_argument,
             "finish_letter refuses a transaction of another database");
  });
  c.expect(c.handle(letter_of("x")), "nothing was noted through it");
}

template <class Case>
void consumers_and_sources_are_apart(Case& c) {
  message elsewhere = letter_of("a");
  elsewhere.source = "/elsewhere";
  c.expect(c.handle(letter_of("a")), "new to one consumer");
  c.expect(c.handle(letter_of("a"), "shipping"), "and to another");
  c.expect(c.handle(elsewhere), "the same id of another source is another message");
  c.expect(!c.handle(letter_of("a"), "shipping"), "each is handled once");
  c.expect(c.logged("a", "nobody") == "none", "a consumer that handled nothing has no log");
}

template <class Case>
void once_over_several_threads(Case& c) {
  std::atomic<int> effects{0};
  std::vector<std::thread> running;
  for (int t = 0; t < 4; ++t)
    running.emplace_back([&] {
      if (c.handle(letter_of("a"))) effects.fetch_add(1);
    });
  for (std::thread& thread : running) thread.join();
  c.expect(effects.load() == 1, "of several at once one sees it as new");
}

template <class Case>
void nameless_is_refused(Case& c) {
  c.expect(code_of([&] { c.handle(letter_of("")); }) == errc::invalid_argument,
           "a message without an id is an invalid argument");
  c.expect(code_of([&] { c.handle(letter_of("a"), ""); }) == errc::invalid_argument,
           "so is a consumer without a name");
}

template <class Case>
void purge_takes_the_old_and_processed_only(Case& c) {
  const wall_time then = c.time().wall_now();
  c.handle(letter_of("done"));
  c.keep_dead(letter_of("dead"));
  c.require(c.keep_parked(letter_of("parked")), "it is parked");
  c.keep_dead(letter_of("again", "other"));
  c.require(c.store().redrive(Case::billing, c.place("again")), "it is redriven");
  c.time().advance(std::chrono::hours{24 * 365});
  c.handle(letter_of("young"));
  c.expect(c.store().purge_processed(then, 100) == 0,
           "what was processed exactly at the moment stays");
  c.expect(c.store().purge_processed(then + std::chrono::microseconds{1}, 100) == 1,
           "what was processed before it goes");
  c.expect(c.store().purge_processed(c.time().wall_now(), 100) == 0,
           "nothing else does, whatever its age");
  c.expect(c.logged("done") == "none" && c.logged("young") == "processed",
           "the young entry is there still");
  c.expect(c.listing() == "dead:dead parked:parked again:redriven", "and so are all letters");
  c.expect(c.logged("dead") == "dead", "with their entries");
  c.expect(c.handle(letter_of("done")), "a message whose entry was purged is new again");
}

template <class Case>
void purge_is_bounded(Case& c) {
  for (int i = 0; i < 5; ++i) c.handle(letter_of(std::to_string(i)));
  c.time().advance(std::chrono::hours{1});
  const wall_time now = c.time().wall_now();
  c.expect(c.store().purge_processed(now, 0) == 0, "a limit of 0 purges nothing");
  c.expect(c.store().purge_processed(now, 3) == 3, "no more than the limit goes at once");
  c.expect(c.store().purge_processed(now, 3) == 2, "then the rest");
}

}  // namespace testing::detail::inbox_cases
}  // namespace v0
}  // namespace gabion
