// SPDX-License-Identifier: MIT
#include <gabion/testing/inbox_store_suite.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/adapters/memory/inbox_store.hpp>

#include "support/catch.hpp"

namespace {

using namespace gabion;

/// What an inbox may do wrong.
enum class bug {
  none,
  everything_is_new,
  forgets_the_consumer,
  forgets_the_source,
  drops_parked_messages,
  parks_everything,
  says_no_key_is_blocked,
  forgets_attempts,
  redrives_what_is_not_dead,
  lists_all_letters_as_redriven,
  finishes_out_of_order,
  finishes_dead_letters,
  purges_the_boundary,
  ignores_the_purge_limit,
  ignores_the_page_limit,
  forgets_headers,
  takes_any_transaction,
};

using good_store = memory::basic_inbox_store<testing::manual_wall_clock>;

class broken_store : public good_store {
 public:
  broken_store(memory::database& db, testing::manual_wall_clock time, bug b)
      : good_store{db, time}, bug_{b} {}

  bool begin_message(transaction& tx, std::string_view consumer, message m) {
    if (bug_ == bug::forgets_the_consumer) consumer = "billing";
    if (bug_ == bug::forgets_the_source) m.source = "/conformance";
    return good_store::begin_message(tx, consumer, m) || bug_ == bug::everything_is_new;
  }
  void keep_dead(transaction& tx, std::string_view consumer, message m, std::uint32_t attempts,
                 std::string_view reason) {
    if (bug_ == bug::forgets_attempts) attempts = 0;
    if (bug_ == bug::forgets_headers) m.headers.clear();
    try {
      good_store::keep_dead(tx, consumer, m, attempts, reason);
    } catch (const error&) {
      if (bug_ != bug::takes_any_transaction) throw;
    }
  }
  bool keep_parked(transaction& tx, std::string_view consumer, const message& m) {
    if (bug_ == bug::drops_parked_messages) return good_store::blocked(tx, consumer, m.subject);
    const bool kept = good_store::keep_parked(tx, consumer, m);
    if (!kept && bug_ == bug::parks_everything) good_store::keep_dead(tx, consumer, m, 0, "");
    return kept || bug_ == bug::parks_everything;
  }
  bool blocked(transaction& tx, std::string_view consumer, std::string_view key) {
    return bug_ != bug::says_no_key_is_blocked && good_store::blocked(tx, consumer, key);
  }
  bool redrive(std::string_view consumer, position at) {
    return good_store::redrive(consumer, at) || bug_ == bug::redrives_what_is_not_dead;
  }
  std::vector<inbox_letter> letters(std::string_view consumer, position after, std::size_t limit) {
    return good_store::letters(consumer, after,
                               bug_ == bug::ignores_the_page_limit ? 1'000'000 : limit);
  }
  std::vector<inbox_letter> redriven(std::string_view consumer, position after, std::size_t limit) {
    return bug_ == bug::lists_all_letters_as_redriven
               ? good_store::letters(consumer, after, limit)
               : good_store::redriven(consumer, after, limit);
  }
  bool finish_letter(transaction& tx, std::string_view consumer, position at) {
    return good_store::finish_letter(tx, consumer, at) || bug_ == bug::finishes_dead_letters ||
           (bug_ == bug::finishes_out_of_order && to_number(at) == 2);
  }
  std::size_t purge_processed(wall_time before, std::size_t limit) {
    if (bug_ == bug::purges_the_boundary) before += std::chrono::microseconds{1};
    return good_store::purge_processed(before,
                                       bug_ == bug::ignores_the_purge_limit ? 1'000'000 : limit);
  }

 private:
  bug bug_;
};

struct world {
  world(testing::manual_time& time, bug b) : inbox{db, time.wall(), b} {}
  broken_store& store() { return inbox; }
  memory::database& database() { return db; }
  memory::database& other_database() { return other; }

  memory::database db{};
  memory::database other{};
  broken_store inbox;
};

/// The names of the cases that do not pass.
std::vector<std::string> failing(bug b) {
  std::vector<std::string> names;
  for (const auto& c : testing::inbox_store_suite<world>()) {
    const auto found =
        testing::run_case(c, [b](testing::manual_time& time) { return world{time, b}; });
    if (!found.failures().empty()) names.emplace_back(c.name);
  }
  return names;
}

}  // namespace

TEST_CASE("the inbox suite finds nothing wrong with a good store", "[inbox][conformance]") {
  CHECK(failing(bug::none).empty());
}

// Some of the planted faults are data races.
#ifndef __SANITIZE_THREAD__
TEST_CASE("the inbox suite catches every fault that is planted in a store",
          "[inbox][conformance]") {
  const auto [planted, expected] = GENERATE(table<bug, std::string>({
      {bug::everything_is_new, "a message is new once"},
      {bug::everything_is_new, "a message is new once over several threads"},
      {bug::forgets_the_consumer, "consumers and sources are apart"},
      {bug::forgets_the_source, "consumers and sources are apart"},
      {bug::drops_parked_messages, "a redrive restores the order of the key"},
      {bug::drops_parked_messages, "nothing is stranded behind redriven letters"},
      {bug::parks_everything, "a letter blocks its key"},
      {bug::says_no_key_is_blocked, "a letter blocks its key"},
      {bug::forgets_attempts, "a dead message is kept"},
      {bug::redrives_what_is_not_dead, "a redrive takes dead letters only"},
      {bug::redrives_what_is_not_dead, "a redrive works once"},
      {bug::lists_all_letters_as_redriven, "a redrive restores the order of the key"},
      {bug::finishes_out_of_order, "letters are finished in the order of their key"},
      {bug::finishes_dead_letters, "a finished letter goes"},
      {bug::purges_the_boundary, "a purge takes the old and processed only"},
      {bug::ignores_the_purge_limit, "a purge is bounded"},
      {bug::ignores_the_page_limit, "letters are read in pages"},
      {bug::forgets_headers, "letters come back exactly"},
      {bug::takes_any_transaction, "a transaction of another database is refused"},
  }));
  const std::vector<std::string> names = failing(planted);
  CAPTURE(expected, names);
  CHECK(std::find(names.begin(), names.end(), expected) != names.end());
}
#endif
