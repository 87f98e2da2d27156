// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <gabion/resilience/chaos.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::basic_chaos;
using gabion::chaos;
using gabion::chaos_always;
using gabion::chaos_counts;
using gabion::chaos_options;
using gabion::shared_random;

namespace {

/// One call through a run: what it met on the way in.
entry_step enter(chaos& c, call_context context = {}, instant at = start) {
  chaos::run run{c};
  return run.enter(context, standing{at});
}

/// Counts how often it is drawn from.
struct counting_random {
  int* drawn;
  std::uint64_t operator()() noexcept { return static_cast<std::uint64_t>(++*drawn) << 40; }
};

template <class Factory>
using chaos_with = basic_chaos<shared_random, gabion::native_env, Factory>;

}  // namespace

TEST_CASE(
    "case 80: a rate of nothing never strikes and a rate of all always does and neither draws",
    "[chaos]") {
  int drawn = 0;
  basic_chaos<counting_random> never{{}, counting_random{&drawn}};
  basic_chaos<counting_random> always{{.latency_rate = chaos_always,
                                       .latency_min = 1ms,
                                       .latency_max = 1ms,
                                       .error_rate = chaos_always},
                                      counting_random{&drawn}};
  for (int i = 0; i < 10'000; ++i) {
    CHECK(never.latency() == 0ms);
    CHECK_FALSE(never.failure());
    CHECK(always.latency() == 1ms);
    CHECK(always.failure());
  }
  CHECK(drawn == 0);
  CHECK(never.counts() == chaos_counts{});
  CHECK(always.counts() == chaos_counts{10'000, 10'000, 0});
}

TEST_CASE("case 80: a rate over one is refused in the options and held at one later",
          "[chaos][options]") {
  CHECK(complaint([] {
          chaos{{.error_rate = 1'000'001}};
        }).find("chaos_options.error_rate is 1000001; allowed: 0 to 1000000") == 0);
  chaos c;
  c.set_error_rate(2'000'000);
  for (int i = 0; i < 100; ++i) CHECK(c.failure());
  c.set_error_rate(0);
  CHECK_FALSE(c.failure());
}

TEST_CASE("case 80: switched off every call passes and it can be switched on again", "[chaos]") {
  chaos c{{.enabled = false,
           .latency_rate = chaos_always,
           .latency_max = 1s,
           .error_rate = chaos_always}};
  CHECK(enter(c).what == entry_step::kind::pass);
  CHECK_FALSE(c.enabled());
  c.enable(true);
  CHECK(enter(c).what == entry_step::kind::wait);
  c.enable(false);
  CHECK(enter(c).what == entry_step::kind::pass);
}

TEST_CASE("case 80: the same seed gives the same sequence", "[chaos]") {
  const auto sequence = [](std::uint64_t seed) {
    chaos c{
        {.latency_rate = 300'000, .latency_min = 1ms, .latency_max = 9ms, .error_rate = 200'000},
        shared_random{seed}};
    std::vector<duration> seen;
    for (int i = 0; i < 500; ++i) {
      seen.push_back(c.latency());
      seen.push_back(c.failure() ? 1ns : 0ns);
    }
    return seen;
  };
  CHECK(sequence(1) == sequence(1));
  CHECK(sequence(1) != sequence(2));
}

TEST_CASE("case 80: once the caller has asked to stop nothing is injected", "[chaos]") {
  const auto make = [] { return 7; };
  chaos_with<decltype(make)> c{{.latency_rate = chaos_always,
                                .latency_min = 5ms,
                                .latency_max = 5ms,
                                .error_rate = chaos_always,
                                .result_rate = chaos_always},
                               shared_random{1},
                               make};
  std::stop_source stop;
  call_context context{.stop = stop.get_token()};
  decltype(c)::run run{c};
  CHECK(run.enter(context, standing{}).what == entry_step::kind::wait);
  stop.request_stop();  // during the delay: it ends it, and there is no failure after it
  CHECK(run.enter(context, standing{}).what == entry_step::kind::pass);
  std::optional<int> result{1};
  call_outcome outcome;
  run.settle_result(result, outcome, context, standing{});
  CHECK(result == 1);
  decltype(c)::run next{c};
  CHECK(next.enter(context, standing{}).what == entry_step::kind::pass);
  CHECK(c.counts() == chaos_counts{1, 0, 0});
}

TEST_CASE("about as many calls are struck as the rate says", "[chaos]") {
  chaos c{{.latency_rate = 250'000, .latency_min = 10ms, .latency_max = 20ms, .error_rate = 1'000},
          shared_random{1}};
  int slow = 0;
  int failed = 0;
  duration least = 1h;
  duration most{};
  for (int i = 0; i < 100'000; ++i) {
    const duration d = c.latency();
    if (d != 0ms) {
      ++slow;
      least = (std::min)(least, d);
      most = (std::max)(most, d);
    }
    failed += c.failure() ? 1 : 0;
  }
  CHECK(std::abs(slow - 25'000) < 700);
  CHECK(std::abs(failed - 100) < 50);
  CHECK(least >= 10ms);
  CHECK(most <= 20ms);
  CHECK(least < 10'100us);
  CHECK(most > 19'900us);
}

TEST_CASE("a delayed call waits as long and then goes on and is woken early in vain",
          "[chaos][pipeline]") {
  chaos c{{.latency_rate = chaos_always, .latency_min = 50ms, .latency_max = 50ms}};
  chaos::run run{c};
  call_context context;
  entry_step step = run.enter(context, standing{start});
  CHECK(step.what == entry_step::kind::wait);
  CHECK(step.until == start + 50ms);
  step = run.enter(context, standing{start + 49ms});
  CHECK(step.what == entry_step::kind::wait);
  CHECK(step.until == start + 50ms);
  CHECK(run.enter(context, standing{start + 50ms}).what == entry_step::kind::pass);
  CHECK(c.counts().latencies == 1);
}

TEST_CASE("a failing call is refused with the code and the wait from the options",
          "[chaos][pipeline]") {
  chaos c{{.error_rate = chaos_always, .error = errc::timeout, .retry_after = 2s}};
  const entry_step step = enter(c);
  CHECK(step.what == entry_step::kind::refuse);
  CHECK(step.why == refusal{errc::timeout, 2s});
}

TEST_CASE("a replaced result is judged anew", "[chaos][pipeline]") {
  const auto fail = [] { return std::make_error_code(std::errc::io_error); };
  chaos_with<decltype(fail)> c{{.result_rate = chaos_always}, shared_random{1}, fail};
  decltype(c)::run run{c};
  call_context context;
  call_outcome outcome;
  std::optional<std::error_code> result{std::error_code{}};
  run.settle_result(result, outcome, context, standing{});
  CHECK(*result == std::errc::io_error);
  CHECK(outcome.verdict == verdict::failure);
  CHECK(run.leave(outcome, context, standing{}).what == exit_step::kind::up);
  CHECK(c.counts() == chaos_counts{0, 0, 1});
}

TEST_CASE("a factory may look at the real result and a call without a result is left alone",
          "[chaos][pipeline]") {
  const auto twice = [](const std::optional<int>& real) { return std::optional<int>{*real * 2}; };
  chaos_with<decltype(twice)> c{{.result_rate = chaos_always}, shared_random{1}, twice};
  CHECK(c.replacement(std::optional<int>{4}) ==
        std::optional<std::optional<int>>{std::optional<int>{8}});
  decltype(c)::run run{c};
  call_context context;
  call_outcome refused{verdict::failure, refusal{errc::overloaded}};
  std::optional<std::optional<int>> nothing;
  run.settle_result(nothing, refused, context, standing{});
  CHECK_FALSE(nothing.has_value());
  std::optional<gabion::no_value> returned{gabion::no_value{}};
  run.settle_result(returned, refused, context, standing{});
  CHECK(c.counts().results == 1);
}

TEST_CASE("without a factory results are left as they are", "[chaos]") {
  chaos c{{.result_rate = chaos_always}};
  CHECK_FALSE(c.replacement(std::string{"real"}));
  CHECK(c.counts().results == 0);
}

TEST_CASE("chaos that is compiled out is empty and takes the same arguments", "[chaos]") {
  using off = gabion::chaos_if<false>;
  static_assert(std::is_empty_v<off> && std::is_empty_v<off::run> &&
                std::is_same_v<gabion::chaos_if<true>, chaos>);
  static_assert(gabion::policy<off> && gabion::policy<chaos>);
  off c{chaos_options{.error_rate = chaos_always}, shared_random{1}};
  c.enable(true);
  c.set_error_rate(chaos_always);
  c.set_latency_rate(chaos_always);
  c.set_result_rate(chaos_always);
  off::run run{c};
  call_context context;
  call_outcome outcome;
  CHECK(run.enter(context, standing{}).what == entry_step::kind::pass);
  CHECK(run.leave(outcome, context, standing{}).what == exit_step::kind::up);
  CHECK_FALSE(c.enabled());
  CHECK(c.counts() == chaos_counts{});
}

TEST_CASE("each option of chaos is checked at both bounds and named", "[chaos][options]") {
  const auto make = [](chaos_options o) {
    const std::string text = complaint([&] { chaos c{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(make({}).empty());
  CHECK(make({.latency_rate = chaos_always,
              .latency_min = 1s,
              .latency_max = 1s,
              .error_rate = chaos_always,
              .result_rate = chaos_always})
            .empty());
  CHECK(make({.latency_max = (duration::max)()}).empty());
  CHECK(make({.latency_rate = 1'000'001})
            .find("chaos_options.latency_rate is 1000001; allowed: 0 to 1000000") == 0);
  CHECK(make({.latency_min = -1ns})
            .find("chaos_options.latency_min is -1 ns; allowed: 0 ns or more") == 0);
  CHECK(make({.latency_min = 2ns, .latency_max = 1ns})
            .find("chaos_options.latency_max is 1 ns; allowed: latency_min or more") == 0);
  CHECK(make({.retry_after = -1ns})
            .find("chaos_options.retry_after is -1 ns; allowed: 0 ns or more") == 0);
  CHECK(make({.result_rate = 1'000'001}).find("chaos_options.result_rate is 1000001") == 0);
}

TEST_CASE("the longest delay does not pass the end of time", "[chaos]") {
  chaos c{{.latency_rate = chaos_always,
           .latency_min = (duration::max)(),
           .latency_max = (duration::max)()}};
  CHECK(enter(c).until == (instant::max)());
}
