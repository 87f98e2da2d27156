// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_breaker_options;
using gabion::circuit_group_options;
using gabion::circuit_group_transition;
using gabion::circuit_refusal;
using gabion::circuit_state;

namespace {

struct recorder {
  std::vector<circuit_group_transition>* log;
  void operator()(const circuit_group_transition& t) const { log->push_back(t); }
};
using tree_type = gabion::basic_circuit_tree<gabion::testing::manual_clock, recorder>;

constexpr circuit_breaker_options one_failure{
    .failures = 1, .open_for = 10s, .successes_to_close = 1};
constexpr circuit_group_options half{.open_percent = 50,
                                     .minimum_children = 2,
                                     .hold_for = 1s,
                                     .half_open_permits = 1,
                                     .successes_to_close = 2,
                                     .half_open_for = 30s,
                                     .name = "service"};

/// An application with one service of four resources.
struct bench {
  gabion::testing::manual_time time{};
  std::vector<circuit_group_transition> heard{};
  tree_type tree;
  gabion::circuit_group_id app;
  gabion::circuit_group_id service;
  std::vector<gabion::circuit_id> leaf{};

  explicit bench(const circuit_group_options& o = half, int leaves = 4)
      : tree{{}, time.clock(), recorder{&heard}},
        app{tree.add_group({.minimum_children = 2, .name = "app"})},
        service{tree.add_group(app, o)} {
    for (int i = 0; i < leaves; ++i) leaf.push_back(tree.add_circuit(service, one_failure));
  }
  void fail(int i) { tree.try_acquire(leaf[static_cast<std::size_t>(i)])->failure(); }
  void succeed(int i) { tree.try_acquire(leaf[static_cast<std::size_t>(i)])->success(); }
  [[nodiscard]] auto ask(int i) { return tree.try_acquire(leaf[static_cast<std::size_t>(i)]); }
  [[nodiscard]] circuit_state state() { return tree.snapshot(service).state; }
  /// Opens two of four and lets their open time pass.
  void open_and_wait() {
    fail(0);
    fail(1);
    REQUIRE(state() == circuit_state::open);
    time.advance(10s);
  }
};

}  // namespace

TEST_CASE("a group opens when exactly its share of children is open and not before",
          "[circuit_tree]") {
  bench x;
  x.fail(0);
  CHECK(x.state() == circuit_state::closed);
  CHECK(static_cast<bool>(x.ask(2)));
  x.fail(1);
  CHECK(x.state() == circuit_state::open);
  REQUIRE(x.heard.size() == 1);
  CHECK(x.heard[0].name == "service");
  CHECK(x.heard[0].level == 1);
  CHECK(x.heard[0].to == circuit_state::open);
  CHECK(x.heard[0].cause == gabion::circuit_group_cause::children_open);
  CHECK(x.heard[0].open_children == 2);
  CHECK(x.heard[0].children == 4);
}

TEST_CASE("the share is exact in whole numbers", "[circuit_tree]") {
  auto o = half;
  o.open_percent = 67;
  bench x{o, 3};  // 2 of 3 are 66.7 percent
  x.fail(0);
  x.fail(1);
  CHECK(x.state() == circuit_state::closed);
  x.fail(2);
  CHECK(x.state() == circuit_state::open);
  o.open_percent = 66;
  bench y{o, 3};
  y.fail(0);
  y.fail(1);
  CHECK(y.state() == circuit_state::open);
}

TEST_CASE("a group with fewer children than the minimum never opens", "[circuit_tree]") {
  auto o = half;
  o.minimum_children = 3;
  bench few{o, 2};
  few.fail(0);
  few.fail(1);
  CHECK(few.state() == circuit_state::closed);
  bench enough{o, 3};
  enough.fail(0);
  enough.fail(1);
  CHECK(enough.state() == circuit_state::open);
}

TEST_CASE("a rejection names the level that rejects and says for how long", "[circuit_tree]") {
  bench x;
  x.fail(0);
  {
    const auto leaf = x.ask(0);
    REQUIRE_FALSE(static_cast<bool>(leaf));
    CHECK(leaf.rejection().level == 2);
    CHECK(leaf.rejection().why.retry_after == 10s);
  }
  x.time.advance(4s);
  x.fail(1);
  const auto healthy = x.ask(3);
  REQUIRE_FALSE(static_cast<bool>(healthy));
  CHECK(healthy.rejection().name == "service");
  CHECK(healthy.rejection().level == 1);
  CHECK(healthy.rejection().why.reason == circuit_refusal::open);
  CHECK(healthy.rejection().why.retry_after == 6s);  // when the first of the two may be probed
  CHECK(x.tree.snapshot(x.service).rejected == 1);
  CHECK(x.tree.at(x.leaf[3]).snapshot().counts.rejected == 0);  // it was not asked
}

TEST_CASE("when enough children may recover the group is half-open and lets a few calls through",
          "[circuit_tree]") {
  bench x;
  x.open_and_wait();
  CHECK(x.state() == circuit_state::half_open);
  auto first = x.ask(2);
  REQUIRE(static_cast<bool>(first));
  {
    const auto second = x.ask(3);
    REQUIRE_FALSE(static_cast<bool>(second));
    CHECK(second.rejection().why.reason == circuit_refusal::half_open_full);
    CHECK(second.rejection().level == 1);
  }
  first->success();
  x.succeed(0);  // a probe of the circuit and of the group at the same time
  CHECK(x.state() == circuit_state::closed);
  REQUIRE(x.heard.size() == 3);
  CHECK(x.heard[1].cause == gabion::circuit_group_cause::children_recovered);
  CHECK(x.heard[2].cause == gabion::circuit_group_cause::calls_succeeded);
  CHECK(x.heard[2].generation == 3);
}

TEST_CASE("a call that fails in a half-open group opens it again for the hold time",
          "[circuit_tree]") {
  bench x;
  x.open_and_wait();
  x.fail(2);
  CHECK(x.state() == circuit_state::open);
  REQUIRE(x.heard.size() == 3);
  CHECK(x.heard[2].cause == gabion::circuit_group_cause::call_failed);
  CHECK(x.ask(3).rejection().why.retry_after == 1s);
  x.time.advance(1s);
  CHECK(static_cast<bool>(x.ask(3)));
}

TEST_CASE("a call that says nothing gives its place in the half-open group back",
          "[circuit_tree]") {
  bench x;
  x.open_and_wait();
  x.ask(2)->ignore();
  x.ask(2)->cancel();
  { const auto dropped = x.ask(2); }
  { auto moved = x.ask(2).permit(); }
  CHECK(x.state() == circuit_state::half_open);
  x.succeed(2);
  x.succeed(2);
  CHECK(x.state() == circuit_state::closed);
  CHECK(x.tree.at(x.leaf[2]).snapshot().counts.abandoned == 2);
}

TEST_CASE("a rejection by the circuit gives the place in the group back", "[circuit_tree]") {
  bench x;
  x.open_and_wait();
  auto held = x.tree.at(x.leaf[0]).try_acquire();  // the circuit's only probe, taken past the group
  const auto rejected = x.ask(0);
  CHECK(rejected.rejection().level == 2);
  CHECK(static_cast<bool>(x.ask(2)));  // at once, though the rejection is still looked at
  held->success();
}

TEST_CASE("a late verdict of an earlier half-open time changes nothing", "[circuit_tree]") {
  bench x;
  x.open_and_wait();
  auto late = x.ask(2);
  x.time.advance(30s);  // lost: nobody hears of it
  CHECK_FALSE(static_cast<bool>(x.ask(3)));
  CHECK(x.heard.back().cause == gabion::circuit_group_cause::call_lost);
  CHECK(x.state() == circuit_state::open);
  x.time.advance(1s);
  auto one = x.ask(3);
  REQUIRE(static_cast<bool>(one));
  CHECK(x.state() == circuit_state::half_open);
  GENERATE(0, 1) == 0 ? late->success() : late->failure();
  CHECK(x.state() == circuit_state::half_open);
  CHECK_FALSE(static_cast<bool>(x.ask(3)));  // it has not freed a place that it did not hold
  one->success();
  CHECK(x.state() == circuit_state::half_open);  // nor counted towards closing
  x.succeed(3);
  CHECK(x.state() == circuit_state::closed);
}

TEST_CASE("children that flicker do not make the group flicker", "[circuit_tree]") {
  auto o = half;
  o.hold_for = 60s;
  bench x{o};
  x.fail(0);
  x.fail(1);
  for (int i = 0; i < 100; ++i) {
    x.tree.at(x.leaf[0]).reset();
    x.tree.at(x.leaf[0]).try_acquire()->failure();
  }
  CHECK(x.heard.size() == 1);
  CHECK(x.ask(3).rejection().why.retry_after == 60s);
}

TEST_CASE("a child that is closed by hand lets the group recover after its hold time",
          "[circuit_tree]") {
  bench x;
  x.fail(0);
  x.fail(1);
  x.time.advance(500ms);
  x.tree.at(x.leaf[0]).reset();
  CHECK(x.state() == circuit_state::open);
  CHECK(x.ask(3).rejection().why.retry_after == 500ms);
  x.time.advance(500ms);
  CHECK(static_cast<bool>(x.ask(3)));
}

TEST_CASE("a child that is forced open holds the group until it is let go", "[circuit_tree]") {
  bench x;
  x.fail(0);
  x.tree.at(x.leaf[1]).set_mode(gabion::circuit_mode::isolated);
  CHECK(x.state() == circuit_state::open);
  x.time.advance(5s);
  CHECK(x.ask(3).rejection().why.retry_after == 5s);  // then only one of four is open
  x.tree.at(x.leaf[2]).set_mode(gabion::circuit_mode::isolated);
  x.time.advance(24h);
  CHECK_FALSE(static_cast<bool>(x.ask(3)));
  x.tree.at(x.leaf[2]).set_mode(gabion::circuit_mode::normal);
  CHECK(static_cast<bool>(x.ask(3)));
}

TEST_CASE("groups above open with the groups below", "[circuit_tree]") {
  bench x;
  const auto other = x.tree.add_group(x.app, {.name = "other"});
  const auto far = x.tree.add_circuit(other, one_failure);
  x.tree.add_circuit(other, one_failure);
  x.fail(0);
  x.fail(1);  // one of two services is enough for half
  CHECK(x.tree.snapshot(x.app).state == circuit_state::open);
  auto cut = x.tree.try_acquire(far);
  REQUIRE_FALSE(static_cast<bool>(cut));
  CHECK(cut.rejection().name == "app");
  CHECK(cut.rejection().level == 0);
  CHECK(cut.rejection().why.retry_after == 10s);
  x.time.advance(10s);
  cut = x.tree.try_acquire(far);
  REQUIRE(static_cast<bool>(cut));
  CHECK(x.tree.snapshot(x.app).state == circuit_state::half_open);
  cut->success();
  x.tree.try_acquire(far)->success();
  CHECK(x.tree.snapshot(x.app).state == circuit_state::closed);
  CHECK(x.state() == circuit_state::half_open);
}

TEST_CASE("a clock that goes back neither opens nor closes nor prolongs beyond what is left",
          "[circuit_tree]") {
  bench x;
  x.fail(0);
  x.fail(1);
  x.time.advance(-1h);
  CHECK(x.state() == circuit_state::open);
  x.time.advance(1h + 10s);
  CHECK(static_cast<bool>(x.ask(2)));
}

TEST_CASE("call judges and returns and throws as a breaker does", "[circuit_tree]") {
  bench x;
  CHECK(x.tree.call(x.leaf[0], [] { return 7; }) == 7);
  CHECK_THROWS_AS(x.tree.call(x.leaf[0], []() -> int { throw std::runtime_error{"down"}; }),
                  std::runtime_error);
  CHECK_FALSE(x.tree.call(x.leaf[1], [] { return std::optional<int>{}; }).has_value());
  CHECK(x.state() == circuit_state::open);
  CHECK_THROWS_WITH(x.tree.call(x.leaf[2], [] { return 7; }),
                    Catch::Contains("\"service\" is open"));
  CHECK_FALSE(x.tree.call(x.leaf[2], [] { return std::optional<int>{7}; }).has_value());
}

TEST_CASE("a branch of a tree is a policy of a pipeline", "[circuit_tree]") {
  bench x;
  gabion::circuit_branch branch{x.tree, x.leaf[0]};
  STATIC_REQUIRE(gabion::policy<decltype(branch)>);
  auto way = gabion::pipeline(branch);
  CHECK(way.call([] { return std::optional<int>{1}; }) == 1);
  CHECK_FALSE(way.call([] { return std::optional<int>{}; }).has_value());
  CHECK(x.tree.at(x.leaf[0]).state() == circuit_state::open);
}

TEST_CASE("a tree has room for what its options say and no more", "[circuit_tree][bounds]") {
  gabion::circuit_tree tree{{.groups = 2, .circuits = 1}};
  const auto a = tree.add_group({});
  const auto b = tree.add_group(a, {});
  CHECK_THROWS_WITH(tree.add_group(a, {}),
                    Catch::Contains("all 2 groups are taken; raise circuit_tree_options.groups"));
  const auto c = tree.add_circuit(b, {});
  CHECK(tree.parent(c) == b);
  CHECK_THROWS_WITH(
      tree.add_circuit(b, {}),
      Catch::Contains("all 1 circuits are taken; raise circuit_tree_options.circuits"));
  CHECK_THROWS_WITH(gabion::circuit_tree{}.add_circuit({9}, {}),
                    Catch::Contains("there is no group 9"));
  CHECK_THROWS_WITH(gabion::circuit_tree{}.add_group(gabion::circuit_group_id{9}, {}),
                    Catch::Contains("there is no group 9"));

  gabion::circuit_tree deep;
  auto g = deep.add_group({});
  for (int level = 1; level <= 6; ++level) g = deep.add_group(g, {});
  CHECK(deep.call(deep.add_circuit(g, {}), [] { return 1; }) == 1);  // eight levels
  CHECK_THROWS_WITH(deep.add_group(g, {}), Catch::Contains("allowed: levels 0 to 6"));
}

TEST_CASE("options of groups and trees are checked on both sides", "[circuit_tree][bounds]") {
  const auto group = [](auto change) {
    circuit_group_options o = half;
    change(o);
    return gabion::valid(o);
  };
  STATIC_REQUIRE(gabion::valid(circuit_group_options{}));
  CHECK(group([](auto& o) { o.open_percent = 1; }));
  CHECK(group([](auto& o) { o.open_percent = 100; }));
  CHECK_FALSE(group([](auto& o) { o.open_percent = 0; }));
  CHECK_FALSE(group([](auto& o) { o.open_percent = 101; }));
  CHECK(group([](auto& o) { o.minimum_children = 1; }));
  CHECK_FALSE(group([](auto& o) { o.minimum_children = 0; }));
  CHECK(group([](auto& o) { o.hold_for = 1ns; }));
  CHECK_FALSE(group([](auto& o) { o.hold_for = 0ns; }));
  CHECK(group([](auto& o) { o.half_open_permits = o.successes_to_close = 1023; }));
  CHECK_FALSE(group([](auto& o) { o.half_open_permits = 0; }));
  CHECK_FALSE(group([](auto& o) { o.half_open_permits = 1024; }));
  CHECK_FALSE(group([](auto& o) { o.successes_to_close = 0; }));
  CHECK_FALSE(group([](auto& o) { o.successes_to_close = 1024; }));
  CHECK_FALSE(group([](auto& o) { o.half_open_for = 0ns; }));
  const std::string name(48, 'n');
  CHECK(group([&](auto& o) { o.name = std::string_view{name}.substr(1); }));
  CHECK_FALSE(group([&](auto& o) { o.name = name; }));
  CHECK(gabion::valid(gabion::circuit_tree_options{.groups = 4096, .circuits = 65'536}));
  CHECK_FALSE(gabion::valid(gabion::circuit_tree_options{.groups = 4097}));
  CHECK_FALSE(gabion::valid(gabion::circuit_tree_options{.groups = 0}));
  CHECK_FALSE(gabion::valid(gabion::circuit_tree_options{.circuits = 0}));
  CHECK_FALSE(gabion::valid(gabion::circuit_tree_options{.circuits = 65'537}));
  gabion::circuit_tree tree;
  CHECK_THROWS_WITH(tree.add_group({.open_percent = 0}),
                    Catch::Contains("circuit_group_options.open_percent is 0; allowed: 1 to 100"));
}

TEST_CASE("a listener may use the tree and may throw", "[circuit_tree]") {
  struct meddler {
    std::atomic<int>* heard;
    void operator()(const circuit_group_transition&) const {
      heard->fetch_add(1);
      throw std::runtime_error{"no"};
    }
  };
  std::atomic<int> heard{0};
  gabion::basic_circuit_tree<gabion::steady_clock, meddler> tree{{}, {}, meddler{&heard}};
  const auto g = tree.add_group({.minimum_children = 1});
  const auto c = tree.add_circuit(g, one_failure);
  tree.try_acquire(c)->failure();
  CHECK(heard == 1);
  CHECK(tree.listener_failures() == 1);
}

TEST_CASE("under load the transitions of a group hang together and no place is lost",
          "[circuit_tree][threads]") {
  gabion::testing::manual_time time;
  std::vector<circuit_group_transition> heard;
  gabion::basic_circuit_tree<gabion::testing::manual_clock, recorder> tree{
      {}, time.clock(), recorder{&heard}};
  const auto g = tree.add_group({.open_percent = 50,
                                 .minimum_children = 2,
                                 .hold_for = 1ms,
                                 .half_open_permits = 2,
                                 .successes_to_close = 3,
                                 .half_open_for = 1h});
  std::vector<gabion::circuit_id> ids;
  for (int i = 0; i < 4; ++i)
    ids.push_back(tree.add_circuit(g, {.failures = 2, .open_for = 1ms, .successes_to_close = 1}));
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> granted{0};
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 10'000; ++i) {
        auto a = tree.try_acquire(ids[(i + t) % 4]);
        if (!a) {
          time.advance(50us);
          continue;
        }
        granted.fetch_add(1);
        if (i % 7 == 0) continue;  // dropped
        (i / 40 + t) % 2 == 0 ? a->failure() : a->success();
      }
    });
  for (auto& t : threads) t.join();
  REQUIRE(heard.size() > 10);
  std::uint32_t generation = 0;
  circuit_state state = circuit_state::closed;
  for (const circuit_group_transition& t : heard) {
    CHECK(t.generation == generation + 1 + t.missed);
    if (t.missed == 0) CHECK(t.from == state);
    generation = t.generation;
    state = t.to;
  }
  CHECK(tree.snapshot(g).generation == generation);
  std::uint64_t settled = 0;
  for (const auto id : ids) settled += tree.at(id).snapshot().counts.settled();
  CHECK(settled == granted.load());
  for (const auto id : ids) tree.at(id).reset();  // nothing is held for ever: it recovers
  for (int i = 0; i < 10; ++i) {
    time.advance(1s);
    tree.call(ids[0], [] { return std::optional<int>{1}; });
  }
  CHECK(tree.snapshot(g).state == circuit_state::closed);
}
