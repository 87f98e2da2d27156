// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <string>

#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/load_shedder.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::basic_load_shedder;
using gabion::load_gauge;
using gabion::load_shedder;
using gabion::load_shedder_options;

namespace {

constexpr std::array all{call_priority::background, call_priority::low, call_priority::normal,
                         call_priority::high, call_priority::critical};

/// Who is shed at that load, one letter each: b l n h c.
template <class Shedder>
std::string shed_at(load_gauge& gauge, Shedder& shedder, std::uint32_t load) {
  gauge.set(load);
  std::string who;
  for (const call_priority p : all)
    if (shedder.refuses(p)) who += to_string(p)[0];
  return who;
}

struct least_source {
  explicit least_source(int) {}
  [[nodiscard]] std::uint32_t load() const noexcept { return 20'000; }
};
struct fractional_source {
  [[nodiscard]] double load() const noexcept { return 0.5; }
};

}  // namespace

TEST_CASE("the less important go first and each from its threshold on", "[load_shedder]") {
  load_gauge gauge;
  load_shedder<load_gauge::handle> s{gauge.source(), {.hysteresis = 0}};
  CHECK(shed_at(gauge, s, 0).empty());
  CHECK(shed_at(gauge, s, 6'999).empty());
  CHECK(shed_at(gauge, s, 7'000) == "b");
  CHECK(shed_at(gauge, s, 7'999) == "b");
  CHECK(shed_at(gauge, s, 8'000) == "bl");
  CHECK(shed_at(gauge, s, 9'000) == "bln");
  CHECK(shed_at(gauge, s, 9'500) == "blnh");
  CHECK(shed_at(gauge, s, 10'000) == "blnh");
  CHECK(shed_at(gauge, s, 4'000'000'000) == "blnh");
}

TEST_CASE("critical calls are shed only if asked", "[load_shedder]") {
  load_gauge gauge;
  load_shedder<load_gauge::handle> s{gauge.source(), {.critical = 100}};
  CHECK(shed_at(gauge, s, 9'999) == "blnh");
  CHECK(shed_at(gauge, s, 10'000) == "blnhc");
}

TEST_CASE("a priority comes in again below its threshold less the hysteresis", "[load_shedder]") {
  load_gauge gauge;
  load_shedder<load_gauge::handle> s{gauge.source(),
                                     {.background = 50, .low = 50, .hysteresis = 10}};
  CHECK(shed_at(gauge, s, 4'999).empty());
  CHECK(shed_at(gauge, s, 5'000) == "bl");
  CHECK(shed_at(gauge, s, 4'500) == "bl");
  CHECK(shed_at(gauge, s, 4'000) == "bl");
  CHECK(shed_at(gauge, s, 3'999).empty());
  CHECK(shed_at(gauge, s, 4'999).empty());
}

TEST_CASE("a refusal says overloaded and the wait from the options and is counted",
          "[load_shedder]") {
  load_gauge gauge;
  load_shedder<load_gauge::handle> s{gauge.source(), {.retry_after = 3s}};
  gauge.set(8'500);
  CHECK(s.refuses(call_priority::low) == refusal{errc::overloaded, 3s});
  CHECK_FALSE(s.refuses(call_priority::normal));
  CHECK(s.refuses(call_priority::low));
  CHECK(s.refuses(call_priority::background));
  const auto seen = s.snapshot();
  CHECK(seen.load == 8'500);
  CHECK(seen.shedding == std::array{true, true, false, false, false});
  CHECK(seen.shed == std::array<std::uint64_t, 5>{1, 2, 0, 0, 0});
  CHECK(seen.shed_total() == 3);
}

TEST_CASE("shedding is what the rule of two thresholds says whatever the loads",
          "[load_shedder][model]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    gabion::xoshiro256 random{seed};
    load_shedder_options o;
    std::uint32_t at = 0;
    o.hysteresis = static_cast<std::uint32_t>(gabion::uniform(random, 0, 20));
    at = o.hysteresis + 1;
    for (std::uint32_t* threshold : {&o.background, &o.low, &o.normal, &o.high, &o.critical})
      *threshold = at = static_cast<std::uint32_t>(gabion::uniform(random, at, 100));
    const std::array thresholds{o.background, o.low, o.normal, o.high, o.critical};
    load_gauge gauge;
    load_shedder<load_gauge::handle> s{gauge.source(), o};
    std::array<bool, 5> shedding{};
    for (int i = 0; i < 50; ++i) {
      const auto load = static_cast<std::uint32_t>(gabion::uniform(random, 0, 10'000));
      gauge.set(load);
      for (std::size_t p = 0; p < 5; ++p) {
        if (load >= thresholds[p] * 100) shedding[p] = true;
        if (load < (thresholds[p] - o.hysteresis) * 100) shedding[p] = false;
        REQUIRE(s.refuses(all[p]).has_value() == shedding[p]);
      }
    }
  }
}

TEST_CASE("a gauge takes shares and delays", "[load_shedder][source]") {
  load_gauge gauge;
  gauge.set_share(1, 3);
  CHECK(gauge.load() == 3'333);
  gauge.set_share(5, 3);
  CHECK(gauge.load() == 10'000);
  gauge.set_share(5, 0);
  CHECK(gauge.load() == 0);
  gauge.set_share(~std::uint64_t{0} / 2, ~std::uint64_t{0});
  CHECK(gauge.load() >= 4'999);
  CHECK(gauge.load() <= 5'000);
  gauge.set_delay(50ms, 200ms);
  CHECK(gauge.load() == 2'500);
  gauge.set_delay(-1s, 200ms);
  CHECK(gauge.load() == 0);
  gauge.set(10'001);
  CHECK(gauge.load() == 10'000);
}

TEST_CASE("the share of a limiter in flight is a load", "[load_shedder][source]") {
  gabion::basic_concurrency_limiter limiter{gabion::fixed_limit{4}};
  basic_load_shedder s{gabion::in_flight_load{limiter}};
  auto a = limiter.try_acquire(start);
  auto b = limiter.try_acquire(start);
  CHECK_FALSE(s.refuses(call_priority::background));
  auto c = limiter.try_acquire(start);
  CHECK(s.refuses(call_priority::background));
  CHECK_FALSE(s.refuses(call_priority::low));
  CHECK(s.snapshot().load == 7'500);
}

TEST_CASE("a pipeline run sheds by the priority of the context", "[load_shedder][pipeline]") {
  basic_load_shedder s{least_source{1}};
  decltype(s)::run run{s};
  call_context context;
  const entry_step step = run.enter(context, standing{});
  CHECK(step.what == entry_step::kind::refuse);
  CHECK(step.why.code == errc::overloaded);
  context.priority = call_priority::critical;
  CHECK(run.enter(context, standing{}).what == entry_step::kind::pass);
  call_outcome outcome;
  CHECK(run.leave(outcome, context, standing{}).what == exit_step::kind::up);
  static_assert(gabion::policy<decltype(s)>);
  static_assert(gabion::load_source<least_source> && !gabion::load_source<fractional_source> &&
                !gabion::load_source<int>);
}

TEST_CASE("each option of a load shedder is checked at both bounds and named",
          "[load_shedder][options]") {
  load_gauge gauge;
  const auto make = [&](load_shedder_options o) {
    const std::string text =
        complaint([&] { load_shedder<load_gauge::handle> s{gauge.source(), o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(make({}).empty());
  CHECK(
      make(
          {.background = 1, .low = 1, .normal = 100, .high = 100, .critical = 100, .hysteresis = 0})
          .empty());
  CHECK(make({.background = 51, .low = 60, .normal = 0, .high = 0, .critical = 0, .hysteresis = 50})
            .empty());
  CHECK(
      make({.background = 101}).find("load_shedder_options.background is 101; allowed: 0 to 100") ==
      0);
  CHECK(make({.critical = 101}).find("load_shedder_options.critical is 101") == 0);
  CHECK(make({.low = 69})
            .find("load_shedder_options.low is 69; allowed: 0, or at least the threshold of every "
                  "lower") == 0);
  CHECK(make({.low = 0}).find("load_shedder_options.normal is 90; allowed: 0, or at least") == 0);
  CHECK(make({.background = 5})
            .find("load_shedder_options.background is 5; allowed: 0, or more than hysteresis") ==
        0);
  CHECK(make({.background = 6}).empty());
  CHECK(make({.hysteresis = 51}).find("load_shedder_options.hysteresis is 51; allowed: 0 to 50") ==
        0);
  CHECK(make({.retry_after = -1ns})
            .find("load_shedder_options.retry_after is -1 ns; allowed: 0 ns or more") == 0);
}
