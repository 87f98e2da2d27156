// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/cqrs/projection_progress.hpp>
#include <gabion/cqrs/promote.hpp>

#include "cqrs/projection_worlds.hpp"
#include "support/catch.hpp"

using namespace gabion_test;
using namespace std::chrono_literals;

namespace {

using memory_bench = projection_bench<memory_log>;

deadline expired_now(const memory_bench& b) { return deadline::at(b.time.now()); }

template <class Log>
void own_writes_from_another_thread() {
  projector_options options;
  options.batch = 8;
  time_type time;
  Log log{time};
  typename Log::model_type model{log.database};
  ledger<Log> into{model};
  basic_projector<ledger<Log>, typename Log::database_type, typename Log::events_type,
                  typename Log::checkpoints_type, number_codec, steady_clock, no_observer,
                  hooked_env>
      projector{into, log.database, log.events, log.checkpoints, number_codec{}, options};
  std::jthread runner{[&](const std::stop_token& stop) { projector.run(stop); }};
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const message m = encode_event(number_codec{}, deposited{1});
    const append_result r = log.database.transact([&](auto& tx) {
      return log.events.append(tx, "account-1", expected_version::any(), {&m, 1});
    });
    const wait_result waited = projector.wait_for(r.last, deadline::in(steady_clock{}, 20s));
    REQUIRE(waited.reached());
    REQUIRE(model.balance() == static_cast<std::int64_t>(i));
  }
  runner.request_stop();
  runner.join();
  CHECK(log.checkpoints.acquire_lease("ledger@1", "next", 1s).has_value());
}

/// A store whose highest numbers were rolled back: its head is above its last event.
class log_with_holes {
 public:
  explicit log_with_holes(memory_log::events_type& of) : of_{&of} {}
  [[nodiscard]] std::vector<recorded_event> read_all(position from, std::size_t limit,
                                                     read_direction direction) const {
    return of_->read_all(from, limit, direction);
  }
  [[nodiscard]] position head() const { return position{to_number(of_->head()) + 5}; }

 private:
  memory_log::events_type* of_;
};

/// Commits once and then loses the answer.
class doubtful_database {
 public:
  using transaction = memory_log::database_type::transaction;
  explicit doubtful_database(memory_log::database_type& of) : of_{&of} {}
  template <class Body>
  auto transact(Body&& body) {
    auto result = of_->transact(std::forward<Body>(body));
    if (std::exchange(doubt, false)) throw error{errc::in_doubt, "no answer to the commit"};
    return result;
  }
  bool doubt = false;

 private:
  memory_log::database_type* of_;
};

struct recorder {
  std::vector<std::string>* lines;
  void operator()(const projection_advanced& e) const {
    lines->push_back("advanced " + std::to_string(to_number(e.from)) + " to " +
                     std::to_string(to_number(e.to)) + " by " + std::to_string(e.events));
  }
  void operator()(const projection_faulted& e) const {
    lines->push_back("faulted at " + std::to_string(to_number(e.at)) + ": " +
                     std::string{e.reason});
  }
  void operator()(const projection_passed_by& e) const {
    lines->push_back("passed by " + std::to_string(to_number(e.at)));
  }
  void operator()(const projection_store_failed& e) const {
    lines->push_back("store failed in " + std::string{e.operation});
  }
};

/// Sees every event as it is stored, whatever its type.
struct counting {
  static constexpr std::string_view name = "counting";
  static constexpr std::uint32_t version = 1;
  std::vector<std::string> seen{};
  void apply(memory_model::transaction&, const recorded_event& e) { seen.push_back(e.what.type); }
};

/// Is interested in deposits and in nothing else.
struct deposits_only {
  static constexpr std::string_view name = "deposits";
  static constexpr std::uint32_t version = 1;
  static constexpr unlisted_events unlisted = unlisted_events::skip;
  using event_list = events<deposited>;
  std::int64_t sum = 0;
  void apply(memory_model::transaction&, const deposited& e) { sum += e.amount; }
};

}  // namespace

TEST_CASE("a waiter is told at once when the position is reached already", "[projection][wait]") {
  memory_bench b;
  b.append(3);
  b.projector->run_once();
  CHECK(b.projector->wait_for(position{3}, expired_now(b)).reached());
  CHECK(b.projector->wait_for(beginning, expired_now(b)).reached());
}

TEST_CASE("a waiter whose deadline passes learns how far the projection is", "[projection][wait]") {
  memory_bench b;
  b.append(3);
  b.projector->run_once();
  b.append(2);
  const wait_result waited = b.projector->wait_for(position{5}, expired_now(b));
  CHECK(waited.status == wait_status::timeout);
  CHECK(waited.at == position{3});
  CHECK(b.projector->lag() == 2);
}

TEST_CASE("a waiter is told at once when the projection is faulted", "[projection][wait]") {
  memory_bench b;
  b.append(3);
  b.into.poison = {2};
  b.settle();
  const wait_result waited = b.projector->wait_for(position{3}, deadline::never());
  CHECK(waited.status == wait_status::faulted);
  CHECK(waited.at == position{1});
  CHECK(waited.reason == "cannot apply 2");
  CHECK(b.projector->wait_for(position{1}, deadline::never()).reached());
}

TEST_CASE("a waiter that waits while the projection faults is woken", "[projection][wait]") {
  basic_projection_progress<> progress;
  std::jthread faulting{[&] { progress.publish(position{1}, projection_status::faulted, "no"); }};
  CHECK(progress.wait_for(position{2}, deadline::in(steady_clock{}, 20s), steady_clock{}).status ==
        wait_status::faulted);
}

TEST_CASE("a waiter follows a clock that is not the system's", "[projection][wait]") {
  basic_projection_progress<> progress;
  time_type time;
  std::jthread hour{[&] { time.advance(1h); }};
  CHECK(progress.wait_for(position{2}, deadline::after(instant{1h}, 30min), time.clock()).status ==
        wait_status::timeout);
}

TEST_CASE("a projection that is being rebuilt has reached nothing", "[projection][wait]") {
  basic_projection_progress<> progress;
  progress.publish(position{9}, projection_status::rebuilding, "");
  CHECK(progress.look(position{5}).status == wait_status::timeout);
  progress.publish(position{10}, projection_status::running, "");
  CHECK(progress.look(position{5}).reached());
}

TEST_CASE("a wait for a position that was rolled back ends when the log is read up to its head",
          "[projection][wait]") {
  memory_bench b;
  log_with_holes events{b.log.events};
  basic_projector<ledger<memory_log>, memory_log::database_type, log_with_holes,
                  memory_log::checkpoints_type, number_codec, testing::manual_clock, no_observer,
                  hooked_env>
      projector{b.into, b.log.database, events, b.log.checkpoints, number_codec{},
                {},     b.time.clock()};
  b.append(3);
  projector.run_once();
  CHECK(projector.wait_for(position{8}, expired_now(b)).reached());
  CHECK_FALSE(projector.wait_for(position{9}, expired_now(b)).reached());
  CHECK(b.stored().at == position{3});
}

TEST_CASE("writers read their own writes while the projector runs in its thread",
          "[projection][wait][threads]") {
  SECTION("in memory") { own_writes_from_another_thread<memory_log>(); }
  SECTION("in SQLite") { own_writes_from_another_thread<sqlite_log>(); }
}

TEST_CASE("a new version is promoted when it is as far as the one that serves",
          "[projection][promote]") {
  memory_bench b;
  memory_model green_model{b.log.database};
  ledger<memory_log, 2> green{green_model};
  auto second = b.another(green, "green");
  const auto promote_to = [&](std::uint32_t version) {
    return promote(b.log.database, b.log.checkpoints, "ledger", version);
  };

  CHECK(promote_to(1).status == promotion::not_ready);
  b.append(5);
  b.settle();
  CHECK(promote_to(1).status == promotion::done);
  CHECK(b.log.checkpoints.serving("ledger") == 1U);
  CHECK(promote_to(2).status == promotion::not_ready);

  green.poison = {3};
  second->run_once();
  const promoted early = promote_to(2);
  CHECK(early.status == promotion::behind);
  CHECK(early.at == position{2});
  CHECK(early.former_at == position{5});
  CHECK(b.log.checkpoints.serving("ledger") == 1U);

  for (int i = 0; i < 5; ++i) {
    b.time.advance(2s);
    second->run_once();
  }
  CHECK(promote_to(2).status == promotion::not_ready);  // faulted: blue goes on serving
  CHECK(b.holds_up_to(5));

  green.poison.clear();
  second->resume();
  second->run_once();
  const promoted now = promote_to(2);
  CHECK(now.status == promotion::done);
  CHECK(now.former == 1U);
  CHECK(b.log.checkpoints.serving("ledger") == 2U);

  b.append(1);
  b.time.advance(1s);
  second->run_once();
  const promoted back = promote_to(1);
  CHECK(back.status == promotion::behind);
  CHECK(to_number(back.former_at) - to_number(back.at) == 1);
  b.settle();
  CHECK(promote_to(1).status == promotion::done);
}

TEST_CASE("a commit whose answer was lost is looked up and not repeated", "[projection]") {
  memory_bench b;
  doubtful_database database{b.log.database};
  projector_options options = memory_bench::defaults();
  options.owner = "doubtful";
  basic_projector<ledger<memory_log>, doubtful_database, memory_log::events_type,
                  memory_log::checkpoints_type, number_codec, testing::manual_clock, no_observer,
                  hooked_env>
      projector{b.into,         database, b.log.events,  b.log.checkpoints,
                number_codec{}, options,  b.time.clock()};
  b.append(6);
  database.doubt = true;
  projector.run_once();
  for (int i = 0; i < 5; ++i) {
    b.time.advance(1s);
    projector.run_once();
  }
  CHECK(b.holds_up_to(6));
  CHECK(b.into.calls == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
  // it never lost its first lease
  CHECK(b.log.checkpoints.release_lease({"ledger@1", "doubtful", 1}));
}

TEST_CASE("an observer learns what a projector does", "[projection][observer]") {
  std::vector<std::string> lines;
  memory_bench b;
  projector_options options = memory_bench::defaults();
  options.on_poison = poison_policy::skip;
  options.max_attempts = 1;
  options.owner = "watched";
  projector_on<memory_log, ledger<memory_log>, recorder> watched{
      b.into,         b.log.database, b.log.events,   b.log.checkpoints,
      number_codec{}, options,        b.time.clock(), recorder{&lines}};
  b.append(6);
  b.into.poison = {3};
  watched.run_once();
  CHECK(lines ==
        std::vector<std::string>{"advanced 0 to 2 by 2", "passed by 3", "advanced 3 to 6 by 3"});
  lines.clear();
  b.append(1);
  b.time.advance(1s);
  {
    const at_failpoint away{[](std::string_view at) {
      if (at == "projection.applied") throw error{errc::unavailable, "gone"};
    }};
    watched.run_once();
  }
  CHECK(lines == std::vector<std::string>{"store failed in apply"});
}

TEST_CASE("a projection without a list of events sees each as it is stored", "[projection]") {
  memory_bench b;
  counting all;
  auto runner = b.another(all, "counter");
  b.append(1);
  b.append(message{.type = "anything", .data = "1"});
  CHECK(runner->run_once() == 2);
  CHECK(all.seen == std::vector<std::string>{"account.deposited.v2", "anything"});
}

TEST_CASE("a read model that is written in the transaction of the command rolls back with it",
          "[projection]") {
  memory_bench b;
  b.into.poison = {1};
  const message m = encode_event(number_codec{}, deposited{1});
  CHECK_THROWS_WITH(b.log.database.transact([&](auto& tx) {
    const append_result r = b.log.events.append(tx, "account-1", expected_version::any(), {&m, 1});
    const recorded_event event{
        .at = r.last, .stream = "account-1", .version = r.version, .what = m};
    b.into.apply(tx, deposited{1}, projected_event{event});
  }),
                    "cannot apply 1");
  CHECK(b.log.events.head() == beginning);
  CHECK(b.model.applied().empty());
}

TEST_CASE("a projection may declare that unlisted events do not concern it", "[projection]") {
  memory_bench b;
  deposits_only some;
  auto runner = b.another(some, "deposits");
  b.append(2);
  b.append(message{.type = "anything", .data = "1"});
  b.append(encode_event(number_codec{}, withdrawn{7}));
  CHECK(runner->run_once() == 4);
  CHECK(some.sum == 3);
  CHECK(runner->lag() == 0);
}

TEST_CASE("projector options outside their ranges are refused by name", "[projector][options]") {
  const auto with = [](projector_options o) { memory_bench b{std::move(o)}; };
  CHECK_THROWS_WITH(with({.batch = 0}),
                    Catch::Contains("projector_options.batch is 0; allowed: 1 to 1000000"));
  CHECK_THROWS_WITH(with({.batch = 1'000'001}),
                    Catch::Contains("projector_options.batch is 1000001"));
  CHECK_THROWS_WITH(with({.max_attempts = 0}),
                    Catch::Contains("projector_options.max_attempts is 0"));
  CHECK_THROWS_WITH(with({.on_poison = poison_policy::park}),
                    Catch::Contains("projector_options.on_poison is park; allowed: pause or skip"));
  CHECK_THROWS_WITH(with({.stop_grace = -1ns}), Catch::Contains("projector_options.stop_grace"));
  CHECK_THROWS_WITH(with({.poll_every = 0ns}), Catch::Contains("projector_options.poll_every"));
  CHECK_THROWS_WITH(with({.lease_ttl = 29ms}), Catch::Contains("projector_options.lease_ttl"));
  CHECK_NOTHROW(with(
      {.batch = 1, .max_attempts = 1, .poll_every = 1ms, .lease_ttl = 30ms, .acquire_every = 1ms}));
  CHECK_NOTHROW(with({.batch = 1'000'000, .poll_every = 1h}));
}

TEST_CASE("where a projection and an append stand can be told in words", "[projection][names]") {
  CHECK(to_string(projection_status::running) == "running");
  CHECK(to_string(projection_status::rebuilding) == "rebuilding");
  CHECK(to_string(projection_status::faulted) == "faulted");
  CHECK(to_string(wait_status::timeout) == "timeout");
  CHECK(to_string(promotion::not_ready) == "not ready");
  CHECK(to_string(append_status::wrong_version) == "wrong version");
}
