// SPDX-License-Identifier: MIT
#include <gabion/resilience/fallback.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/last_good_fallback.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::call_outcome;
using gabion::deadline;
using gabion::duration;
using gabion::errc;
using gabion::fallback;
using gabion::fallback_counts;
using gabion::fallback_value;
using gabion::last_good_options;
using gabion::refusal;
using gabion::verdict;
using gabion::testing::manual_time;

namespace {

const std::error_code broken = std::make_error_code(std::errc::connection_reset);

/// A result that can say that it is not the real one.
struct page {
  int status = 200;
  std::string body{};
  bool stale = false;
};

/// Refuses every call.
struct closed {
  static constexpr gabion::policy_kind kind = gabion::policy_kind::other;
  errc code = errc::overloaded;
  struct run {
    explicit run(closed& p) noexcept : policy{&p} {}
    template <class Now>
    gabion::entry_step enter(call_context& /*c*/, const Now& /*now*/) const noexcept {
      return gabion::entry_step::refuse({policy->code, 3s});
    }
    template <class Now>
    gabion::exit_step leave(call_outcome& /*o*/, call_context& /*c*/,
                            const Now& /*now*/) const noexcept {
      return gabion::exit_step::up();
    }
    closed* policy;
  };
};

}  // namespace

template <>
struct gabion::outcome_traits<page> {
  static verdict judge(const page& p) {
    if (p.status >= 500) return verdict::failure;
    return p.status >= 400 ? verdict::ignored : verdict::success;
  }
  static void mark_degraded(page& p) { p.stale = true; }
};

TEST_CASE("a success passes a fallback untouched", "[fallback]") {
  int asked = 0;
  auto f = fallback([&] { return ++asked; });
  CHECK(f.call([] { return 7; }) == 7);
  CHECK(gabion::pipeline(f).call([] { return 8; }) == 8);
  CHECK(asked == 0);
  CHECK(f.counts() == fallback_counts{});
}

TEST_CASE("a fallback that takes nothing answers failed results and refusals and exceptions",
          "[fallback]") {
  auto f = fallback(fallback_value{page{200, "placeholder"}});
  closed shut;
  CHECK(f.call([] { return page{503}; }).body == "placeholder");
  CHECK(f.call([]() -> page { throw std::runtime_error{"broken"}; }).body == "placeholder");
  CHECK(f.call([]() -> page { throw 42; }).body == "placeholder");
  CHECK(gabion::pipeline(f).call([] { return page{503}; }).body == "placeholder");
  CHECK(gabion::pipeline(f).call([]() -> page { throw 42; }).body == "placeholder");
  CHECK(gabion::pipeline(f, shut).call([] { return page{}; }).body == "placeholder");
  CHECK(f.counts() == fallback_counts{.used = 6});
}

TEST_CASE("a fallback for refusals answers those alone and is told why", "[fallback]") {
  std::vector<refusal> told;
  auto f = fallback([&](const refusal& why) {
    told.push_back(why);
    return std::error_code{};
  });
  closed shut;
  CHECK_FALSE(gabion::pipeline(f, shut).call([] { return broken; }));
  CHECK(told == std::vector<refusal>{{errc::overloaded, 3s}});
  gabion::timeout_policy timeout;
  CHECK(gabion::pipeline(f, timeout).call([] { return broken; }) == broken);
  CHECK(f.call([] { return broken; }) == broken);
  // a call that was itself refused further down tells by its code
  CHECK_FALSE(f.call([] { return make_error_code(errc::circuit_open); }));
  CHECK_FALSE(
      f.call([]() -> std::error_code { throw gabion::error{errc::rate_limited, "slow down"}; }));
  CHECK_THROWS_AS(f.call([]() -> std::error_code { throw std::runtime_error{"broken"}; }),
                  std::runtime_error);
  CHECK(told.size() == 3);
}

TEST_CASE("a fallback may look at how the call went and at its context", "[fallback]") {
  auto by_outcome =
      fallback([](const call_outcome& o) { return page{200, o.refused ? "refused" : "failed"}; });
  closed shut;
  CHECK(gabion::pipeline(by_outcome, shut).call([] { return page{}; }).body == "refused");
  CHECK(by_outcome.call([] { return page{500}; }).body == "failed");
  auto by_key = fallback([](const call_outcome&, const call_context& c) {
    return page{200, std::string{c.idempotency_key}};
  });
  call_context context;
  context.idempotency_key = "k1";
  CHECK(by_key.call(context, [] { return page{500}; }).body == "k1");
  CHECK(gabion::pipeline(by_key).call(context, [] { return page{500}; }).body == "k1");
}

TEST_CASE("a caller's mistake and a cancelled call have no fallback", "[fallback]") {
  auto f = fallback(fallback_value{page{200, "placeholder"}});
  CHECK(f.call([] { return page{404}; }).status == 404);
  closed cancelled{errc::cancelled};
  auto codes = fallback([] { return std::error_code{}; });
  CHECK(gabion::pipeline(codes, cancelled).call([] { return broken; }) == errc::cancelled);
  CHECK_THROWS_AS(f.call([]() -> page { throw gabion::error{errc::cancelled, "stop"}; }),
                  gabion::error);
  CHECK(f.counts() == fallback_counts{});
}

TEST_CASE("a fallback that has nothing lets the failure pass as it was", "[fallback]") {
  auto f = fallback([] { return std::optional<page>{}; });
  closed shut;
  CHECK(f.call([] { return page{503, "down"}; }).body == "down");
  CHECK_THROWS_AS(f.call([]() -> page { throw 42; }), int);
  CHECK_THROWS_AS(gabion::pipeline(f, shut).call([] { return page{}; }), gabion::refused_error);
  CHECK(f.counts() == fallback_counts{.declined = 3});
}

TEST_CASE("a fallback that fails is reported and not swallowed", "[fallback]") {
  SECTION("by its result") {
    auto f = fallback(fallback_value{page{500, "also down"}});
    CHECK(f.call([] { return page{503, "down"}; }).body == "also down");
    CHECK(f.counts() == fallback_counts{.failed = 1});
    auto outer = fallback(fallback_value{page{200, "last resort"}});
    CHECK(gabion::pipeline(outer, f).call([] { return page{503, "down"}; }).body == "last resort");
  }
  SECTION("by an exception") {
    auto f = fallback([]() -> page { throw std::logic_error{"fallback"}; });
    CHECK_THROWS_AS(f.call([] { return page{503}; }), std::logic_error);
    CHECK_THROWS_AS(f.call([]() -> page { throw 42; }), std::logic_error);
    CHECK_THROWS_AS(gabion::pipeline(f).call([] { return page{503}; }), std::logic_error);
    CHECK(f.counts() == fallback_counts{.failed = 3});
  }
}

TEST_CASE("a caller can see that an answer is degraded", "[fallback]") {
  auto f = fallback(fallback_value{page{200, "placeholder"}});
  const auto degraded = f.serve([] { return page{503}; });
  CHECK(degraded.degraded);
  CHECK(degraded.value.body == "placeholder");
  CHECK(degraded.value.stale);  // by its traits
  const auto real = f.serve([] { return page{200, "real"}; });
  CHECK_FALSE(real.degraded);
  CHECK_FALSE(real.value.stale);
  CHECK(gabion::pipeline(f).call([] { return page{503}; }).stale);
}

TEST_CASE("a call can be queued for later and count as accepted", "[fallback]") {
  std::vector<std::string> queued;
  const auto enqueue = [&](const std::string& what) { queued.push_back(what); };
  auto later = fallback([&](const call_outcome&, const call_context& c) {
    enqueue(std::string{c.idempotency_key});
    return page{202, "queued"};
  });
  call_context context;
  context.idempotency_key = "order 7";
  closed shut;
  CHECK(gabion::pipeline(later, shut).call(context, [] { return page{}; }).status == 202);
  CHECK(queued == std::vector<std::string>{"order 7"});

  auto fire_and_forget = fallback([&](const call_outcome&) { queued.emplace_back("letter"); });
  fire_and_forget.call([] { throw std::runtime_error{"mail server is down"}; });
  gabion::pipeline(fire_and_forget, shut).call([] {});
  CHECK(queued.size() == 3);
}

TEST_CASE("fallbacks may follow each other until one has something", "[fallback]") {
  auto replica = fallback([](const call_outcome&) { return std::optional<page>{}; });
  auto placeholder = fallback(fallback_value{page{200, "placeholder"}});
  gabion::retry_policy retry{{.max_attempts = 1}};
  auto guarded = gabion::pipeline(placeholder, replica, retry);
  CHECK(guarded.call([] { return page{503}; }).body == "placeholder");
  CHECK(replica.counts().declined == 1);
}

namespace {

struct remembering {
  explicit remembering(const last_good_options& options = {.capacity = 2, .max_age = 60s})
      : cache{options} {}

  page call(std::string_view key, page answer) {
    call_context context;
    context.idempotency_key = key;
    auto by_key = [](const call_context& c) { return std::string{c.idempotency_key}; };
    gabion::basic_last_good_fallback last{cache, by_key};
    const page got = gabion::pipeline(time.clock(), last).call(context, [&] { return answer; });
    counts = last.counts();
    return got;
  }

  manual_time time{};
  gabion::last_good<std::string, page> cache;
  fallback_counts counts{};
};

}  // namespace

TEST_CASE("the last good value of the same key answers a failure until it is too old",
          "[fallback][last_good]") {
  remembering r;
  CHECK_FALSE(r.call("a", {200, "first"}).stale);
  r.time.advance(60s);
  const page old = r.call("a", {503});
  CHECK(old.body == "first");
  CHECK(old.stale);
  CHECK(r.counts == fallback_counts{.used = 1});
  CHECK(r.call("b", {503, "down"}).body == "down");  // nothing of that key
  CHECK(r.counts == fallback_counts{.declined = 1});
  r.time.advance(1ns);
  CHECK(r.call("a", {503, "down"}).body == "down");
}

TEST_CASE("a new good value takes the place of the old one and a failure does not",
          "[fallback][last_good]") {
  remembering r;
  r.call("a", {200, "first"});
  r.call("a", {404, "not there"});
  CHECK(r.call("a", {503}).body == "first");
  r.call("a", {200, "second"});
  CHECK(r.call("a", {503}).body == "second");
}

TEST_CASE("the least recently used value makes room", "[last_good]") {
  manual_time time;
  gabion::last_good<std::string, int> cache{{.capacity = 2}};
  const auto get = [&](const std::string& key) {
    const auto found = cache.get(key, time.now());
    return found ? std::optional{found->value} : std::nullopt;
  };
  cache.put("a", 1, time.now());
  cache.put("b", 2, time.now());
  CHECK(get("a") == 1);
  cache.put("c", 3, time.now());
  CHECK(cache.size() == 2);
  CHECK_FALSE(get("b"));
  CHECK(get("a") == 1);
  CHECK(get("c") == 3);
  CHECK(cache.erase("a"));
  CHECK_FALSE(cache.erase("a"));
  CHECK_FALSE(get("a"));
}

TEST_CASE("a remembered value tells its age and a look at it does not make it younger",
          "[last_good]") {
  manual_time time;
  gabion::last_good<int, int> cache{{.max_age = 10s}};
  cache.put(1, 7, time.now());
  time.advance(6s);
  CHECK(cache.get(1, time.now())->age == 6s);
  time.advance(4s);
  CHECK(cache.get(1, time.now())->age == 10s);
  time.advance(1ns);
  CHECK_FALSE(cache.get(1, time.now()));
  cache.put(1, 8, time.now());
  time.advance(-5s);
  CHECK(cache.get(1, time.now())->age == 0s);
}

TEST_CASE("last good options outside their range are refused by name", "[last_good]") {
  using Catch::Matchers::Contains;
  const auto refused = [](const last_good_options& o) -> std::string {
    try {
      gabion::last_good<int, int>{o};
    } catch (const gabion::error& e) {
      CHECK(e.code() == errc::invalid_argument);
      return e.what();
    }
    return {};
  };
  CHECK_THAT(refused({.capacity = 0}),
             Contains("last_good_options.capacity is 0; allowed: 1 to 1048576"));
  CHECK_THAT(refused({.capacity = 1'048'577}), Contains("1048577"));
  CHECK(refused({.capacity = 1}).empty());
  CHECK(refused({.capacity = 1'048'576}).empty());
  CHECK_THAT(refused({.max_age = 0ns}),
             Contains("last_good_options.max_age is 0 ns; allowed: more than 0 ns"));
  CHECK(refused({.max_age = 1ns}).empty());
  static_assert(gabion::valid(last_good_options{}) &&
                !gabion::valid(last_good_options{.capacity = 0}));
  static_assert(!gabion::valid(last_good_options{.max_age = 0ns}));
}
