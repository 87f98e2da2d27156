// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/vegas_limit.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::aimd_limit;
using gabion::basic_concurrency_limiter;
using gabion::concurrency_counts;
using gabion::concurrency_limiter_options;
using gabion::fixed_limit;
using gabion::limit_effect;
using gabion::limit_sample;
using gabion::limit_verdict;

namespace {

constexpr concurrency_limiter_options each_call{.window = {.span = 0s, .samples = 1},
                                                .shortest_rtt = 0s};

/// Keeps what it is told, and is told what to say.
struct recording_limit {
  std::vector<limit_sample>* heard;
  std::uint32_t now = 10;
  limit_effect effect = limit_effect::go_on;
  [[nodiscard]] std::uint32_t limit() const noexcept { return now; }
  limit_effect update(const limit_sample& sample) noexcept {
    heard->push_back(sample);
    return effect;
  }
};

/// Says restart on each second sample.
struct restarting_limit {
  std::vector<limit_sample>* heard;
  [[nodiscard]] std::uint32_t limit() const noexcept { return 10; }
  limit_effect update(const limit_sample& sample) noexcept {
    heard->push_back(sample);
    return heard->size() % 2 == 1 ? limit_effect::restart : limit_effect::go_on;
  }
};

template <class Limiter>
void finish(Limiter& limiter, instant begin, duration rtt) {
  limiter.try_acquire(begin)->success(begin + rtt);
}

}  // namespace

TEST_CASE("as many calls are admitted as the limit says and not one more",
          "[concurrency_limiter]") {
  basic_concurrency_limiter l{fixed_limit{3}};
  std::vector<decltype(l)::permit> held;
  for (int i = 0; i < 3; ++i) {
    auto entry = l.try_acquire(start);
    REQUIRE(entry);
    held.push_back(std::move(entry).permit());
  }
  auto refused = l.try_acquire(start);
  CHECK_FALSE(refused);
  CHECK(refused.why() == refusal{errc::overloaded, 0s});
  held.pop_back();
  CHECK(l.try_acquire(start));
  CHECK(l.in_flight() == 2);
}

TEST_CASE("every permit comes back once however it ends", "[concurrency_limiter]") {
  basic_concurrency_limiter l{fixed_limit{1}};
  {
    auto entry = l.try_acquire(start);
    entry->success(start + 1ms);
    entry->dropped(start + 2ms);
    entry->ignore();
    CHECK_FALSE(entry.permit());
  }
  l.try_acquire(start)->dropped(start);
  l.try_acquire(start)->ignore();
  static_cast<void>(l.try_acquire(start));
  {
    auto one = std::move(l.try_acquire(start)).permit();
    auto two = std::move(one);
    CHECK_FALSE(one);
    CHECK(two);
    two = decltype(two){};
    CHECK(l.in_flight() == 0);
  }
  CHECK(l.snapshot().counts ==
        concurrency_counts{.success = 1, .dropped = 1, .ignored = 1, .abandoned = 2});
  CHECK(l.snapshot().counts.settled() == 5);
  CHECK(l.in_flight() == 0);
}

TEST_CASE("a limit that shrinks below what is in flight admits nobody until there is room",
          "[concurrency_limiter]") {
  basic_concurrency_limiter l{aimd_limit{{.initial_limit = 4, .backoff_percent = 50}}, each_call};
  std::deque<decltype(l)::permit> held;
  for (int i = 0; i < 4; ++i) held.push_back(std::move(l.try_acquire(start)).permit());
  held.front().dropped(start + 1s);
  held.pop_front();
  CHECK(l.limit() == 2);
  CHECK(l.snapshot().in_flight == 3);
  CHECK_FALSE(l.try_acquire(start));
  held.pop_front();
  CHECK_FALSE(l.try_acquire(start));
  held.pop_front();
  CHECK(l.try_acquire(start));
}

TEST_CASE("the algorithm hears how long a call took and how many were in flight when it came",
          "[concurrency_limiter]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter l{recording_limit{&heard}, each_call};
  auto first = l.try_acquire(start);
  auto second = l.try_acquire(start + 1ms);
  second->success(start + 5ms);
  first->dropped(start + 9ms);
  auto third = l.try_acquire(start + 10ms);
  third->ignore();
  static_cast<void>(l.try_acquire(start + 10ms));
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].rtt == 4ms);
  CHECK(heard[0].in_flight == 2);
  CHECK_FALSE(heard[0].dropped);
  CHECK(heard[1].rtt == 9ms);
  CHECK(heard[1].in_flight == 1);
  CHECK(heard[1].dropped);
}

TEST_CASE("a clock that goes back gives a time of zero and a short call is taken as the shortest",
          "[concurrency_limiter]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter exact{recording_limit{&heard}, each_call};
  finish(exact, start, -5s);
  CHECK(heard.back().rtt == 0ns);
  basic_concurrency_limiter l{recording_limit{&heard}, {.window = {.span = 0s, .samples = 1}}};
  finish(l, start, 99us);
  CHECK(heard.back().rtt == 100us);
  finish(l, start, 101us);
  CHECK(heard.back().rtt == 101us);
}

TEST_CASE("a window is told to the algorithm once it is long enough and has enough samples",
          "[concurrency_limiter][window]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter l{recording_limit{&heard}, {.window = {.span = 1s, .samples = 3}}};
  finish(l, start, 10ms);  // the window begins when its first sample comes in
  finish(l, start + 1s, 20ms);
  CHECK(heard.empty());
  finish(l, start + 1s, 30ms);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].rtt == 20ms);
  for (int i = 0; i < 10; ++i) finish(l, start + 2s, 10ms);
  CHECK(heard.size() == 1);
  finish(l, start + 3s, 9ms);
  CHECK(heard.size() == 1);
  finish(l, start + 3s, 10ms);  // one second after the first
  CHECK(heard.size() == 2);
}

TEST_CASE("a window can tell the minimum and always tells of a drop and of the most in flight",
          "[concurrency_limiter][window]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter l{
      recording_limit{&heard},
      {.window = {.span = 0s, .samples = 3, .take = gabion::sample_of::minimum}}};
  auto a = l.try_acquire(start);
  auto b = l.try_acquire(start);
  auto c = l.try_acquire(start);
  c->success(start + 7ms);
  a->dropped(start + 9ms);
  b->success(start + 8ms);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].rtt == 7ms);
  CHECK(heard[0].in_flight == 3);
  CHECK(heard[0].dropped);
}

TEST_CASE("calls that began before the baseline was measured anew are no samples",
          "[concurrency_limiter][epoch]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter l{restarting_limit{&heard}, each_call};
  auto old_one = l.try_acquire(start);
  auto old_drop = l.try_acquire(start);
  finish(l, start, 10ms);
  CHECK(heard.size() == 1);
  CHECK(l.snapshot().epoch == 1);
  old_one->success(start + 50ms);
  CHECK(heard.size() == 1);
  CHECK(l.snapshot().counts.stale == 1);
  CHECK(l.snapshot().counts.success == 2);
  old_drop->dropped(start + 50ms);  // a drop counts all the same
  REQUIRE(heard.size() == 2);
  CHECK(heard[1].dropped);
  finish(l, start + 50ms, 10ms);
  CHECK(heard.size() == 3);
  CHECK(l.snapshot().epoch == 2);
}

TEST_CASE("a limit of an algorithm of your own is held between one and a million",
          "[concurrency_limiter]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter zero{recording_limit{&heard, 0}, each_call};
  CHECK(zero.limit() == 1);
  basic_concurrency_limiter huge{recording_limit{&heard, 4'000'000'000}, each_call};
  CHECK(huge.limit() == 1'000'000);
}

TEST_CASE("a pipeline run tells success and drops and failures and what says nothing apart",
          "[concurrency_limiter][pipeline]") {
  std::vector<limit_sample> heard;
  basic_concurrency_limiter l{recording_limit{&heard}, each_call};
  const auto pass = [&](call_outcome outcome, call_context context = {}) {
    heard.clear();
    decltype(l)::run run{l};
    REQUIRE(run.enter(context, standing{start}).what == entry_step::kind::pass);
    CHECK(l.in_flight() == 1);
    CHECK(run.leave(outcome, context, standing{start + 10ms}).what == exit_step::kind::up);
    CHECK(l.in_flight() == 0);
    if (heard.empty()) return std::string{"nothing"};
    return std::string{heard[0].dropped ? "dropped" : "sample"};
  };
  CHECK(pass({verdict::success}) == "sample");
  CHECK(pass({verdict::ignored}) == "nothing");
  CHECK(pass({verdict::cancelled}) == "nothing");
  CHECK(pass({verdict::failure}) == "dropped");
  CHECK(pass({verdict::failure, refusal{errc::circuit_open}}) == "nothing");
  CHECK(pass({verdict::failure, refusal{errc::timeout}, {}, true}) == "dropped");
}

TEST_CASE("failures can be taken as samples or be ignored but not those that ran out of time",
          "[concurrency_limiter][pipeline]") {
  std::vector<limit_sample> heard;
  concurrency_limiter_options o = each_call;
  o.failures = limit_verdict::ignored;
  basic_concurrency_limiter l{recording_limit{&heard}, o};
  const auto pass = [&](call_outcome outcome, call_context context) {
    decltype(l)::run run{l};
    REQUIRE(run.enter(context, standing{start}).what == entry_step::kind::pass);
    static_cast<void>(run.leave(outcome, context, standing{start + 10ms}));
  };
  pass({verdict::failure}, {});
  CHECK(heard.empty());
  pass({verdict::failure, {}, 5s}, {});
  CHECK(heard.size() == 1);
  pass({verdict::failure}, {.until = gabion::deadline::at(start + 10ms)});
  CHECK(heard.size() == 2);
  pass({verdict::failure}, {.until = gabion::deadline::at(start + 11ms)});
  CHECK(heard.size() == 2);
}

TEST_CASE("a run without room refuses and one that is destroyed gives its place back",
          "[concurrency_limiter][pipeline]") {
  basic_concurrency_limiter l{fixed_limit{1}};
  call_context context;
  {
    decltype(l)::run held{l};
    CHECK(held.enter(context, standing{}).what == entry_step::kind::pass);
    decltype(l)::run refused{l};
    const entry_step step = refused.enter(context, standing{});
    CHECK(step.what == entry_step::kind::refuse);
    CHECK(step.why.code == errc::overloaded);
  }
  CHECK(l.in_flight() == 0);
  CHECK(l.snapshot().counts.abandoned == 1);
  static_assert(gabion::policy<decltype(l)> && decltype(l)::holds_permit);
  static_assert(!std::is_copy_constructible_v<decltype(l)> &&
                !std::is_move_constructible_v<decltype(l)>);
}

TEST_CASE("each option of a concurrency limiter is checked at both bounds and named",
          "[concurrency_limiter][options]") {
  const auto limiter = [](concurrency_limiter_options o) {
    const std::string text = complaint([&] { basic_concurrency_limiter l{fixed_limit{1}, o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(limiter({}).empty());
  CHECK(limiter({.window = {.span = 0s, .samples = 1'000'000}, .shortest_rtt = 1h}).empty());
  CHECK(limiter({.window = {.span = -1ns}})
            .find("concurrency_limiter_options.window.span is -1 ns; allowed: 0 ns or more") == 0);
  CHECK(limiter({.window = {.samples = 0}})
            .find("concurrency_limiter_options.window.samples is 0; allowed: 1 to 1000000") == 0);
  CHECK(limiter({.window = {.samples = 1'000'001}})
            .find("concurrency_limiter_options.window.samples is 1000001") == 0);
  CHECK(limiter({.shortest_rtt = -1ns})
            .find("concurrency_limiter_options.shortest_rtt is -1 ns; allowed: 0 ns to 1 h") == 0);
  CHECK(limiter({.shortest_rtt = 1h + 1ns})
            .find("concurrency_limiter_options.shortest_rtt is 3600000000001") == 0);
}

namespace {

/// Admission and samples as a list would do it.
struct naive_limiter {
  aimd_limit limit;
  std::vector<std::pair<instant, std::uint32_t>> held{};
};

}  // namespace

TEST_CASE("a limiter does what a list of calls does", "[concurrency_limiter][model]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    gabion::xoshiro256 random{seed};
    const gabion::aimd_limit_options o{
        .initial_limit = static_cast<std::uint32_t>(gabion::uniform(random, 1, 8)),
        .max_limit = 8,
        .backoff_percent = 50,
        .slow = 50ms};
    basic_concurrency_limiter l{aimd_limit{o}, each_call};
    naive_limiter naive{aimd_limit{o}};
    std::vector<decltype(l)::permit> held;
    instant now = start;
    for (int i = 0; i < 60; ++i) {
      now += duration{static_cast<duration::rep>(gabion::uniform(random, 30'000'000))};
      if (gabion::uniform(random, 2) == 0) {
        auto entry = l.try_acquire(now);
        const bool room = naive.held.size() < naive.limit.limit();
        REQUIRE(static_cast<bool>(entry) == room);
        if (!room) continue;
        held.push_back(std::move(entry).permit());
        naive.held.emplace_back(now, static_cast<std::uint32_t>(naive.held.size() + 1));
      } else if (!held.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(gabion::uniform(random, held.size()));
        const auto [begun, in_flight] = naive.held[static_cast<std::size_t>(which)];
        const bool dropped = gabion::uniform(random, 4) == 0;
        held[static_cast<std::size_t>(which)].settle(
            dropped ? limit_verdict::dropped : limit_verdict::success, now);
        held.erase(held.begin() + which);
        naive.held.erase(naive.held.begin() + which);
        naive.limit.update({now - begun, in_flight, dropped});
      }
      REQUIRE(l.limit() == naive.limit.limit());
      REQUIRE(l.in_flight() == naive.held.size());
    }
  }
}
