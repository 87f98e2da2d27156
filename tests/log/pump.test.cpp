// SPDX-License-Identifier: MIT
#include <gabion/log/pump.hpp>

#include <string>
#include <vector>

#include "log/pump_world.hpp"
#include "support/catch.hpp"

using namespace pump_world;

namespace {

constexpr instant start{1h};

std::vector<record> records(std::uint64_t from, std::uint64_t to) {
  std::vector<record> all;
  for (std::uint64_t i = from; i <= to; ++i) all.push_back({position{i}, "k" + std::to_string(i)});
  return all;
}

}  // namespace

TEST_CASE("a pump takes no more records than its window whatever it is given", "[pump][bounds]") {
  pump<record> p{{.window = 3}, {.leased = false}, xoshiro256{1}};
  const auto a = p.next(start);
  REQUIRE(a.step == pump_step::fetch);
  CHECK(a.limit == 3);
  p.fetched(records(1, 10), start);
  CHECK(p.held() == 3);
  CHECK(p.room() == 0);
  CHECK(p.next(start).batch.size() == 3);
}

TEST_CASE("a pump takes no more bytes than its window but always one record", "[pump][bounds]") {
  // a record here counts 100
  pump<record> p{{.window_bytes = 250}, {.leased = false}, xoshiro256{1}};
  (void)p.next(start);
  p.fetched(records(1, 10), start);
  CHECK(p.held() == 3);
  pump<record> tiny{{.window_bytes = 1}, {.leased = false}, xoshiro256{1}};
  (void)tiny.next(start);
  tiny.fetched(records(1, 10), start);
  CHECK(tiny.held() == 1);
}

TEST_CASE("a delivery of what is not in flight changes nothing and is counted", "[pump]") {
  pump<record> p{{}, {.leased = false}, xoshiro256{1}};
  (void)p.next(start);
  p.fetched(records(1, 1), start);
  const delivery stray{.at = position{7}};
  const delivery early{.at = position{1}};
  p.resolved({&stray, 1}, start);
  p.resolved({&early, 1}, start);
  CHECK(p.strays() == 2);
  CHECK(p.next(start).step == pump_step::submit);
}

TEST_CASE("records stay where they are until their delivery is known also when the lease is lost",
          "[pump]") {
  pump<record> p{{}, {}, xoshiro256{1}};
  (void)p.next(start);
  p.leased(lease{"l", "o", 1}, start);
  (void)p.next(start);
  p.fetched(records(1, 2), start);
  const auto a = p.next(start);
  REQUIRE(a.batch.size() == 2);
  const record* const first = a.batch[0].record;
  p.submitted(2, start);
  CHECK(p.next(start + 10s).step == pump_step::renew);
  p.renewed(false, start + 10s);
  CHECK(p.held() == 0);
  CHECK(p.in_flight() == 2);
  CHECK(first->key == "k1");  // an address sanitizer would complain if it were gone
  CHECK(p.next(start + 20s).step == pump_step::wait);
  const std::vector<delivery> both{{.at = position{1}}, {.at = position{2}}};
  p.resolved(both, start + 20s);
  CHECK(p.strays() == 0);
  CHECK(p.next(start + 21s).step == pump_step::acquire);
}

TEST_CASE("a wake-up fetches at once above what is held and a rescan from the beginning",
          "[pump]") {
  pump<record> p{{}, {.leased = false}, xoshiro256{1}};
  (void)p.next(start);
  p.fetched(records(1, 2), start);
  (void)p.next(start);
  p.submitted(2, start);
  CHECK(p.next(start).step == pump_step::wait);
  p.wake();
  auto a = p.next(start);
  CHECK(a.step == pump_step::fetch);
  CHECK(a.after == position{2});
  p.fetched({}, start);
  CHECK(p.next(start).step == pump_step::wait);
  p.rescan();
  a = p.next(start);
  CHECK(a.step == pump_step::fetch);
  CHECK(a.after == beginning);
}
