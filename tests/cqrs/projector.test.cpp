// SPDX-License-Identifier: MIT
#include <gabion/cqrs/projector.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cqrs/projection_worlds.hpp"
#include "support/catch.hpp"

using namespace gabion_test;
using namespace std::chrono_literals;

namespace {

struct crash {};

template <class Log>
struct projector_cases {
  using bench = projection_bench<Log>;

  static void applies_each_event_once() {
    bench b;
    b.append(10);
    CHECK(b.projector->run_once() == 10);
    CHECK(b.holds_up_to(10));
    CHECK(b.projector->lag() == 0);
    b.append(3);
    CHECK(b.projector->lag() == 3);
    b.time.advance(200ms);
    CHECK(b.projector->run_once() == 3);
    CHECK(b.holds_up_to(13));
    CHECK(b.stored().at == position{13});
    b.time.advance(1h);
    CHECK(b.projector->run_once() == 0);
  }

  static void crashes_before_commit() {
    bench b;
    b.append(6);
    {
      const at_failpoint dead{[](std::string_view at) {
        if (at == "projection.applied" || at.starts_with("memory.") || at.starts_with("sqlite."))
          throw crash{};
      }};
      b.restart("doomed");
      CHECK_NOTHROW([&] {
        try {
          b.projector->run_once();
        } catch (const crash&) {}
      }());
    }
    CHECK(b.model.applied().empty());
    CHECK(b.stored().at == beginning);
    b.restart("second");
    b.settle();
    CHECK(b.holds_up_to(6));
  }

  static void crashes_after_commit() {
    bench b;
    b.append(6);
    {
      const at_failpoint dead{[](std::string_view at) {
        if (at == "projection.committed") throw crash{};
      }};
      CHECK_THROWS_AS(b.projector->run_once(), crash);
    }
    CHECK(b.holds_up_to(4));
    CHECK(b.stored().at == position{4});
    b.restart("second");
    b.settle();
    CHECK(b.holds_up_to(6));
  }

  static void pauses_before_poison() {
    bench b;
    b.append(10);
    b.into.poison = {7};
    b.settle();
    CHECK(b.holds_up_to(6));
    CHECK(b.at() == 6);
    CHECK(b.projector->progress().status() == projection_status::faulted);
    CHECK(b.projector->progress().reason() == "cannot apply 7");
    CHECK(b.stored().status == projection_status::faulted);
    CHECK(b.stored().reason == "cannot apply 7");
    CHECK(std::count(b.into.calls.begin(), b.into.calls.end(), 7U) == 3);
    CHECK(b.projector->letters(beginning, 10).empty());

    b.projector->resume();
    b.settle();
    CHECK(std::count(b.into.calls.begin(), b.into.calls.end(), 7U) == 4);
    CHECK(b.projector->progress().status() == projection_status::faulted);

    b.into.poison.clear();
    b.projector->resume();
    b.settle();
    CHECK(b.holds_up_to(10));
    CHECK(b.projector->progress().status() == projection_status::running);
    CHECK(b.stored().reason.empty());
    CHECK(b.stored().attempts == 0);
  }

  static void first_event_is_poison() {
    bench b;
    b.append(5);
    b.into.poison = {1};
    b.settle();
    CHECK(b.model.applied().empty());
    CHECK(b.stored().at == beginning);
    CHECK(b.stored().status == projection_status::faulted);
    CHECK(b.into.calls == std::vector<std::uint64_t>{1, 1, 1});
  }

  static void dead_letters() {
    projector_options options = bench::defaults();
    options.on_poison = poison_policy::skip;
    bench b{options};
    b.append(12);
    b.into.poison = {1, 6, 7, 12};
    b.settle();
    CHECK(b.holds_up_to(12, {1, 6, 7, 12}));
    CHECK(b.stored().at == position{12});
    CHECK(b.projector->progress().status() == projection_status::running);
    const auto letters = b.projector->letters(beginning, 10);
    REQUIRE(letters.size() == 4);
    CHECK(letters[1].at == position{6});
    CHECK(letters[1].reason == "cannot apply 6");
    CHECK(letters[1].attempts == 3);
    CHECK(letters[1].event_id ==
          b.log.events.read_all(position{5}, 1, read_direction::forward)[0].what.id);
    CHECK(b.projector->letters(position{6}, 1).at(0).at == position{7});

    CHECK_THROWS_WITH(b.projector->replay_letter(position{6}), "cannot apply 6");
    CHECK(b.projector->letters(beginning, 10).size() == 4);
    b.into.poison = {};
    CHECK(b.projector->replay_letter(position{6}));
    CHECK_FALSE(b.projector->replay_letter(position{6}));
    CHECK_FALSE(b.projector->replay_letter(position{5}));
    CHECK_FALSE(b.projector->replay_letter(beginning));
    CHECK(b.holds_up_to(12, {1, 7, 12}));
  }

  static void transient_failure() {
    bench b;
    b.append(6);
    b.into.poison = {3};
    CHECK(b.projector->run_once() == 2);
    CHECK(b.projector->run_once() == 0);
    b.into.poison.clear();
    b.time.advance(999ms);
    CHECK(b.projector->run_once() == 0);
    b.time.advance(1ms);
    CHECK(b.projector->run_once() == 4);
    CHECK(b.holds_up_to(6));
  }

  static void attempts_survive() {
    bench b;
    b.append(3);
    b.into.poison = {2};
    b.projector->run_once();
    const auto calls = [&] { return std::count(b.into.calls.begin(), b.into.calls.end(), 2U); };
    CHECK(calls() == 2);
    CHECK(b.stored().attempts == 2);
    b.time.advance(1h);
    b.restart("second");
    b.settle();
    CHECK(calls() == 3);
    CHECK(b.stored().attempts == 3);
    CHECK(b.stored().status == projection_status::faulted);
  }

  static void store_is_away() {
    bench b;
    b.append(3);
    int failures = 0;
    {
      const at_failpoint away{[&](std::string_view at) {
        if (at != "projection.applied") return;
        ++failures;
        throw error{errc::busy, "locked"};
      }};
      b.settle();
    }
    CHECK(failures > 3);
    CHECK(b.projector->progress().status() == projection_status::running);
    CHECK(b.stored().attempts == 0);
    b.settle();
    CHECK(b.holds_up_to(3));
  }

  static void commit_is_refused() {
    bench b;
    b.append(12);
    {
      std::size_t seen = 0;
      const at_failpoint refused{[&](std::string_view at) {
        if (at != "projection.applied") return;
        const auto begin = b.into.calls.begin() +
                           static_cast<std::ptrdiff_t>(std::exchange(seen, b.into.calls.size()));
        if (std::find(begin, b.into.calls.end(), 6U) != b.into.calls.end())
          throw std::runtime_error{"a constraint"};
      }};
      b.settle();
    }
    CHECK(b.holds_up_to(5));
    CHECK(b.stored().status == projection_status::faulted);
    CHECK(b.stored().reason == "a constraint");
    b.projector->resume();
    b.settle();
    CHECK(b.holds_up_to(12));
  }

  static void unreadable_events() {
    bench b;
    b.append(2);
    b.append(message{.type = "account.deposited.v2", .data = "three"});
    b.settle();
    CHECK(b.holds_up_to(2));
    CHECK(b.stored().status == projection_status::faulted);
    CHECK(b.stored().attempts == 1);
    CHECK(b.stored().reason.find("'three' is no number") != std::string::npos);
  }

  static void unlisted_events_fail() {
    bench b;
    b.append(2);
    b.append(message{.type = "account.frozen", .data = "1"});
    b.settle();
    CHECK(b.stored().status == projection_status::faulted);
    CHECK(b.stored().reason.find("'account.frozen'") != std::string::npos);
    CHECK(b.stored().reason.find("'ledger'") != std::string::npos);
  }

  static void rebuilds() {
    bench b;
    b.append(10);
    b.settle();
    b.log.database.transact([&](auto& tx) { b.model.add(tx, 1000, 99); });  // damage
    b.append(3);
    b.projector->rebuild();
    b.projector->run_once();
    CHECK(b.holds_up_to(13));
    CHECK(b.projector->progress().status() == projection_status::running);
    CHECK(b.into.replayed == std::set<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    CHECK(b.stored().replay_until == position{10});
  }

  static void rebuilds_nothing() {
    bench b;
    b.projector->run_once();
    b.projector->rebuild();
    b.projector->run_once();
    CHECK(b.projector->progress().status() == projection_status::running);
    b.append(2);
    b.settle();
    CHECK(b.holds_up_to(2));
    CHECK(b.into.replayed.empty());
  }

  static void rebuild_meets_poison() {
    projector_options options = bench::defaults();
    bench b{options};
    b.append(10);
    b.settle();
    b.into.poison = {6};
    b.projector->rebuild();
    b.settle();
    CHECK(b.holds_up_to(5));
    CHECK(b.projector->progress().status() == projection_status::faulted);
    b.into.poison.clear();
    b.projector->resume();
    b.projector->run_once();
    CHECK(b.holds_up_to(10));
    CHECK(b.projector->progress().status() == projection_status::running);
  }

  static void rebuild_takes_letters_up() {
    projector_options options = bench::defaults();
    options.on_poison = poison_policy::skip;
    bench b{options};
    b.append(10);
    b.into.poison = {3, 6};
    b.settle();
    REQUIRE(b.projector->letters(beginning, 10).size() == 2);
    b.into.poison = {6};
    b.projector->rebuild();
    b.settle();
    const auto letters = b.projector->letters(beginning, 10);
    REQUIRE(letters.size() == 1);  // 3 is applied now
    CHECK(letters[0].at == position{6});
    CHECK_FALSE(b.projector->replay_letter(position{3}));
    b.into.poison.clear();
    CHECK(b.projector->replay_letter(position{6}));
    CHECK(b.holds_up_to(10));
  }

  static void rebuild_is_interrupted() {
    bench b;
    b.append(10);
    b.settle();
    b.projector->rebuild();
    {
      int commits = 0;
      const at_failpoint dead{[&](std::string_view at) {
        if (at == "projection.committed" && ++commits == 2) throw crash{};
      }};
      CHECK_THROWS_AS(b.projector->run_once(), crash);
    }
    CHECK(b.stored().status == projection_status::rebuilding);
    CHECK(b.stored().at == position{8});
    b.append(2);
    b.restart("second");
    b.settle();
    CHECK(b.holds_up_to(12));
    CHECK(b.stored().status == projection_status::running);
    CHECK_FALSE(b.into.replayed.contains(11));
  }

  static void second_stands_by() {
    bench b;
    auto second = b.another(b.into, "second");
    b.append(3);
    b.projector->run_once();
    CHECK(second->run_once() == 0);
    CHECK(b.projector->has_lease());
    CHECK_FALSE(second->has_lease());
    b.append(3);
    b.time.advance(5s);
    CHECK(second->run_once() == 0);
    CHECK(second->wait_for(position{3}, deadline::at(b.time.now())).reached());
    CHECK_FALSE(second->wait_for(position{4}, deadline::at(b.time.now())).reached());
    b.time.advance(1min);  // the first does not renew: its process hangs
    CHECK(second->run_once() == 3);
    CHECK(b.holds_up_to(6));
    b.append(2);
    b.time.advance(1s);
    second->run_once();
    b.settle();
    CHECK(b.holds_up_to(8));
  }

  static void stale_owner_is_fenced() {
    bench b;
    auto second = b.another(b.into, "second");
    b.append(3);
    b.projector->run_once();
    // The first is not told that its lease went to somebody else, and goes on trusting it.
    REQUIRE(b.log.checkpoints.release_lease({"ledger@1", "first", 1}));
    b.append(3);
    b.time.advance(1s);
    CHECK(second->run_once() == 3);
    CHECK(b.holds_up_to(6));
    b.append(2);
    CHECK(b.projector->run_once() == 0);
    CHECK_FALSE(b.projector->has_lease());
    CHECK(b.holds_up_to(6));
    b.time.advance(1s);
    CHECK(second->run_once() == 2);
    CHECK(b.holds_up_to(8));
  }

  static void versions_side_by_side() {
    bench b;
    b.append(5);
    b.settle();
    typename Log::model_type green_model = [&] {
      if constexpr (std::is_same_v<Log, sqlite_log>)
        return sqlite_model{b.log.database, "green"};
      else
        return memory_model{b.log.database};
    }();
    ledger<Log, 2> green{green_model};
    auto second = b.another(green, "green");
    CHECK(second->key() == "ledger@2");
    CHECK(second->run_once() == 5);
    b.append(2);
    b.time.advance(1s);
    b.projector->run_once();
    CHECK(b.stored().at == position{7});
    CHECK(b.log.checkpoints.read_checkpoint("ledger@2")->at == position{5});
    CHECK(green_model.applied().size() == 5);
  }

  static void random_faults() {
    xoshiro256 random{20260101};
    for (int run = 0; run < 30; ++run) {
      projector_options options = bench::defaults();
      options.batch = gabion::uniform(random, 1, 9);
      bench b{options};
      std::uint64_t expected = 0;
      for (int step = 0; step < 25; ++step) {
        const auto count = gabion::uniform(random, 0, 6);
        b.append(static_cast<std::size_t>(count));
        expected += count;
        b.into.poison.clear();
        if (expected > 0 && gabion::uniform(random, 0, 2) == 0)
          b.into.poison.insert(gabion::uniform(random, 1, expected));
        const auto crash_after = gabion::uniform(random, 0, 5);
        {
          std::uint64_t seen = 0;
          bool dead = false;
          const at_failpoint faults{[&](std::string_view at) {
            if (!at.starts_with("projection.")) return;
            if (dead || ++seen == crash_after) {
              dead = true;
              throw crash{};
            }
          }};
          try {
            b.projector->run_once();
          } catch (const crash&) {}
          if (dead) b.restart("owner" + std::to_string(step));
        }
        if (gabion::uniform(random, 0, 9) == 0) b.projector->rebuild();
        b.time.advance(std::chrono::seconds{static_cast<int>(gabion::uniform(random, 0, 40))});
        // Whatever happens, the read model is what its checkpoint says.
        REQUIRE(b.holds_up_to(to_number(b.stored().at)));
      }
      b.into.poison.clear();
      b.time.advance(1h);
      b.projector->run_once();
      b.projector->resume();
      b.settle();
      REQUIRE(b.holds_up_to(expected));
      REQUIRE(b.stored().status == projection_status::running);
    }
  }
};

}  // namespace

TEST_CASE("a projector applies each event once and in order", "[projector]") {
  SECTION("in memory") { projector_cases<memory_log>::applies_each_event_once(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::applies_each_event_once(); }
}

TEST_CASE("a crash before the commit leaves neither read model nor checkpoint",
          "[projector][crash]") {
  SECTION("in memory") { projector_cases<memory_log>::crashes_before_commit(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::crashes_before_commit(); }
}

TEST_CASE("a crash after the commit repeats nothing", "[projector][crash]") {
  SECTION("in memory") { projector_cases<memory_log>::crashes_after_commit(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::crashes_after_commit(); }
}

TEST_CASE("a poisonous event pauses the projection before it until it is resumed",
          "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::pauses_before_poison(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::pauses_before_poison(); }
}

TEST_CASE("the very first event may be the poisonous one", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::first_event_is_poison(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::first_event_is_poison(); }
}

TEST_CASE("poisonous events become letters that can be replayed", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::dead_letters(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::dead_letters(); }
}

TEST_CASE("a transient failure is tried again after its backoff", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::transient_failure(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::transient_failure(); }
}

TEST_CASE("attempts are counted over restarts", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::attempts_survive(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::attempts_survive(); }
}

TEST_CASE("a store that is away is no fault of the event", "[projector]") {
  SECTION("in memory") { projector_cases<memory_log>::store_is_away(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::store_is_away(); }
}

TEST_CASE("when only the commit fails the event to blame is found", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::commit_is_refused(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::commit_is_refused(); }
}

TEST_CASE("an event that cannot be decoded is not tried again", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::unreadable_events(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::unreadable_events(); }
}

TEST_CASE("an event type that is not listed stops the projection", "[projector][poison]") {
  SECTION("in memory") { projector_cases<memory_log>::unlisted_events_fail(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::unlisted_events_fail(); }
}

TEST_CASE("a rebuild replays what was applied and says so", "[projector][rebuild]") {
  SECTION("in memory") { projector_cases<memory_log>::rebuilds(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::rebuilds(); }
}

TEST_CASE("a rebuild without events comes to an end", "[projector][rebuild]") {
  SECTION("in memory") { projector_cases<memory_log>::rebuilds_nothing(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::rebuilds_nothing(); }
}

TEST_CASE("a poisonous event stops a rebuild", "[projector][rebuild]") {
  SECTION("in memory") { projector_cases<memory_log>::rebuild_meets_poison(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::rebuild_meets_poison(); }
}

TEST_CASE("a rebuild applies what was a letter and leaves none that was applied",
          "[projector][rebuild]") {
  SECTION("in memory") { projector_cases<memory_log>::rebuild_takes_letters_up(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::rebuild_takes_letters_up(); }
}

TEST_CASE("an interrupted rebuild goes on where it was", "[projector][rebuild]") {
  SECTION("in memory") { projector_cases<memory_log>::rebuild_is_interrupted(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::rebuild_is_interrupted(); }
}

TEST_CASE("a second projector stands by until the lease ends", "[projector][lease]") {
  SECTION("in memory") { projector_cases<memory_log>::second_stands_by(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::second_stands_by(); }
}

TEST_CASE("a projector that was overtaken is fenced", "[projector][lease]") {
  SECTION("in memory") { projector_cases<memory_log>::stale_owner_is_fenced(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::stale_owner_is_fenced(); }
}

TEST_CASE("two versions of a projection have checkpoints of their own", "[projector]") {
  SECTION("in memory") { projector_cases<memory_log>::versions_side_by_side(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::versions_side_by_side(); }
}

TEST_CASE("the read model is what its checkpoint says under random faults", "[projector][model]") {
  SECTION("in memory") { projector_cases<memory_log>::random_faults(); }
  SECTION("in SQLite") { projector_cases<sqlite_log>::random_faults(); }
}
