// SPDX-License-Identifier: MIT
// Limits against a server in virtual time: 50 workers and 100 ms a call make 500 calls a second,
// and by Little's law 50 calls at a time; 1000 a second arrive.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "resilience/simulated_server.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;

namespace {

/// Callers with a deadline behind a limiter, in front of a server.
template <class Limit>
class world {
 public:
  explicit world(Limit limit, duration deadline = 250ms)
      : limiter{std::move(limit), {.window = {.span = 100ms, .samples = 10}}},
        deadline_{deadline} {}

  struct second {
    std::uint32_t lowest = 1'000'000;
    std::uint32_t highest = 0;
    std::uint64_t served = 0;
  };

  /// Runs on; what was seen at the end of each second.
  second run(std::chrono::seconds how_long) {
    second seen;
    const std::uint64_t before = server.served();
    for (auto i = 0s; i < how_long; ++i) {
      time.run_until(time.now() + 1s);
      seen.lowest = (std::min)(seen.lowest, limiter.limit());
      seen.highest = (std::max)(seen.highest, limiter.limit());
      most_in_flight = (std::max)(most_in_flight, limiter.in_flight());
    }
    seen.served = (server.served() - before) / static_cast<std::uint64_t>(how_long.count());
    return seen;
  }

  timeline time{};
  simulated_server server{time, 50, 100ms};
  gabion::basic_concurrency_limiter<Limit> limiter;
  std::uint32_t most_in_flight = 0;

 private:
  using permit = typename gabion::basic_concurrency_limiter<Limit>::permit;

  void arrive() {
    auto entry = limiter.try_acquire(time.now());
    if (!entry) return;
    const auto held = std::make_shared<permit>(std::move(entry.permit()));
    const instant begun = time.now();
    server.call([this, held, begun] {
      if (time.now() - begun > deadline_)
        held->dropped(time.now());
      else
        held->success(time.now());
    });
  }

  duration deadline_;
  arrivals arrivals_{time, 1000, [this] { arrive(); }};
};

struct expected {
  std::uint32_t low;
  std::uint32_t high;
  std::uint64_t served;
};

template <class Limit>
void check_settled(world<Limit>& w, std::chrono::seconds how_long, expected e) {
  const auto seen = w.run(how_long);
  CHECK(seen.lowest >= e.low);
  CHECK(seen.highest <= e.high);
  CHECK(seen.served >= e.served);
}

/// Converges, does not drift, follows the server down and up, does not collapse when everything
/// times out, and comes back.
template <class Limit>
void check_course(Limit limit, std::uint32_t low_percent, std::uint32_t high_percent) {
  const auto of = [&](std::uint32_t workers) {
    return expected{workers * low_percent / 100, workers * high_percent / 100 + 8,
                    workers * 10 * 95 / 100};
  };
  world<Limit> w{std::move(limit)};
  w.run(30s);
  check_settled(w, 300s, of(50));
  w.server.set(12, 100ms);
  w.run(60s);
  check_settled(w, 60s, of(12));
  w.server.set(50, 100ms);
  w.run(60s);
  check_settled(w, 60s, of(50));
  w.server.set(50, 400ms);  // every call is later than its deadline
  w.run(60s);
  CHECK(w.limiter.limit() >= 1);
  CHECK(w.limiter.limit() <= 3);
  w.server.set(50, 100ms);
  w.run(60s);
  check_settled(w, 60s, of(50));
  const auto s = w.limiter.snapshot();
  CHECK(s.counts.skipped == 0);
  CHECK(s.counts.rejected > 0);
  CHECK(w.most_in_flight <= 50 * high_percent / 100 + 8);
}

}  // namespace

TEST_CASE("aimd finds the deadline of its callers and follows the server", "[limit][simulation]") {
  // It knows of a queue only when calls run out of time: 50 in work and 75 waiting take 250 ms.
  check_course(gabion::aimd_limit{{}}, 100, 265);
}

TEST_CASE("vegas finds the capacity of the server and follows it", "[limit][simulation]") {
  check_course(gabion::vegas_limit{{}, gabion::xoshiro256{1}}, 50, 125);
}

TEST_CASE("gradient2 finds the capacity of the server and its tolerance and follows it",
          "[limit][simulation]") {
  check_course(gabion::gradient2_limit{{}, gabion::xoshiro256{1}}, 40, 200);
}

TEST_CASE("under a lasting load gradient2 drifts up as published and does not with probes",
          "[limit][simulation]") {
  const auto settled = [](std::uint32_t probe_every) {
    world<gabion::gradient2_limit> w{
        gabion::gradient2_limit{{.max_limit = 1000, .probe_every = probe_every},
                                gabion::xoshiro256{1}},
        1h};
    w.run(400s);
    return w.run(60s).highest;
  };
  CHECK(settled(0) > 250);
  CHECK(settled(100) < 100);
}

TEST_CASE("vegas does not drift over many probes", "[limit][simulation]") {
  // A probe after each 54 x 2 samples at most, that is about every eight seconds.
  world<gabion::vegas_limit> w{gabion::vegas_limit{{.probe_multiplier = 2}, gabion::xoshiro256{1}}};
  w.run(60s);
  const auto seen = w.run(400s);
  CHECK(seen.highest <= 70);
  CHECK(seen.served >= 450);
  CHECK(w.limiter.snapshot().epoch > 30);
}
