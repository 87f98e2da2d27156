// SPDX-License-Identifier: MIT
// No path of a bulkhead or of a rate limiter allocates. This executable counts every allocation.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>
#include <gabion/resilience/paced.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>
#include <gabion/resilience/sliding_window_limiter.hpp>
#include <gabion/resilience/token_bucket.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::instant;
using gabion_test::allocations_in;

namespace {

struct bell {
  void wake() noexcept {}
};

template <class Limiter>
void use(Limiter& limiter) {
  instant now{1h};
  for (int i = 0; i < 1000; ++i) {
    static_cast<void>(limiter.take(now, 1));
    static_cast<void>(limiter.available(now));
    now += 1ms;
  }
}

}  // namespace

TEST_CASE("a bulkhead and its queue allocate nothing", "[bulkhead][allocation]") {
  CHECK(allocations_in([] {
          gabion::bulkhead plain{{.limit = 1}};
          gabion::queueing_bulkhead queueing{{.limit = 1, .max_waiting = 10}};
          bell b;
          gabion::call_context context;
          context.wake.emplace(b);
          const auto now = [] { return instant{1h}; };
          for (int i = 0; i < 100; ++i) {
            const auto held = plain.try_acquire();
            static_cast<void>(plain.call([] { return std::error_code{}; }));
            auto first = queueing.try_acquire();
            gabion::queueing_bulkhead::run second{queueing};
            static_cast<void>(second.enter(context, now));
            gabion::queueing_bulkhead::run third{queueing};
            static_cast<void>(third.enter(context, now));
            first.release();
            static_cast<void>(second.enter(context, now));
            queueing.resize(2);
            queueing.resize(1);
            static_cast<void>(queueing.snapshot());
          }
        }) == 0);
}

TEST_CASE("rate limiters allocate nothing once they are made", "[rate_limiter][allocation]") {
  gabion::sliding_window_limiter window{{.limit = 3, .window = 100ms}};
  CHECK(allocations_in([&] {
          use(window);
          gabion::gcra spaced{{.interval = 3ms, .burst = 2}};
          use(spaced);
          gabion::token_bucket bucket{{.burst = 3, .refill = gabion::per_second(333)}};
          use(bucket);
          bucket.reconfigure({.burst = 5}, instant{2h});
          gabion::paced policy{bucket, 1s};
          gabion::call_context context;
          decltype(policy)::run run{policy};
          static_cast<void>(run.enter(context, [] { return instant{3h}; }));
        }) == 0);
}

TEST_CASE("a keyed limiter allocates nothing for numbers and short texts, evictions included",
          "[keyed_rate_limiter][allocation]") {
  gabion::keyed_rate_limiter<int> numbers{{}, {.keys = 100}};
  gabion::keyed_rate_limiter<std::string, gabion::token_bucket> names{{}, {.keys = 100}};
  CHECK(allocations_in([&] {
          instant now{1h};
          char name[] = "tenant-00";
          for (int i = 0; i < 5000; ++i) {
            static_cast<void>(numbers.take(i, now));
            name[7] = static_cast<char>('0' + i / 10 % 10);
            name[8] = static_cast<char>('0' + i % 10);
            static_cast<void>(names.take(std::string_view{name}, now));
            now += 1us;
          }
          static_cast<void>(numbers.expire(now + 24h));
        }) == 0);
  CHECK(numbers.snapshot().evicted > 0);
}
