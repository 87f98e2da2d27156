// SPDX-License-Identifier: MIT
// What breakers, their registries and shared circuits, and outlier ejection get wrong by default.
#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gabion/adapters/memory/circuit_opinion_store.hpp>
#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/circuit_registry.hpp>
#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/outlier_ejection.hpp>
#include <gabion/resilience/shared_circuit.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_breaker_options;
using gabion::circuit_state;
using gabion::verdict;
using gabion::testing::manual_clock;
using gabion::testing::manual_time;

namespace {

/// The times for which the first of six hosts goes out within ten minutes, if all its calls fail
/// and none of the others'. `calls` are made to each host every `period` seconds.
std::vector<gabion::duration> ejections(gabion::outlier_options options, int calls, int period) {
  options.jitter_percent = 0;
  gabion::outlier_ejection set{options};
  std::vector<gabion::outlier_host> hosts;
  for (int i = 0; i < 6; ++i) hosts.push_back(*set.add());
  std::vector<gabion::duration> times;
  gabion::instant now{1h};
  static_cast<void>(set.tick(now));
  for (int second = 0; second < 600; ++second, now += 1s) {
    const bool was_in = set.available(hosts[0], now);
    if (second % period == 0)
      for (int i = 0; i < 6 * calls; ++i)
        static_cast<void>(
            set.record(hosts[i % 6], i % 6 == 0 ? verdict::failure : verdict::success, now));
    static_cast<void>(set.tick(now));
    if (was_in && !set.available(hosts[0], now))
      times.push_back(set.snapshot(hosts[0], now).remaining);
  }
  return times;
}

bool grows(const std::vector<gabion::duration>& times) {
  gabion::duration due = 30s;
  for (const gabion::duration time : times) {
    if (time != due) return false;
    due = (std::min)(due + 30s, gabion::duration{5min});
  }
  return times.size() >= 4;
}

}  // namespace

TEST_CASE("R5: by the failure percentage the ejection time of a failing host grows", "[fault]") {
  CHECK(grows(ejections({.consecutive_failures = 0,
                         .success_rate_factor = 0,
                         .failure_percent = 50,
                         .minimum_requests = 10},
                        3, 1)));
}

TEST_CASE("R5a: by the success rate the ejection time of a failing host grows", "[fault]") {
  CHECK(grows(ejections({.consecutive_failures = 0, .minimum_requests = 10}, 3, 1)));
}

TEST_CASE("R5b: at low traffic the ejection time of a failing host grows", "[fault]") {
  CHECK(grows(ejections({.success_rate_factor = 0}, 1, 4)));
  CHECK(grows(ejections({}, 1, 4)));
}

TEST_CASE("R9: a circuit closes by default though calls take longer than its open time",
          "[fault]") {
  manual_time time;
  gabion::basic_circuit_breaker breaker{
      circuit_breaker_options{.failures = 1, .open_for = 1s, .successes_to_close = 1},
      time.clock()};
  breaker.try_acquire()->failure();
  for (int probes = 0; probes < 10 && breaker.state() != circuit_state::closed; ++probes) {
    time.advance(1s);
    auto probe = breaker.try_acquire();
    if (!probe) continue;
    time.advance(1200ms);
    probe->success();
  }
  CHECK(breaker.state() == circuit_state::closed);
}

TEST_CASE("R11: a registry keeps a breaker that an operator has isolated", "[fault][!shouldfail]") {
  manual_time time;
  const auto recipe = [](std::string_view) { return circuit_breaker_options{}; };
  gabion::basic_circuit_registry hosts{gabion::keyed_registry_options{.shards = 1}, recipe,
                                       time.clock()};
  hosts.get("payments")->set_mode(gabion::circuit_mode::isolated);
  time.advance(11min);
  static_cast<void>(hosts.get("a new host"));
  CHECK_FALSE(hosts.try_acquire("payments"));
}

TEST_CASE("R11a: a registry keeps a breaker while its open time runs", "[fault][!shouldfail]") {
  manual_time time;
  const auto recipe = [](std::string_view) { return circuit_breaker_options{}; };
  gabion::basic_circuit_registry hosts{gabion::keyed_registry_options{.shards = 1}, recipe,
                                       time.clock()};
  hosts.get("search")->trip(1h);
  time.advance(11min);
  static_cast<void>(hosts.get("a new host"));
  CHECK_FALSE(hosts.try_acquire("search"));
}

TEST_CASE("R11b: a full registry makes no room by forgetting an isolated breaker",
          "[fault][!shouldfail]") {
  manual_time time;
  const auto recipe = [](std::string_view) { return circuit_breaker_options{}; };
  gabion::basic_circuit_registry hosts{gabion::keyed_registry_options{.capacity = 2, .shards = 1},
                                       recipe, time.clock()};
  hosts.get("payments")->set_mode(gabion::circuit_mode::isolated);
  static_cast<void>(hosts.get("search"));
  static_cast<void>(hosts.get("mail"));
  CHECK_FALSE(hosts.try_acquire("payments"));
}

TEST_CASE("R12: instances that have never made a call do not vote in a shared circuit",
          "[fault][!shouldfail]") {
  using breaker = gabion::basic_circuit_breaker<manual_clock>;
  using store = gabion::memory::basic_circuit_opinion_store<manual_clock>;
  manual_time time;
  store opinions{time.clock()};
  const circuit_breaker_options options{.failures = 2, .open_for = 60s, .name = "stock"};
  std::deque<breaker> breakers;
  std::deque<std::string> names;
  std::deque<gabion::basic_shared_circuit<breaker, store>> shared;
  for (int i = 0; i < 7; ++i) {
    breakers.emplace_back(options, time.clock());
    names.push_back("instance-" + std::to_string(i));
    shared.emplace_back(breakers.back(), opinions,
                        gabion::shared_circuit_options{.instance = names.back()});
  }
  const auto exchange = [&](int rounds) {
    for (; rounds > 0; --rounds) {
      for (auto& s : shared) static_cast<void>(s.step(time.now()));
      time.advance(2s);
    }
  };
  exchange(2);
  for (int call = 0; call < 2; ++call) {
    breakers[0].try_acquire()->failure();
    breakers[1].try_acquire()->failure();
    breakers[2].try_acquire()->success();
  }
  exchange(3);
  CHECK(breakers[2].state() == circuit_state::open);
}

TEST_CASE("R17: a circuit breaker can be made without options", "[fault][!shouldfail]") {
  CHECK(std::is_default_constructible_v<gabion::circuit_breaker>);
}
