// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/cqrs/breaker_guard.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/conflict_retry.hpp>
#include <gabion/cqrs/deadline_guard.hpp>
#include <gabion/cqrs/observation.hpp>
#include <gabion/cqrs/query_bus.hpp>
#include <gabion/cqrs/unit_of_work.hpp>
#include <gabion/cqrs/validation.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "cqrs_bus/orders.hpp"
#include "cqrs_bus/small_database.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

static_assert(gabion::transactor<small_database>);
using rows = small_database::rows;
constexpr gabion::conflict_retry_options fixed_delays{
    .backoff = {.initial = 10ms, .cap = 100ms, .jitter = gabion::backoff_jitter::none}};

/// A sleeper that writes the delays down and moves the clock.
auto sleeper(std::vector<gabion::duration>& slept, gabion::testing::manual_time* time = nullptr) {
  return [&slept, time](gabion::duration d) {
    slept.push_back(d);
    if (time != nullptr) time->advance(d);
  };
}

/// Fails with that code as often as it is told to, then gives its number of runs.
struct fails_first {
  int failures = 0;
  gabion::errc with = gabion::errc::conflict;
  int runs = 0;
  int operator()() {
    if (++runs <= failures) throw gabion::error{with, "run " + std::to_string(runs)};
    return runs;
  }
};

struct counting_guard {
  int calls = 0;
  bool open = false;
  template <class Function>
  decltype(auto) call(Function&& f) {
    ++calls;
    if (open) throw gabion::error{gabion::errc::circuit_open, "guard"};
    return f();
  }
};

}  // namespace

TEST_CASE(
    "a message that judges itself bad is refused before the handler and the error names the member",
    "[validation][B5]") {
  int runs = 0;
  gabion::command_bus bus{gabion::middlewares{gabion::validation{}},
                          gabion::handle([&](const place_order&) { return ++runs; })};
  gabion::violation found;
  std::string what;
  try {
    bus.send(place_order{.id = ""});
  } catch (const gabion::validation_error& e) {
    found = e.found();
    what = e.what();
    CHECK(e.code() == gabion::errc::invalid_argument);
  }
  CHECK(found == gabion::violation{"id", "must not be empty"});
  CHECK(what.find("order.place.id: must not be empty") == 0);
  CHECK_THROWS_AS(bus.send(place_order{"1", 101}), gabion::validation_error);
  CHECK(runs == 0);
  CHECK(bus.send(place_order{"1", 100}) == 1);
}

TEST_CASE("rules judge the messages that they take and the first violation counts",
          "[validation]") {
  const auto no_nines = [](const cancel_order& c) -> std::optional<gabion::violation> {
    if (c.id == "9") return gabion::violation{"id", "nine is taken"};
    return std::nullopt;
  };
  const auto never = [](const cancel_order&) -> std::optional<gabion::violation> {
    return gabion::violation{"id", "second rule"};
  };
  gabion::command_bus bus{gabion::middlewares{gabion::validation{no_nines, never}},
                          gabion::handle([](const cancel_order&) {}),
                          gabion::handle([](const ship_order&) {})};
  CHECK_THROWS_WITH(bus.send(cancel_order{"9"}), Catch::Contains("nine is taken"));
  CHECK_THROWS_WITH(bus.send(cancel_order{"8"}), Catch::Contains("second rule"));
  bus.send(ship_order{});
}

TEST_CASE("a result that can carry an error carries the violation", "[validation][results]") {
  gabion::command_bus bus{gabion::middlewares{gabion::validation{}},
                          gabion::handle([](const place_order&) { return outcome_of<int>{1}; })};
  CHECK(bus.send(place_order{}).error() == gabion::errc::invalid_argument);
  CHECK(bus.send(place_order{"1"}).has_value());
}

TEST_CASE("an observer sees a message start and succeed with its name and its duration",
          "[observation]") {
  gabion::testing::manual_time time;
  std::vector<std::string> seen;
  const gabion::observers log{
      [&](const gabion::dispatch_started& e) {
        seen.push_back("start " + std::string{e.name} + " of " + e.context->command_id);
      },
      [&](const gabion::dispatch_succeeded& e) {
        seen.push_back("done in " + std::to_string(e.took / 1ms) + " ms");
      },
  };
  gabion::command_bus bus{gabion::middlewares{gabion::observation{log, time.clock()}},
                          gabion::handle([&](const place_order&) {
                            time.advance(3ms);
                            return 1;
                          })};
  CHECK(bus.send(place_order{}, gabion::command_context{.command_id = "c1"}) == 1);
  CHECK(seen == std::vector<std::string>{"start order.place of c1", "done in 3 ms"});
}

TEST_CASE("an observer sees an exception and a failing result as failures", "[observation]") {
  gabion::testing::manual_time time;
  std::vector<std::string> seen;
  const auto log = [&](const gabion::dispatch_failed& e) {
    CHECK(e.kind == gabion::message_kind::command);
    CHECK(e.context == nullptr);
    seen.push_back(std::string{e.name} + ": " + std::string{e.what});
  };
  gabion::command_bus bus{
      gabion::middlewares{gabion::observation{log, time.clock()}},
      gabion::handle([](const place_order&) { throw std::runtime_error{"no stock"}; }),
      gabion::handle(
          [](const cancel_order&) { return gabion::make_error_code(gabion::errc::busy); })};
  CHECK_THROWS_WITH(bus.send(place_order{}), "no stock");
  CHECK(bus.send(cancel_order{}) == gabion::errc::busy);
  CHECK(seen ==
        std::vector<std::string>{"order.place: no stock", "order.cancel: the store is busy"});
}

TEST_CASE("an observer of starts alone does not read the clock", "[observation]") {
  struct counting_clock {
    int* reads;
    [[nodiscard]] gabion::instant now() const noexcept {
      ++*reads;
      return {};
    }
  };
  int reads = 0;
  int starts = 0;
  const auto log = [&](const gabion::dispatch_started& e) {
    starts += e.kind == gabion::message_kind::query ? 1 : 0;
  };
  const gabion::query_bus bus{gabion::middlewares{gabion::observation{log, counting_clock{&reads}}},
                              gabion::handle([](const place_order&) { return 1; })};
  CHECK(bus.ask(place_order{}) == 1);
  CHECK(starts == 1);
  CHECK(reads == 0);
}

TEST_CASE("an observed handler may return a reference or what cannot be copied",
          "[observation][results]") {
  int kept = 1;
  const auto log = [](const gabion::dispatch_succeeded&) {};
  gabion::command_bus bus{
      gabion::middlewares{gabion::observation{log}},
      gabion::handle([&](const place_order&) -> int& { return kept; }),
      gabion::handle([](const cancel_order&) { return std::make_unique<int>(5); })};
  CHECK(&bus.send(place_order{}) == &kept);
  CHECK(*bus.send(cancel_order{}) == 5);
}

TEST_CASE("a command whose deadline has passed is refused and nothing is done",
          "[deadline_guard][B15]") {
  gabion::testing::manual_time time;
  int runs = 0;
  gabion::command_bus bus{
      gabion::middlewares{gabion::deadline_guard{time.clock()}},
      gabion::handle([&](const place_order&) { ++runs; }),
      gabion::handle([&](const cancel_order&) { return gabion::make_error_code(gabion::errc{}); })};
  const gabion::command_context context{.expires = gabion::deadline::after(time.now(), 10ms)};
  bus.send(place_order{}, context);
  bus.send(place_order{});
  time.advance(9ms);
  bus.send(place_order{}, context);
  CHECK(runs == 3);
  time.advance(1ms);
  CHECK_THROWS_WITH(bus.send(place_order{}, context),
                    Catch::Contains("order.place: its deadline passed"));
  CHECK(bus.send(cancel_order{}, context) == gabion::errc::timeout);
  CHECK(runs == 3);
}

TEST_CASE("a conflict is retried on fresh state until the handler succeeds",
          "[conflict_retry][B9]") {
  small_database db;
  std::vector<gabion::duration> slept;
  fails_first work{.failures = 2};
  gabion::command_bus bus{
      gabion::middlewares{gabion::conflict_retry{sleeper(slept), fixed_delays},
                          gabion::transactional{db}},
      gabion::handle([&](const place_order& c, small_database::transaction& tx) {
        CHECK(tx.written.empty());
        tx.written[c.id] = "placed";
        return work();
      })};
  CHECK(bus.send(place_order{"1"}) == 3);
  CHECK(db.begun == 3);
  CHECK(db.commits == 1);
  CHECK(db.committed == rows{{"1", "placed"}});
  CHECK(slept == std::vector<gabion::duration>{10ms, 20ms});
}

TEST_CASE("the last conflict goes to the sender as it is", "[conflict_retry][bounds]") {
  std::vector<gabion::duration> slept;
  fails_first work{.failures = 100};
  gabion::conflict_retry_options options = fixed_delays;
  options.max_attempts = 4;
  gabion::command_bus bus{gabion::middlewares{gabion::conflict_retry{sleeper(slept), options}},
                          gabion::handle([&](const place_order&) { work(); })};
  CHECK_THROWS_WITH(bus.send(place_order{}), Catch::Contains("run 4"));
  CHECK(work.runs == 4);
  CHECK(slept.size() == 3);
}

TEST_CASE("a conflict is the answer if the sender named the version it expects",
          "[conflict_retry][B10]") {
  std::vector<gabion::duration> slept;
  fails_first work{.failures = 1};
  gabion::command_bus bus{gabion::middlewares{gabion::conflict_retry{sleeper(slept), fixed_delays}},
                          gabion::handle([&](const place_order&) { return work(); })};
  CHECK_THROWS_AS(bus.send(place_order{},
                           gabion::command_context{.expected = gabion::expected_version::exact(4)}),
                  gabion::error);
  CHECK(work.runs == 1);
  CHECK(slept.empty());
  CHECK(bus.send(place_order{}, gabion::command_context{}) == 2);
}

TEST_CASE("no other failure is retried", "[conflict_retry]") {
  std::vector<gabion::duration> slept;
  fails_first work{.failures = 1, .with = gabion::errc::busy};
  gabion::command_bus bus{
      gabion::middlewares{gabion::conflict_retry{sleeper(slept), fixed_delays}},
      gabion::handle([&](const place_order&) { return work(); }),
      gabion::handle([](const cancel_order&) -> int { throw std::runtime_error{"broken"}; })};
  CHECK_THROWS_AS(bus.send(place_order{}), gabion::error);
  CHECK_THROWS_WITH(bus.send(cancel_order{}), "broken");
  CHECK(work.runs == 1);
  CHECK(slept.empty());
}

TEST_CASE("a conflict as a result is retried as one that is thrown", "[conflict_retry][results]") {
  std::vector<gabion::duration> slept;
  int runs = 0;
  gabion::command_bus bus{
      gabion::middlewares{gabion::conflict_retry{sleeper(slept), fixed_delays}},
      gabion::handle([&](const place_order&) {
        return ++runs < 3 ? outcome_of<int>{{gabion::make_error_code(gabion::errc::conflict)}}
                          : outcome_of<int>{runs};
      }),
      gabion::handle(
          [&](const cancel_order&) { return gabion::make_error_code(gabion::errc::conflict); })};
  CHECK(bus.send(place_order{}).value() == 3);
  CHECK(slept.size() == 2);
  CHECK(bus.send(cancel_order{}) == gabion::errc::conflict);
  CHECK(slept.size() == 4);
}

TEST_CASE("no attempt is begun that the deadline would cut off", "[conflict_retry][B15]") {
  gabion::testing::manual_time time;
  std::vector<gabion::duration> slept;
  fails_first work{.failures = 100};
  gabion::command_bus bus{gabion::middlewares{gabion::conflict_retry{sleeper(slept, &time),
                                                                     fixed_delays, time.clock()}},
                          gabion::handle([&](const place_order&) { return work(); })};
  const gabion::command_context context{.expires = gabion::deadline::after(time.now(), 25ms)};
  CHECK_THROWS_WITH(bus.send(place_order{}, context), Catch::Contains("run 2"));
  CHECK(slept == std::vector<gabion::duration>{10ms});
}

TEST_CASE("an observer is told of each retry", "[conflict_retry][observation]") {
  std::vector<gabion::duration> slept;
  std::vector<std::uint32_t> attempts;
  fails_first work{.failures = 2};
  gabion::command_bus bus{
      gabion::middlewares{gabion::conflict_retry{
          sleeper(slept), fixed_delays, gabion::steady_clock{},
          [&](const gabion::dispatch_retried& e) { attempts.push_back(e.attempt); }}},
      gabion::handle([&](const place_order&) { return work(); })};
  bus.send(place_order{});
  CHECK(attempts == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("retry options outside their range are refused by name", "[conflict_retry][bounds]") {
  std::vector<gabion::duration> slept;
  const auto made = [&](std::uint32_t attempts) {
    gabion::conflict_retry{sleeper(slept), {.max_attempts = attempts}};
  };
  CHECK_THROWS_WITH(made(0),
                    Catch::Contains("conflict_retry_options.max_attempts is 0; allowed: 1 to 100"));
  CHECK_THROWS_AS(made(101), gabion::error);
  made(1);
  made(100);
}

TEST_CASE("what a handler writes is committed when it returns", "[unit_of_work]") {
  small_database db;
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}},
      gabion::handle(
          [](const place_order& c, gabion::unit_of_work<small_database::transaction>& work) {
            work.transaction().written[c.id] = work.context().tenant;
          }),
      gabion::handle([](const cancel_order& c, small_database::transaction& tx) -> std::size_t {
        return tx.written.erase(c.id);
      }),
      gabion::handle([](const ship_order&, const gabion::command_context& c) { return c.tenant; })};
  gabion::command_context context{.tenant = "t1"};
  bus.send(place_order{"1"}, context);
  CHECK(db.committed == rows{{"1", "t1"}});
  CHECK(bus.send(ship_order{}, context) == "t1");
  CHECK(bus.send(cancel_order{"1"}) == 1);
  CHECK(db.committed.empty());
  CHECK(db.commits == 3);
}

TEST_CASE("what a handler wrote is rolled back when it throws", "[unit_of_work][B7]") {
  small_database db;
  gabion::command_bus bus{gabion::middlewares{gabion::transactional{db}},
                          gabion::handle([](const place_order& c, small_database::transaction& tx) {
                            tx.written[c.id] = "placed";
                            throw std::out_of_range{"no such shelf"};
                          })};
  CHECK_THROWS_AS(bus.send(place_order{"1"}), std::out_of_range);
  CHECK(db.begun == 1);
  CHECK(db.commits == 0);
  CHECK(db.committed.empty());
}

TEST_CASE("a failing result rolls back and is given back as it is", "[unit_of_work][results]") {
  small_database db;
  bool fail = true;
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}},
      gabion::handle([&](const place_order& c, small_database::transaction& tx) {
        tx.written[c.id] = "placed";
        return fail ? outcome_of<int>{{gabion::make_error_code(gabion::errc::rejected)}}
                    : outcome_of<int>{5};
      })};
  CHECK(bus.send(place_order{"1"}).error() == gabion::errc::rejected);
  CHECK(db.committed.empty());
  CHECK(db.commits == 0);
  fail = false;
  CHECK(bus.send(place_order{"1"}).value() == 5);
  CHECK(db.commits == 1);
}

TEST_CASE("a handler inside a transaction may return a reference", "[unit_of_work][results]") {
  small_database db;
  int kept = 3;
  gabion::command_bus bus{gabion::middlewares{gabion::transactional{db}},
                          gabion::handle([&](const place_order&) -> int& { return kept; })};
  CHECK(&bus.send(place_order{"1"}) == &kept);
  CHECK(db.commits == 1);
}

TEST_CASE("a guard runs what is inside it and may reject the command", "[breaker_guard]") {
  counting_guard guard;
  int runs = 0;
  gabion::command_bus bus{gabion::middlewares{gabion::breaker_guard{guard}},
                          gabion::handle([&](const place_order&) { ++runs; }),
                          gabion::handle([&](const cancel_order&) -> int& { return runs; })};
  bus.send(place_order{});
  CHECK(&bus.send(cancel_order{}) == &runs);
  guard.open = true;
  CHECK_THROWS_AS(bus.send(place_order{}), gabion::error);
  CHECK(guard.calls == 3);
  CHECK(runs == 1);
}
