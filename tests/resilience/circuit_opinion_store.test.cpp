// SPDX-License-Identifier: MIT
// Opinions of circuits: what stores promise, on the memory store and on the least of stores, and
// when opinions make a quorum.
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gabion/adapters/memory/circuit_opinion_store.hpp>
#include <gabion/resilience/circuit_opinion_quorum.hpp>
#include <gabion/testing/manual_clock.hpp>
#include <gabion/testing/opinion_store_suite.hpp>

#include "support/catch.hpp"
#include "support/conformance.hpp"

using namespace std::chrono_literals;
using gabion::circuit_opinion;
using gabion::circuit_state;
using gabion::duration;

namespace {

class memory_world {
 public:
  explicit memory_world(gabion::testing::manual_time& time) : time_{time}, store_{time.clock()} {}
  auto& opinions() { return store_; }
  void pass(duration d) { time_.advance(d); }
  static duration slack() { return duration::zero(); }

 private:
  gabion::testing::manual_time& time_;
  gabion::memory::basic_circuit_opinion_store<gabion::testing::manual_clock> store_;
};

struct least_store {
  std::error_code publish(std::string_view, const circuit_opinion&, duration) { return {}; }
  gabion::circuit_opinions read(std::string_view) { return {}; }
};

circuit_opinion well() { return {.instance = "w"}; }
circuit_opinion failing(duration remaining) {
  return {.instance = "f", .state = circuit_state::open, .remaining = remaining};
}
circuit_opinion following() {
  return {.instance = "s", .state = circuit_state::open, .second_hand = true, .remaining = 1h};
}

std::vector<circuit_opinion> many(std::size_t wells, std::initializer_list<duration> remaining) {
  std::vector<circuit_opinion> all(wells, well());
  for (const duration d : remaining) all.push_back(failing(d));
  return all;
}

}  // namespace

TEST_CASE("the memory store of opinions keeps what a store promises", "[shared_circuit][memory]") {
  gabion_test::check_suite<memory_world>(gabion::testing::opinion_store_suite<memory_world>());
}

TEST_CASE("an opinion store is what can publish and read", "[shared_circuit][concepts]") {
  static_assert(gabion::explain_circuit_opinion_store<least_store>());
  static_assert(!gabion::circuit_opinion_store<int>);
  CHECK(gabion::circuit_opinion_store<gabion::memory::circuit_opinion_store>);
}

TEST_CASE("a quorum needs as many instances and as large a share as asked",
          "[shared_circuit][quorum]") {
  const gabion::circuit_quorum_options two_and_half{.instances = 2, .percent = 50};
  CHECK_FALSE(gabion::count_opinions(many(0, {10s}), two_and_half).open());
  CHECK(gabion::count_opinions(many(0, {10s, 10s}), two_and_half).open());
  CHECK(gabion::count_opinions(many(2, {10s, 10s}), two_and_half).open());
  CHECK_FALSE(gabion::count_opinions(many(3, {10s, 10s}), two_and_half).open());
  CHECK(gabion::count_opinions(many(3, {10s, 10s, 10s}), two_and_half).open());
}

TEST_CASE("the share is exact for every percentage", "[shared_circuit][quorum]") {
  for (std::uint32_t percent = 1; percent <= 100; ++percent) {
    for (std::uint32_t wells = 0; wells <= 60; ++wells) {
      const std::uint32_t needed =
          gabion::detail::quorum_needed({.instances = 1, .percent = percent}, wells);
      std::uint32_t least = 1;
      while (least < 7000 && least * 100 < percent * (least + wells)) ++least;
      const std::uint32_t naive =
          least == 7000 ? (std::numeric_limits<std::uint32_t>::max)() : least;
      if (needed != naive)
        FAIL_CHECK(percent << " % beside " << wells << ": " << needed << " instead of " << naive);
    }
  }
  CHECK(gabion::detail::quorum_needed({.instances = 3, .percent = 1}, 0) == 3);
}

TEST_CASE("a quorum lasts until one too few would still be open", "[shared_circuit][quorum]") {
  const gabion::circuit_quorum_options options{.instances = 2, .percent = 50};
  const auto open_for = [&](const std::vector<circuit_opinion>& all) {
    return gabion::count_opinions(all, options).open_for;
  };
  CHECK(open_for(many(0, {30s, 10s, 20s})) == 20s);
  CHECK(open_for(many(3, {30s, 10s, 20s})) == 10s);
  CHECK(open_for(many(0, {(duration::max)(), (duration::max)()})) == (duration::max)());
  CHECK(open_for({}) == 0s);
}

TEST_CASE("those without an opinion of their own count for neither side",
          "[shared_circuit][quorum]") {
  auto all = many(1, {10s, 0s});
  for (int i = 0; i < 20; ++i) all.push_back(following());
  all.push_back({.instance = "h", .state = circuit_state::half_open});
  all.push_back({.instance = "r", .state = circuit_state::ramping});
  const auto q = gabion::count_opinions(all, {.instances = 2, .percent = 50});
  CHECK(q.failing == 1);
  CHECK(q.well == 1);
  CHECK(q.needed == 2);
  CHECK_FALSE(q.open());
}
