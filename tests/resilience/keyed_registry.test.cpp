// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gabion/resilience/circuit_registry.hpp>
#include <gabion/resilience/keyed_registry.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_breaker_options;
using gabion::circuit_state;
using gabion::keyed_registry_options;

namespace {

/// A policy that can be saved, and counts how many of it there are.
class counted {
 public:
  counted(int start, std::atomic<int>* alive) : value{start}, alive_{alive} {
    alive_->fetch_add(1);
  }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { alive_->fetch_sub(1); }
  [[nodiscard]] int save() const noexcept { return value; }
  int value;

 private:
  std::atomic<int>* alive_;
};

struct recipe {
  std::atomic<int>* alive;
  std::tuple<int, std::atomic<int>*> operator()(std::string_view key) const {
    if (key == "bad") throw std::runtime_error{"no such tenant"};
    return {key == "big" ? 1000 : 0, alive};
  }
};
struct farewell {
  std::map<std::string, int>* gone;
  void operator()(const std::string& key, const int& saved) const { (*gone)[key] = saved; }
};
using registry_type = gabion::keyed_registry<std::string, counted, recipe, farewell>;

struct bench {
  std::atomic<int> alive{0};
  std::map<std::string, int> gone{};
  registry_type registry;
  gabion::instant now{1h};
  explicit bench(const keyed_registry_options& o) : registry{o, recipe{&alive}, farewell{&gone}} {}
  auto get(std::string_view key) { return registry.get(key, now); }
};

constexpr keyed_registry_options three{.capacity = 3, .shards = 1, .idle_for = 10min};

}  // namespace

TEST_CASE("a policy is made once for a key and found again", "[keyed_registry]") {
  bench x{three};
  x.get("a")->value = 5;
  CHECK(x.get("a")->value == 5);
  CHECK(x.get("big")->value == 1000);  // what the recipe says of that key
  CHECK(x.registry.size() == 2);
  CHECK(x.alive == 2);
  CHECK(static_cast<bool>(x.registry.find("a", x.now)));
  CHECK_FALSE(static_cast<bool>(x.registry.find("b", x.now)));
  CHECK(x.registry.size() == 2);
}

TEST_CASE("the least recently used makes room and its state is handed over", "[keyed_registry]") {
  bench x{three};
  x.get("a")->value = 1;
  x.get("b")->value = 2;
  x.get("c")->value = 3;
  static_cast<void>(x.get("a"));
  static_cast<void>(x.get("d"));
  CHECK(x.gone == std::map<std::string, int>{{"b", 2}});
  CHECK(x.registry.evicted() == 1);
  CHECK(x.registry.size() == 3);
  CHECK(x.alive == 3);
}

TEST_CASE("what is held is never evicted", "[keyed_registry]") {
  bench x{three};
  const auto a = x.get("a");
  for (int i = 0; i < 100; ++i) static_cast<void>(x.get("k" + std::to_string(i)));
  CHECK(x.gone.count("a") == 0);
  CHECK(x.registry.evicted() == 98);
  x.now += 24h;
  x.registry.expire(x.now);
  CHECK(x.registry.size() == 1);
  CHECK(a->value == 0);
}

TEST_CASE("a registry full of what is held refuses a new key and evicts nothing",
          "[keyed_registry]") {
  bench x{three};
  auto a = x.get("a");
  const auto b = x.get("b");
  const auto c = x.get("c");
  CHECK_FALSE(static_cast<bool>(x.get("d")));
  CHECK(x.gone.empty());
  CHECK(x.registry.size() == 3);
  CHECK(static_cast<bool>(x.get("b")));  // what is there is given
  a = {};
  CHECK(static_cast<bool>(x.get("d")));
  CHECK(x.gone.count("a") == 1);
}

TEST_CASE("what is idle for exactly the time goes and what is younger stays", "[keyed_registry]") {
  bench x{three};
  static_cast<void>(x.get("old"));
  x.now += 1ns;
  static_cast<void>(x.get("young"));
  x.now += 10min - 1ns;
  CHECK(x.registry.expire(x.now) == 1);
  CHECK(x.gone.count("old") == 1);
  CHECK(x.registry.evicted() == 0);
  x.now += 1ns;
  static_cast<void>(x.get("new"));  // a new key takes the idle ones along
  CHECK(x.gone.count("young") == 1);
}

TEST_CASE("all idle policies expire also if there are more than are told of at a time",
          "[keyed_registry]") {
  bench x{{.capacity = 100, .shards = 2, .idle_for = 1s}};
  for (int i = 0; i < 100; ++i) static_cast<void>(x.get(std::to_string(i)));
  const std::uint32_t before = x.registry.size();
  x.now += 1s;
  CHECK(x.registry.expire(x.now) == before);
  CHECK(x.registry.size() == 0);
  CHECK(x.alive == 0);
}

TEST_CASE("a recipe that throws adds nothing", "[keyed_registry]") {
  bench x{three};
  CHECK_THROWS_AS(x.get("bad"), std::runtime_error);
  CHECK(x.registry.size() == 0);
  CHECK(static_cast<bool>(x.get("good")));
}

TEST_CASE("a key is erased only if nobody holds it and goes without a word", "[keyed_registry]") {
  bench x{three};
  {
    const auto a = x.get("a");
    CHECK_FALSE(x.registry.erase("a"));
  }
  CHECK(x.registry.erase("a"));
  CHECK_FALSE(x.registry.erase("a"));
  CHECK(x.gone.empty());
  CHECK(x.alive == 0);
}

TEST_CASE("recipe and farewell and for_each may use the registry", "[keyed_registry][reentrant]") {
  using own = gabion::keyed_registry<std::string, int, std::function<int(std::string_view)>,
                                     std::function<void(const std::string&)>>;
  std::optional<own> registry;
  const auto make = [&](std::string_view key) {
    static_cast<void>(registry->find("other", gabion::instant{}));
    return static_cast<int>(key.size());
  };
  const auto mourn = [&](const std::string&) { static_cast<void>(registry->size()); };
  registry.emplace(keyed_registry_options{.capacity = 1, .shards = 1}, make, mourn);
  CHECK(*registry->get("abc", {}) == 3);
  CHECK(*registry->get("ab", {}) == 2);
  int seen = 0;
  registry->for_each([&](const std::string& key, const int& value) {
    CHECK(registry->erase(key) == false);  // it is held while it is shown
    seen += value;
  });
  CHECK(seen == 2);
}

TEST_CASE("what a farewell throws is swallowed", "[keyed_registry]") {
  const auto bad = [](const std::string&) { throw std::runtime_error{"no"}; };
  gabion::keyed_registry<std::string, int, gabion::same_for_all<int>, decltype(bad)> registry{
      {.capacity = 1, .shards = 1}, {4}, bad};
  static_cast<void>(registry.get("a", {}));
  CHECK(*registry.get("b", {}) == 4);
}

TEST_CASE("shards share the keys out and round the capacity up", "[keyed_registry]") {
  bench x{{.capacity = 10, .shards = 4}};
  CHECK(x.registry.capacity() == 12);
  std::set<std::string> keys;
  for (int i = 0; i < 10'000; ++i) static_cast<void>(x.get("tenant-" + std::to_string(i)));
  x.registry.for_each([&](const std::string& key, const counted&) { keys.insert(key); });
  CHECK(keys.size() == x.registry.size());
  CHECK(x.registry.size() == 12);
}

TEST_CASE("keys may be numbers", "[keyed_registry]") {
  gabion::keyed_registry<std::uint64_t, int, gabion::same_for_all<int>> registry{{}, {1}};
  *registry.get(std::uint64_t{7}, {}) = 9;
  CHECK(*registry.get(std::uint64_t{7}, {}) == 9);
  CHECK(*registry.get(std::uint64_t{8}, {}) == 1);
}

TEST_CASE("options of a registry are checked on both sides", "[keyed_registry][bounds]") {
  STATIC_REQUIRE(gabion::valid(keyed_registry_options{}));
  STATIC_REQUIRE(gabion::valid(keyed_registry_options{.capacity = 1, .shards = 1}));
  STATIC_REQUIRE(gabion::valid(keyed_registry_options{.capacity = 1'048'576, .shards = 64}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.capacity = 0, .shards = 1}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.capacity = 1'048'577}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.shards = 0}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.shards = 3}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.shards = 128}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.capacity = 3, .shards = 4}));
  STATIC_REQUIRE(gabion::valid(keyed_registry_options{.idle_for = 1ns}));
  STATIC_REQUIRE_FALSE(gabion::valid(keyed_registry_options{.idle_for = 0ns}));
  CHECK_THROWS_WITH(
      bench{{.shards = 3}},
      Catch::Contains("keyed_registry_options.shards is 3; allowed: 1, 2, 4, 8, 16, 32 or 64"));
}

TEST_CASE("many threads get and hold and evict", "[keyed_registry][threads]") {
  std::atomic<int> alive{0};
  std::atomic<int> gone{0};
  std::atomic<bool> broken{false};
  const auto count = [&](const std::string&, const int&) { gone.fetch_add(1); };
  {
    gabion::keyed_registry<std::string, counted, recipe, decltype(count)> registry{
        {.capacity = 16, .shards = 2, .idle_for = 1us}, recipe{&alive}, count};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < 5'000; ++i) {
          const gabion::instant now{std::chrono::nanoseconds{i * 10}};
          const auto h = registry.get("k" + std::to_string((i * 7 + t * 13) % 40), now);
          if (!h) continue;
          const auto same = registry.find("k" + std::to_string((i * 7 + t * 13) % 40), now);
          if (!same || &*same != &*h) broken = true;
          if (i % 500 == 0) registry.expire(now);
          if (i % 700 == 0)
            registry.for_each([&](const std::string& key, const counted& c) {
              if (key.empty() || c.save() != 0) broken = true;
            });
        }
      });
    for (auto& t : threads) t.join();
    CHECK_FALSE(broken.load());
    CHECK(alive == static_cast<int>(registry.size()));
    CHECK(registry.size() <= registry.capacity());
    CHECK(gone > 0);
  }
  CHECK(alive == 0);
}

TEST_CASE("breakers by host are independent and share their options", "[circuit_registry]") {
  gabion::circuit_registry hosts{{}, {{.failures = 1}}};
  const auto fail = [] { return std::optional<int>{}; };
  const auto work = [] { return std::optional<int>{1}; };
  CHECK_FALSE(hosts.call("eu", fail).has_value());
  CHECK_FALSE(hosts.call("eu", work).has_value());
  CHECK(hosts.call("us", work) == 1);
  CHECK(hosts.get("eu")->state() == circuit_state::open);
  CHECK(hosts.get("eu")->name() == "eu");
  CHECK(hosts.get("us")->state() == circuit_state::closed);
}

TEST_CASE("options may differ by key and the observer hears of all", "[circuit_registry]") {
  gabion::testing::manual_time time;
  std::vector<std::string> heard;
  const auto listen = [&](const gabion::circuit_transition& t) { heard.emplace_back(t.name); };
  gabion::basic_circuit_registry hosts{
      keyed_registry_options{},
      [](std::string_view key) {
        return circuit_breaker_options{.failures = key == "weak" ? 1U : 2U};
      },
      time.clock(), listen};
  hosts.try_acquire("weak")->failure();
  hosts.try_acquire("strong")->failure();
  CHECK(heard == std::vector<std::string>{"weak"});
  hosts.try_acquire("strong")->failure();
  CHECK(heard == std::vector<std::string>{"weak", "strong"});
}

TEST_CASE("an admission keeps its breaker and says why there is none", "[circuit_registry]") {
  gabion::testing::manual_time time;
  gabion::basic_circuit_registry hosts{
      keyed_registry_options{.capacity = 1, .shards = 1},
      gabion::same_for_all{circuit_breaker_options{.failures = 1, .open_for = 30s}}, time.clock()};
  {
    auto a = hosts.try_acquire("a");
    REQUIRE(static_cast<bool>(a));
    const auto b = hosts.try_acquire("b");
    CHECK_FALSE(static_cast<bool>(b));
    CHECK(b.registry_full());
    CHECK(b.why().code == gabion::errc::full);
    CHECK(hosts.call("b", [] { return std::error_code{}; }) == gabion::errc::full);
    CHECK_THROWS_AS(hosts.call("b", [] { return 1; }), gabion::refused_error);
    a->failure();
  }
  const auto a = hosts.try_acquire("a");
  CHECK_FALSE(static_cast<bool>(a));
  CHECK_FALSE(a.registry_full());
  CHECK(a.why() == gabion::refusal{gabion::errc::circuit_open, 30s});
}

TEST_CASE("the snapshot of all has one row for each key that is there and none for one that went",
          "[circuit_registry]") {
  gabion::testing::manual_time time;
  std::vector<std::string> gone;
  const auto bye = [&](const std::string& key, const gabion::circuit_record& record) {
    gone.push_back(key + " " + std::string{to_string(record.state)});
  };
  gabion::basic_circuit_registry hosts{
      keyed_registry_options{.capacity = 2, .shards = 1, .idle_for = 1h},
      gabion::same_for_all{circuit_breaker_options{.failures = 1}}, time.clock(),
      gabion::no_observer{}, bye};
  hosts.try_acquire("a")->failure();
  hosts.try_acquire("b")->success();
  auto rows = hosts.snapshot();
  REQUIRE(rows.size() == 2);
  std::sort(rows.begin(), rows.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
  CHECK(rows[0].key == "a");
  CHECK(rows[0].snapshot.state == circuit_state::open);
  CHECK(rows[0].snapshot.name.empty());
  CHECK(rows[1].snapshot.counts.success == 1);
  hosts.try_acquire("c")->success();
  CHECK(gone == std::vector<std::string>{"a open"});
  CHECK(hosts.snapshot().size() == 2);
  time.advance(1h);
  CHECK(hosts.expire() == 2);
  CHECK(hosts.snapshot().empty());
}

TEST_CASE("a name is cut to what fits and not inside a character", "[circuit_registry]") {
  gabion::circuit_registry hosts{{}, {{.failures = 1}}};
  const std::string fits(47, 'x');
  CHECK(hosts.get(fits)->name() == fits);
  CHECK(hosts.get(fits + "y")->name() == fits);
  // 48 bytes, the last two are one character
  const std::string umlaut = std::string(46, 'x') + "\xc3\xa4";
  CHECK(hosts.get(umlaut)->name() == std::string(46, 'x'));
  CHECK(hosts.entries().size() == 3);
}
