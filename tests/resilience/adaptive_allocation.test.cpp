// SPDX-License-Identifier: MIT
// No call through an adaptive policy allocates. This executable counts every allocation.
#include <cstdint>

#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/chaos.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/outlier_ejection.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion_test::allocations_in;

namespace {

/// One call through a policy's run.
template <class Policy>
void call(Policy& policy, verdict how, instant now) {
  typename Policy::run run{policy};
  call_context context;
  call_outcome outcome{how};
  if (run.enter(context, standing{now}).what == entry_step::kind::pass)
    static_cast<void>(run.leave(outcome, context, standing{now + 5ms}));
}

template <class Policy>
void calls(Policy& policy) {
  for (int i = 0; i < 2'000; ++i)
    call(policy, i % 3 == 0 ? verdict::failure : verdict::success, start + i * 20ms);
}

}  // namespace

namespace {

template <class Limit>
void check_no_allocation() {
  CHECK(allocations_in([] {
          gabion::basic_concurrency_limiter<Limit> l{Limit{{}}};
          calls(l);
          static_cast<void>(l.snapshot());
        }) == 0);
}

}  // namespace

TEST_CASE("a concurrency limiter allocates nothing", "[concurrency_limiter][allocation]") {
  SECTION("aimd_limit") { check_no_allocation<gabion::aimd_limit>(); }
  SECTION("vegas_limit") { check_no_allocation<gabion::vegas_limit>(); }
  SECTION("gradient2_limit") { check_no_allocation<gabion::gradient2_limit>(); }
}

TEST_CASE("throttle and shedder and chaos allocate nothing after they are made", "[allocation]") {
  gabion::adaptive_throttle throttle{{.k_percent = 110}};
  gabion::load_gauge gauge;
  gabion::load_shedder<gabion::load_gauge::handle> shedder{gauge.source()};
  gabion::chaos chaos{{.latency_rate = 100'000, .latency_max = 1ms, .error_rate = 100'000}};
  gauge.set(9'500);
  CHECK(allocations_in([&] {
          calls(throttle);
          calls(shedder);
          calls(chaos);
          static_cast<void>(throttle.snapshot(start));
          static_cast<void>(shedder.snapshot());
        }) == 0);
  CHECK(throttle.snapshot(start + 40s).rejected > 0);
}

TEST_CASE("an outlier ejection allocates once", "[outlier][allocation]") {
  CHECK(allocations_in([] { gabion::outlier_ejection set{{.capacity = 1024}}; }) == 1);
  gabion::outlier_ejection set{{.capacity = 20}};
  CHECK(allocations_in([&] {
          for (int i = 0; i < 20; ++i) static_cast<void>(set.add());
          for (int i = 0; i < 5'000; ++i) {
            const auto h = set.pick(static_cast<std::uint64_t>(i), start + i * 10ms);
            set.record(*h, i % 7 == 0 ? verdict::success : verdict::failure, start + i * 10ms);
            static_cast<void>(set.tick(start + i * 10ms));
          }
          static_cast<void>(set.fleet());
        }) == 0);
  CHECK(set.fleet().ejections > 0);
}
