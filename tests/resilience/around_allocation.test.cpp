// SPDX-License-Identifier: MIT
// What is on the path of a call allocates nothing. This executable counts every allocation.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/subscriptions.hpp>
#include <gabion/resilience/circuit_registry.hpp>
#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/health_checker.hpp>
#include <gabion/resilience/resource_circuit.hpp>
#include <gabion/resilience/shadow_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion_test::allocations_in;

namespace {

struct steady_pressure {
  [[nodiscard]] std::optional<std::uint32_t> pressure(gabion::instant) const noexcept {
    return 9500U;
  }
};

}  // namespace

TEST_CASE("subscribing and telling and ending allocate nothing", "[subscriptions][allocation]") {
  gabion::subscriptions<int> hub;
  int heard = 0;
  CHECK(allocations_in([&] {
          const auto s = hub.subscribe([&](int) { ++heard; });
          for (int i = 0; i < 100; ++i) hub(i);
        }) == 0);
  CHECK(heard == 100);
}

TEST_CASE("a hit of a registry allocates nothing", "[circuit_registry][allocation]") {
  gabion::circuit_registry hosts{{}, {{.failures = 3}}};
  static_cast<void>(hosts.get("payments.example.org"));
  CHECK(allocations_in([&] {
          for (int i = 0; i < 100; ++i) {
            static_cast<void>(hosts.get("payments.example.org"));
            static_cast<void>(hosts.find(std::string_view{"payments.example.org"}));
            static_cast<void>(hosts.find("nobody"));
            hosts.try_acquire("payments.example.org")->success();
            static_cast<void>(
                hosts.call("payments.example.org", [] { return std::optional<int>{1}; }));
          }
        }) == 0);
}

TEST_CASE("admission through a tree and rejection and recovery allocate nothing",
          "[circuit_tree][allocation]") {
  gabion::testing::manual_time time;
  gabion::basic_circuit_tree<gabion::testing::manual_clock> tree{{}, time.clock()};
  const auto app = tree.add_group({.minimum_children = 1});
  const auto service = tree.add_group(app, {});
  const auto a =
      tree.add_circuit(service, {.failures = 1, .open_for = 1s, .successes_to_close = 1});
  const auto b =
      tree.add_circuit(service, {.failures = 1, .open_for = 1s, .successes_to_close = 1});
  CHECK(allocations_in([&] {
          for (int i = 0; i < 20; ++i) {
            tree.try_acquire(a)->success();
            tree.try_acquire(a)->failure();
            for (int n = 0; n < 5; ++n) static_cast<void>(static_cast<bool>(tree.try_acquire(b)));
            time.advance(2s);
            for (int n = 0; n < 4; ++n)
              if (auto entry = tree.try_acquire(n % 2 == 0 ? a : b)) entry->success();
          }
        }) == 0);
}

TEST_CASE("shadow and resource circuit and health checker allocate nothing on their way",
          "[shadow_breaker][allocation]") {
  gabion::testing::manual_time time;
  gabion::basic_shadow_breaker<gabion::testing::manual_clock> shadow{
      {.failures = 3}, {.failures = 2}, time.clock()};
  gabion::basic_circuit_breaker breaker{gabion::circuit_breaker_options{.failures = 3},
                                        time.clock()};
  gabion::resource_circuit circuit{gabion::resource_circuit_options{.sustained = 0s},
                                   steady_pressure{}, breaker};
  gabion::health_checker checker;
  CHECK(allocations_in([&] {
          for (int i = 0; i < 50; ++i) {
            if (auto a = shadow.try_acquire()) i % 3 == 0 ? a->success() : a->failure();
            static_cast<void>(shadow.report());
            circuit.step(time.now());
            const auto step = checker.step(time.now());
            if (step.probe)
              gabion::apply(checker, checker.report(step.number, i % 2 == 0, time.now()), breaker);
            time.advance(1s);
          }
        }) == 0);
}
