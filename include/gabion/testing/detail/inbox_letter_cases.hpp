// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gabion/testing/detail/inbox_case.hpp>
#include <gabion/testing/detail/message_samples.hpp>

/// Cases about letters: what could not be handled, is kept in order, and is handled again.
namespace gabion {
inline namespace v0 {
namespace testing::detail::inbox_cases {

template <class Case>
void dead_is_kept(Case& c) {
  c.time().advance(std::chrono::minutes{1});
  c.keep_dead(letter_of("a"), 5, "no such account");
  const std::optional<inbox_letter> l = c.letter("a");
  c.require(l.has_value(), "it is a letter");
  c.expect(l->status == inbox_status::dead && l->at > beginning, "a dead one");
  c.expect(l->attempts == 5 && l->reason == "no such account", "with its attempts and its reason");
  c.expect(l->kept_at == c.time().wall_now(), "and the time of the store's clock");
  const std::optional<inbox_entry> e = c.store().entry(Case::billing, "/conformance", "a");
  c.require(e.has_value(), "the log knows it");
  c.expect(e->status == inbox_status::dead && e->attempts == 5 && e->reason == "no such account",
           "and says the same");
  c.expect(!c.handle(letter_of("a")), "a copy that comes later is not new");
  c.expect(c.store().letters("shipping", beginning, 10).empty(), "other consumers have no letter");
}

template <class Case>
void keeping_is_idempotent(Case& c) {
  c.keep_dead(letter_of("a"), 1, "first");
  c.keep_dead(letter_of("a"), 2, "second");
  c.expect(c.keep_parked(letter_of("b")) && c.keep_parked(letter_of("b")),
           "parking twice is parking");
  c.expect(c.listing() == "a:dead b:parked", "each message is one letter");
  c.expect(c.letter("a")->attempts == 2 && c.letter("a")->reason == "second",
           "which says the latest");
  c.expect(c.keep_parked(letter_of("a")), "a dead letter is kept already");
  c.expect(c.listing() == "a:dead b:parked", "and stays dead");
}

template <class Case>
void keeping_is_undone_by_a_rollback(Case& c) {
  c.keep_dead(letter_of("a", "k1"), 1, "first");
  c.roll_back([&](auto& tx) {
    c.store().keep_dead(tx, Case::billing, letter_of("a", "k1"), 9, "never");
    c.store().keep_dead(tx, Case::billing, letter_of("b", "k2"), 9, "never");
    (void)c.store().keep_parked(tx, Case::billing, letter_of("c", "k1"));
  });
  c.expect(c.listing() == "a:dead", "new letters are gone");
  c.expect(c.letter("a")->attempts == 1 && c.letter("a")->reason == "first",
           "and old ones are as before");
  c.expect(c.logged("b") == "none" && c.logged("c") == "none", "the log too");
  c.expect(!c.blocked("k2"), "the key is not blocked");
}

template <class Case>
void keys_are_blocked(Case& c) {
  c.expect(!c.blocked("k"), "at first no key is blocked");
  c.expect(!c.keep_parked(letter_of("early")), "nothing is parked then");
  c.expect(c.listing().empty() && c.logged("early") == "none", "or kept");
  c.keep_dead(letter_of("a"));
  c.expect(c.blocked("k"), "a dead letter blocks its key");
  c.expect(!c.blocked("other") && !c.blocked("k", "shipping"),
           "no other key, and for no other consumer");
  c.expect(c.keep_parked(letter_of("b")), "what comes behind it is parked");
  c.expect(c.logged("b") == "parked", "and logged so");
  c.expect(!c.keep_parked(letter_of("x", "other")), "another key's messages are not");
}

template <class Case>
void no_key_no_order(Case& c) {
  c.keep_dead(letter_of("a", ""));
  c.expect(!c.blocked(""), "messages without a key block nothing");
  c.expect(!c.keep_parked(letter_of("b", "")), "and are never parked");
  c.expect(c.store().redrive(Case::billing, c.place("a")), "but can be redriven");
  c.expect(c.redriven_ids() == "a", "each for itself");
}

/// A consumer first asks whether a message is new, then parks it in the same transaction.
template <class Case>
void kept_in_the_transaction_that_found_it_new(Case& c) {
  c.keep_dead(letter_of("a"));
  c.transact([&](auto& tx) {
    c.expect(c.store().begin_message(tx, Case::billing, letter_of("b")), "the message is new");
    c.expect(c.store().keep_parked(tx, Case::billing, letter_of("b")), "and is parked");
    c.expect(c.store().begin_message(tx, Case::billing, letter_of("c", "other")),
             "another one is new");
    c.store().keep_dead(tx, Case::billing, letter_of("c", "other"), 1, "broken");
    return 0;
  });
  c.expect(c.listing() == "a:dead b:parked c:dead", "both are letters");
  c.expect(c.logged("b") == "parked" && c.logged("c") == "dead", "and not logged as processed");
}

template <class Case>
void redrive_restores_the_order(Case& c) {
  c.keep_dead(letter_of("a1", "a"), 4);
  c.keep_dead(letter_of("b1", "b"));
  c.require(c.keep_parked(letter_of("a2", "a")) && c.keep_parked(letter_of("a3", "a")),
            "they are parked");
  c.expect(c.redriven_ids().empty(), "nothing is redriven by itself");
  c.expect(c.store().redrive(Case::billing, c.place("a1")), "there is such a dead letter");
  c.expect(c.listing() == "a1:redriven b1:dead a2:redriven a3:redriven",
           "it and what is parked behind it are redriven");
  c.expect(c.redriven_ids() == "a1 a2 a3", "in their order");
  c.expect(c.letter("a1")->attempts == 0, "with no attempts counted");
  c.expect(c.logged("a2") == "redriven" && c.logged("b1") == "dead", "and the log says so");
  const std::vector<inbox_letter> page = c.store().redriven(Case::billing, c.place("a1"), 1);
  c.expect(page.size() == 1 && page.front().what.id == "a2", "they are read in pages");
  c.expect(!c.handle(letter_of("a1", "a")), "a copy from the broker is still not new");
}

template <class Case>
void redrive_takes_dead_letters_only(Case& c) {
  c.keep_dead(letter_of("a"));
  c.require(c.keep_parked(letter_of("b")), "it is parked");
  c.expect(!c.store().redrive(Case::billing, c.place("b")), "a parked letter is none");
  c.expect(!c.store().redrive(Case::billing, position{1'000'000}), "nor one that is not there");
  c.expect(!c.store().redrive("shipping", c.place("a")), "nor another consumer's");
  c.expect(c.listing() == "a:dead b:parked", "and nothing changes");
}

template <class Case>
void redrive_works_once(Case& c) {
  c.keep_dead(letter_of("a"));
  const position at = c.place("a");
  std::atomic<int> redriven{0};
  std::vector<std::thread> operators;
  for (int t = 0; t < 4; ++t)
    operators.emplace_back([&] {
      if (c.store().redrive(Case::billing, at)) redriven.fetch_add(1);
    });
  for (std::thread& each : operators) each.join();
  c.expect(redriven.load() == 1, "of several operators at once one has redriven it");
}

template <class Case>
void redrive_stops_at_the_next_dead_one(Case& c) {
  c.keep_dead(letter_of("a1", "a"));
  c.require(c.keep_parked(letter_of("a2", "a")), "it is parked");
  c.keep_dead(letter_of("a3", "a"));
  c.require(c.keep_parked(letter_of("a4", "a")), "it is parked");
  c.expect(c.store().redrive(Case::billing, c.place("a1")), "the first is redriven");
  c.expect(c.listing() == "a1:redriven a2:redriven a3:dead a4:parked",
           "what is behind the next dead one waits for that");
}

template <class Case>
void finished_letters_go(Case& c) {
  c.keep_dead(letter_of("a1", "a"));
  c.require(c.keep_parked(letter_of("a2", "a")), "it is parked");
  const position first = c.place("a1");
  c.expect(!c.finish(first), "a dead letter is not there to be finished");
  c.require(c.store().redrive(Case::billing, first), "it is redriven");
  c.roll_back([&](auto& tx) {
    c.expect(c.store().finish_letter(tx, Case::billing, first), "a redriven one is");
  });
  c.expect(c.redriven_ids() == "a1 a2" && c.logged("a1") == "redriven",
           "if the handler's transaction rolls back it is there still");
  c.expect(!c.finish(first, "shipping"), "another consumer can not finish it");
  c.expect(c.finish(first), "the handler's commit removes it");
  c.expect(!c.finish(first), "once");
  c.expect(c.listing() == "a2:redriven" && c.logged("a1") == "processed",
           "the log calls it processed");
  c.expect(!c.handle(letter_of("a1", "a")), "a copy that comes later is not new");
  c.expect(c.blocked("a"), "the key is blocked while a letter is left");
  c.expect(c.finish(c.place("a2")), "the next is handled");
  c.expect(!c.blocked("a"), "then it is free");
}

template <class Case>
void finished_in_the_order_of_the_key(Case& c) {
  c.keep_dead(letter_of("a1", "a"));
  c.require(c.keep_parked(letter_of("a2", "a")), "it is parked");
  c.require(c.store().redrive(Case::billing, c.place("a1")), "they are redriven");
  const position first = c.place("a1");
  const position second = c.place("a2");
  c.expect(!c.finish(second), "a letter can not be finished before an earlier one of its key");
  c.expect(c.redriven_ids() == "a1 a2", "it waits");
  c.transact([&](auto& tx) {
    c.expect(c.store().still_redriven(tx, Case::billing, first), "it waits to be handled again");
    c.expect(c.store().finish_letter(tx, Case::billing, first), "the earlier one first");
    c.expect(!c.store().still_redriven(tx, Case::billing, first),
             "and does not once it is handled");
    c.expect(c.store().finish_letter(tx, Case::billing, second),
             "then the later one, in the same transaction if need be");
    return 0;
  });
  c.expect(c.listing().empty(), "both are done");
}

template <class Case>
void failing_again_keeps_the_place(Case& c) {
  c.keep_dead(letter_of("a1", "a"));
  c.require(c.keep_parked(letter_of("a2", "a")), "it is parked");
  const position at = c.place("a1");
  c.require(c.store().redrive(Case::billing, at), "they are redriven");
  c.keep_dead(letter_of("a1", "a"), 2, "still broken");
  c.expect(c.place("a1") == at, "a letter that fails again keeps its place");
  c.expect(c.listing() == "a1:dead a2:parked", "and holds back what is behind it");
  c.expect(c.letter("a1")->attempts == 2 && c.letter("a1")->reason == "still broken",
           "with its new reason");
  c.expect(c.logged("a1") == "dead" && c.logged("a2") == "parked", "as the log says");
  c.expect(c.keep_parked(letter_of("a2", "a")) && c.listing() == "a1:dead a2:parked",
           "to park that once more changes nothing");
  c.expect(c.store().redrive(Case::billing, at) && c.redriven_ids() == "a1 a2",
           "and all can be redriven again");
}

/// Behind letters that are all redriven nobody would ever redrive a parked one.
template <class Case>
void nothing_is_stranded_behind_redriven_letters(Case& c) {
  c.keep_dead(letter_of("a1", "a"));
  c.require(c.store().redrive(Case::billing, c.place("a1")), "it is redriven");
  c.expect(c.blocked("a"), "the key is blocked while its letters wait");
  c.expect(c.keep_parked(letter_of("a2", "a")), "so what comes is kept behind them");
  c.expect(c.redriven_ids() == "a1 a2", "and waits like them");
  c.expect(c.finish(c.place("a1")) && c.finish(c.place("a2")), "both are handled in their order");
  c.expect(!c.blocked("a"), "nothing is left");
}

template <class Case>
void letters_page(Case& c) {
  for (int i = 0; i < 5; ++i) c.keep_dead(letter_of(std::to_string(i), "key " + std::to_string(i)));
  const std::vector<inbox_letter> first = c.store().letters(Case::billing, beginning, 3);
  c.require(first.size() == 3, "as many as asked for");
  const std::vector<inbox_letter> rest = c.store().letters(Case::billing, first.back().at, 3);
  c.expect(rest.size() == 2 && rest.back().what.id == "4", "then the rest, in their order");
  c.expect(c.store().letters(Case::billing, beginning, 0).empty(), "a limit of 0 gives nothing");
}

template <class Case>
void letters_come_back_exactly(Case& c) {
  const std::vector<message_sample> samples = message_samples();
  for (const message_sample& s : samples) c.keep_dead(s.what);
  const std::vector<inbox_letter> got = c.letters();
  c.require(got.size() == samples.size(), "each of them is kept");
  for (std::size_t i = 0; i < got.size(); ++i)
    c.expect(got[i].what == samples[i].what, "comes back as it was: " + samples[i].why);
}

}  // namespace testing::detail::inbox_cases
}  // namespace v0
}  // namespace gabion
