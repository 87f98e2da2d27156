// SPDX-License-Identifier: MIT
// The shared rate limiter on a real Redis server.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gabion/adapters/redis/rate_limiter.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/keyed_rate_limiter.hpp>

#include "adapters/redis/pass_time.hpp"
#include "adapters/redis/redis_server.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using namespace redis_tests;
using gabion::errc;
using gabion::instant;
namespace redis = gabion::redis;

namespace {

void refuses(redis::rate_limiter_options options, std::string_view member) {
  CHECK_FALSE(gabion::redis::valid(options));
  try {
    redis::validate(options);
    FAIL_CHECK("taken, though out of range: " << member);
  } catch (const gabion::error& e) {
    CHECK(e.code() == errc::invalid_argument);
    CHECK(std::string{e.what()}.find(std::string{"rate_limiter_options."}.append(member)) !=
          std::string::npos);
  }
}

/// As gabion::keyed_rate_limiter, and counts what it is asked.
struct keyed_local {
  int asked = 0;
  std::string last{};
  gabion::rate_admission take(std::string_view key, instant, std::uint32_t) {
    ++asked;
    last = key;
    return gabion::rate_admission::no(7s);
  }
};

/// An hour for each permit: real time that passes during a test makes no difference.
constexpr redis::rate_limiter_options slow{.limit = {1, 1h}, .burst = 3};

}  // namespace

TEST_CASE("a burst is given at once and then one permit each period, on a shared server",
          "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  for (int i = 0; i < 3; ++i) CHECK(limiter.take("tenant", instant{}));
  const auto no = limiter.take("tenant", instant{});
  CHECK_FALSE(no);
  CHECK(no.retry_after <= 1h);
  CHECK(no.retry_after > 59min);
  pass_time(c, no.retry_after);
  CHECK(limiter.take("tenant", instant{}));
  CHECK_FALSE(limiter.take("tenant", instant{}));
  const auto status = limiter.status();
  CHECK(status.granted == 4);
  CHECK(status.refused == 2);
  CHECK(status.alone == 0);
}

TEST_CASE("two instances share one limit and two keys do not", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::connection d{empty_server().options()};
  redis::rate_limiter here{c, slow};
  redis::rate_limiter there{d, slow};
  CHECK(here.take("tenant", instant{}));
  CHECK(there.take("tenant", instant{}, 2));
  CHECK_FALSE(here.take("tenant", instant{}));
  CHECK_FALSE(there.take("tenant", instant{}));
  CHECK(here.take("another", instant{}, 3));
  redis::rate_limiter elsewhere{c, slow, "shop"};
  CHECK(elsewhere.take("tenant", instant{}, 3));
}

TEST_CASE("several permits are taken together or not at all", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  CHECK(limiter.take("k", instant{}, 2));
  const auto two = limiter.take("k", instant{}, 2);
  CHECK_FALSE(two);
  CHECK(two.retry_after > 59min);
  CHECK(limiter.take("k", instant{}, 1));
  CHECK(limiter.take("k", instant{}, 0));
  CHECK(limiter.take("k", instant{}, 4).retry_after == (gabion::duration::max)());
}

TEST_CASE("the wait is exact where the period does not divide", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, {.limit = {7, 1h}, .burst = 1}};
  CHECK(limiter.take("k", instant{}));
  CHECK(c.command({"SET", "gabion:rate:k", "3600000000 0 8999999999999999", "KEEPTTL"}));
  CHECK(limiter.take("k", instant{}).retry_after == 514'285'715us);
}

TEST_CASE("a day of rest gives the burst and no more, and a full bucket takes no memory",
          "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  CHECK(limiter.take("k", instant{}, 2));
  CHECK(c.command({"PTTL", "gabion:rate:k"}).value().integer() <= 2 * 3'600'000);
  pass_time(c, 24h);
  CHECK(c.command({"EXISTS", "gabion:rate:k"}).value().integer() == 0);
  CHECK(limiter.take("k", instant{}, 3));
  CHECK_FALSE(limiter.take("k", instant{}));
}

TEST_CASE("a server clock that went back gives nothing away and holds nothing up",
          "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  CHECK(limiter.take("k", instant{}, 2));
  pass_time(c, -48h);
  CHECK(limiter.take("k", instant{}, 1));
  CHECK_FALSE(limiter.take("k", instant{}, 1));
  pass_time(c, 1h);
  CHECK(limiter.take("k", instant{}, 1));
}

TEST_CASE("another period keeps the fraction that the bucket had", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter before{c, {.limit = {1, 1h}, .burst = 10}};
  CHECK(before.take("k", instant{}, 6));
  redis::rate_limiter after{c, {.limit = {1, 2h}, .burst = 10}};
  CHECK(after.take("k", instant{}, 4));
  CHECK_FALSE(after.take("k", instant{}));
}

TEST_CASE("a smaller burst holds from the next request on", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter before{c, {.limit = {1, 1h}, .burst = 10}};
  CHECK(before.take("k", instant{}));
  redis::rate_limiter after{c, slow};
  CHECK(after.take("k", instant{}, 3));
  CHECK_FALSE(after.take("k", instant{}));
}

TEST_CASE("what is no rate limiter is told apart and does no harm", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  CHECK(c.command({"SET", "gabion:rate:k", "hello"}));
  CHECK_FALSE(limiter.take("k", instant{}));
  CHECK(c.command({"DEL", "gabion:rate:k"}));
  CHECK(c.command({"LPUSH", "gabion:rate:k", "hello"}));
  CHECK_FALSE(limiter.take("k", instant{}));
  CHECK(limiter.status().alone == 2);
  CHECK(c.command({"LLEN", "gabion:rate:k"}).value().integer() == 1);
}

TEST_CASE(
    "while the server is down the limiter answers as it was told to, and asks again when it is "
    "back",
    "[redis][rate_limiter]") {
  redis_server server;
  redis::connection c{server.options()};
  redis::rate_limiter strict{c, {.limit = {1, 1h}, .retry_after_down = 5s}};
  redis::rate_limiter open{c, {.limit = {1, 1h}, .if_down = redis::when_down::allow}};
  gabion::gcra one{{.interval = 1h, .burst = 1}};
  redis::basic_rate_limiter with_one{c, {.limit = {1, 1h}}, one};
  keyed_local by_key;
  redis::basic_rate_limiter with_keys{c, {.limit = {1, 1h}}, by_key};
  CHECK(with_keys.take("first", instant{}));
  CHECK(by_key.asked == 0);
  server.stop();
  CHECK(strict.take("k", instant{}) == gabion::rate_admission::no(5s));
  CHECK(open.take("k", instant{}));
  CHECK(open.take("k", instant{}));
  CHECK(with_one.take("k", instant{1s}));
  CHECK_FALSE(with_one.take("k", instant{1s}));
  CHECK(with_keys.take("k", instant{}) == gabion::rate_admission::no(7s));
  CHECK(by_key.last == "k");
  CHECK(with_one.status().alone == 2);
  gabion::keyed_rate_limiter<std::string> each{{.interval = 1h, .burst = 1}};
  redis::basic_rate_limiter with_each{c, {.limit = {1, 1h}}, each};
  CHECK(with_each.take("k", instant{1s}));
  CHECK_FALSE(with_each.take("k", instant{1s}));
  CHECK(with_each.take("l", instant{1s}));
  server.start();
  CHECK(strict.take("k", instant{}));
  CHECK_FALSE(open.take("k", instant{}));
  CHECK(with_one.status().alone == 2);
}

TEST_CASE("several threads on several connections take exactly the burst",
          "[redis][rate_limiter][threads]") {
  redis_server& server = empty_server();
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      redis::connection c{server.options()};
      redis::rate_limiter limiter{c, {.limit = {1, 24h}, .burst = 100}};
      for (int i = 0; i < 50; ++i) granted += limiter.take("k", instant{}) ? 1 : 0;
    });
  for (auto& t : threads) t.join();
  CHECK(granted == 100);
}

TEST_CASE("one key of a shared limiter is a policy like any other", "[redis][rate_limiter]") {
  redis::connection c{empty_server().options()};
  redis::rate_limiter limiter{c, slow};
  auto tenant = limiter.of("tenant");
  static_assert(gabion::explain_rate_limiter<decltype(tenant)>());
  static_assert(gabion::explain_policy<decltype(tenant)>());
  CHECK(tenant.take(instant{}, 3));
  gabion::call_context context;
  decltype(tenant)::run run{tenant};
  const auto step = run.enter(context, [] { return instant{}; });
  CHECK(step.what == gabion::entry_step::kind::refuse);
  CHECK(step.why.code == errc::rate_limited);
  CHECK(step.why.retry_after > 59min);
}

TEST_CASE("rate limiter options out of their ranges are refused by name",
          "[redis][rate_limiter][options]") {
  refuses({.limit = {0, 1s}}, "limit.permits");
  refuses({.limit = {1, 999ns}}, "limit.per");
  refuses({.limit = {1, 24h * 366 + 1ns}}, "limit.per");
  refuses({.limit = {1, 1h}, .burst = 2'502'000}, "burst");
  refuses({.limit = {2'502'000, 1h}}, "burst");
  refuses({.if_down = static_cast<redis::when_down>(2)}, "if_down");
  refuses({.retry_after_down = -1ns}, "retry_after_down");
  static_assert(redis::valid({.limit = {1, 1us}, .burst = 4'294'967'295U, .retry_after_down = 0s}));
  static_assert(redis::valid({.limit = {1, 24h * 366}}));
  static_assert(redis::valid({.limit = {1, 1h}, .burst = 2'501'999}));
  CHECK(redis::valid({}));
}
