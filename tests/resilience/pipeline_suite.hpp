// SPDX-License-Identifier: MIT
// What a pipeline promises, whoever drives it: each function is one promise and is run by every
// driver.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <system_error>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/timeout_policy.hpp>

#include "resilience/pipeline_fixture.hpp"
#include "support/catch.hpp"

namespace pipeline_tests {

template <class Driver>
struct pipeline_suite {
  gabion::testing::manual_time time{};
  manual_waiter waiter{time};
  diary log{};
  recorder<> outer{"outer", log};
  recorder<> inner{"inner", log};

  template <class... Policies>
  auto make(Policies&&... policies) {
    return gabion::pipeline(time.clock(), std::forward<Policies>(policies)...);
  }
  template <class Pipeline, class Function>
  auto call(Pipeline& pipeline, const call_context& context, Function f)
      -> gabion::detail::call_result<Function> {
    return Driver::call(pipeline, waiter, context, f);
  }
  template <class Pipeline, class Function>
  auto call(Pipeline& pipeline, Function f) -> gabion::detail::call_result<Function> {
    return Driver::call(pipeline, waiter, call_context{}, f);
  }
  template <class Pipeline, class Function>
  std::error_code code_of(Pipeline& pipeline, const call_context& context, Function f) {
    try {
      static_cast<void>(call(pipeline, context, f));
    } catch (const std::system_error& e) {
      return e.code();
    }
    return {};
  }

  void enters_inwards_and_leaves_outwards() {
    auto p = make(outer, inner);
    CHECK(call(p, [&] {
            log.emplace_back("call");
            return 7;
          }) == 7);
    CHECK(log == diary{"outer enter", "inner enter", "call", "inner leave success",
                       "inner destroyed", "outer leave success", "outer destroyed"});
  }

  void gives_back_each_kind_of_result() {
    auto p = make(outer);
    int there = 1;
    CHECK(&call(p, [&]() -> int& { return there; }) == &there);
    CHECK(*call(p, [] { return std::make_unique<int>(3); }) == 3);
    int calls = 0;
    call(p, [&] { ++calls; });
    CHECK(calls == 1);
    CHECK(call(p, []() -> const std::string { return "kept"; }) == "kept");
  }

  void an_exception_is_a_failure_and_goes_on_unchanged() {
    auto p = make(outer);
    CHECK_THROWS_WITH(call(p, []() -> int { throw std::runtime_error{"connection lost"}; }),
                      "connection lost");
    CHECK(log == diary{"outer enter", "outer leave failure", "outer destroyed"});
    CHECK_THROWS_AS(call(p, [] { throw 7; }), int);
  }

  void an_exception_that_says_cancelled_is_cancelled() {
    auto p = make(outer);
    const auto throws = [&](auto code) {
      log.clear();
      CHECK_THROWS_AS(call(p, [&] { throw std::system_error{make_error_code(code)}; }),
                      std::system_error);
      return log.at(1);
    };
    CHECK(throws(errc::cancelled) == "outer leave cancelled");
    CHECK(throws(std::errc::operation_canceled) == "outer leave cancelled");
    CHECK(throws(std::errc::timed_out) == "outer leave failure");
  }

  void what_lies_below_a_retry_is_made_afresh() {
    simple_retry retry{3};
    auto p = make(outer, retry, inner);
    std::vector<std::uint32_t> attempts;
    CHECK_THROWS_AS(call(p,
                         [&](const call_context& c) {
                           attempts.push_back(c.attempt);
                           throw std::runtime_error{"down"};
                         }),
                    std::runtime_error);
    CHECK(attempts == std::vector<std::uint32_t>{1, 2, 3});
    CHECK(waiter.waits == std::vector<duration>{10ms, 10ms});
    CHECK(log == diary{"outer enter", "inner enter", "inner leave failure", "inner destroyed",
                       "inner enter", "inner leave failure", "inner destroyed", "inner enter",
                       "inner leave failure", "inner destroyed", "outer leave failure",
                       "outer destroyed"});
  }

  void the_last_attempt_is_the_answer() {
    simple_retry retry{3};
    auto p = make(retry);
    int n = 0;
    CHECK(call(p, [&]() -> int {
            if (++n < 3) throw std::runtime_error{"down"};
            return n;
          }) == 3);
    CHECK(call(p, [&] { return std::make_error_code(std::errc::timed_out); }) ==
          std::errc::timed_out);
    n = 0;
    CHECK_THROWS_WITH(call(p,
                           [&] {
                             if (++n == 3) throw std::runtime_error{"gone"};
                             return std::make_error_code(std::errc::timed_out);
                           }),
                      "gone");
    CHECK(waiter.waits.size() == 6);
  }

  void a_refusal_is_told_to_whom_it_passed_and_to_the_caller() {
    inner.on_enter = [](call_context&, instant) {
      return entry_step::refuse({errc::rate_limited, 3s});
    };
    std::optional<call_outcome> seen;
    outer.on_leave = [&](call_outcome& outcome, call_context&, instant) {
      seen = outcome;
      return exit_step::up();
    };
    auto p = make(outer, inner);
    bool called = false;
    CHECK(call(p, [&] {
            called = true;
            return std::error_code{};
          }) == make_error_code(errc::rate_limited));
    CHECK_FALSE(called);
    REQUIRE(seen);
    CHECK(seen->verdict == verdict::failure);
    CHECK(seen->refused == refusal{errc::rate_limited, 3s});
    CHECK(seen->retry_after == std::optional<duration>{3s});
    CHECK(seen->never_called());
    CHECK(log == diary{"outer enter", "inner enter", "inner destroyed", "outer leave failure",
                       "outer destroyed"});
    try {
      call(p, [] {});
      FAIL("must be refused");
    } catch (const gabion::refused_error& e) {
      CHECK(e.code() == make_error_code(errc::rate_limited));
      CHECK(e.retry_after() == 3s);
    }
  }

  void a_policy_that_drops_a_late_result_is_heard() {
    outer.on_leave = [](call_outcome& outcome, call_context&, instant) {
      outcome = {verdict::failure, refusal{errc::timeout}, {}, true};
      return exit_step::up();
    };
    auto p = make(outer);
    CHECK(code_of(p, {}, [] { return 1; }) == make_error_code(errc::timeout));
    CHECK(code_of(p, {}, []() -> int { throw std::runtime_error{"late as well"}; }) ==
          make_error_code(errc::timeout));
  }

  void a_refusal_further_down_is_seen_and_its_words_are_kept() {
    std::optional<call_outcome> seen;
    outer.on_leave = [&](call_outcome& outcome, call_context&, instant) {
      seen = outcome;
      return exit_step::up();
    };
    auto p = make(outer);
    CHECK_THROWS_WITH(
        call(p,
             [] { throw gabion::refused_error({errc::overloaded, 2s}, "all the lanes are full"); }),
        Catch::Matchers::Contains("all the lanes are full"));
    CHECK(seen->refused == refusal{errc::overloaded, 2s});
    CHECK(seen->never_called());
    CHECK(call(p, [] { return make_error_code(errc::circuit_open); }) ==
          make_error_code(errc::circuit_open));
    CHECK(seen->refused == refusal{errc::circuit_open});
  }

  void a_wait_to_get_in_is_asked_again_until_it_passes() {
    int asked = 0;
    inner.on_enter = [&](call_context&, instant now) {
      return ++asked < 3 ? entry_step::wait(now + 5ms) : entry_step::pass();
    };
    auto p = make(outer, inner);
    CHECK(call(p, [] { return 1; }) == 1);
    CHECK(waiter.waits == std::vector<duration>{5ms, 5ms});
    CHECK(log == diary{"outer enter", "inner enter", "inner enter", "inner enter",
                       "inner leave success", "inner destroyed", "outer leave success",
                       "outer destroyed"});
  }

  void a_wake_ends_a_wait_to_get_in() {
    bool room = false;
    inner.on_enter = [&](call_context&, instant now) {
      return room ? entry_step::pass() : entry_step::wait(now + 1h);
    };
    waiter.during = [&] {
      room = true;
      REQUIRE(inner.wake);
      inner.wake->wake();
    };
    auto p = make(inner);
    const instant before = time.now();
    CHECK(call(p, [] { return 1; }) == 1);
    CHECK(time.now() == before);
    CHECK(waiter.waits == std::vector<duration>{1h});
  }

  void a_wake_does_not_cut_a_back_off_short() {
    simple_retry retry{2, 10ms};
    auto p = make(retry);
    int woken = 0;
    waiter.during = [&] {
      if (++woken == 1) waiter.wake();
    };
    const instant before = time.now();
    CHECK(call(p, [n = 0]() mutable {
            return ++n == 2 ? std::error_code{} : std::make_error_code(std::errc::timed_out);
          }) == std::error_code{});
    CHECK(time.now() - before == 10ms);
    CHECK(waiter.waits == std::vector<duration>{10ms, 10ms});
  }

  void case_60() {
    simple_retry retry{5, 1h};
    auto p = make(outer, retry, inner);
    std::stop_source stop;
    waiter.during = [&] {
      stop.request_stop();
      waiter.wake();
    };
    const instant before = time.now();
    int calls = 0;
    CHECK(code_of(p, {.stop = stop.get_token()}, [&] {
            ++calls;
            throw std::runtime_error{"down"};
          }) == make_error_code(errc::cancelled));
    CHECK(calls == 1);
    CHECK(time.now() == before);
    CHECK(log == diary{"outer enter", "inner enter", "inner leave failure", "inner destroyed",
                       "outer leave cancelled", "outer destroyed"});
  }

  void a_waiter_that_answers_no_cancels_the_call() {
    waiter.interrupted = true;
    inner.on_enter = [](call_context&, instant now) { return entry_step::wait(now + 1h); };
    auto p = make(outer, inner);
    CHECK(code_of(p, {}, [] { return 1; }) == make_error_code(errc::cancelled));
    CHECK(log == diary{"outer enter", "inner enter", "inner destroyed", "outer leave cancelled",
                       "outer destroyed"});
  }

  void nothing_goes_again_once_the_caller_has_given_up() {
    simple_retry retry{9};
    std::stop_source stop;
    auto p = make(retry);
    int calls = 0;
    CHECK(call(p, {.stop = stop.get_token()}, [&] {
            ++calls;
            stop.request_stop();
            return std::make_error_code(std::errc::timed_out);
          }) == make_error_code(errc::cancelled));
    CHECK(calls == 1);
    CHECK(waiter.waits.empty());
    CHECK(code_of(p, {.stop = stop.get_token()}, [&] { ++calls; }) ==
          make_error_code(errc::cancelled));
    CHECK(calls == 1);
  }

  void case_79_expired() {
    auto p = make(outer);
    int calls = 0;
    const auto count = [&] { ++calls; };
    CHECK(code_of(p, {.until = gabion::deadline::at(time.now())}, count) ==
          make_error_code(errc::timeout));
    CHECK(calls == 0);
    CHECK(log.empty());
    CHECK(code_of(p, {.until = gabion::deadline::at(time.now() + 1ns)}, count) ==
          std::error_code{});
    CHECK(calls == 1);
  }

  void case_79_no_retry() {
    auto p = make(simple_retry{3, 10ms});
    const auto attempts_within = [&](duration whole, duration each) {
      int calls = 0;
      CHECK(call(p, {.until = gabion::deadline::after(time.now(), whole)}, [&] {
              ++calls;
              time.advance(each);
              return std::make_error_code(std::errc::connection_reset);
            }) == std::errc::connection_reset);
      return calls;
    };
    CHECK(attempts_within(20ms, 20ms) == 1);
    CHECK(attempts_within(20ms, 10ms) == 1);
    CHECK(attempts_within(21ms, 10ms) == 2);
    CHECK(attempts_within(1h, 10ms) == 3);
  }

  void a_wait_to_get_in_ends_at_the_deadline() {
    inner.on_enter = [](call_context&, instant now) { return entry_step::wait(now + 1h); };
    auto p = make(outer, inner);
    CHECK(code_of(p, {.until = gabion::deadline::after(time.now(), 30ms)}, [] {}) ==
          make_error_code(errc::timeout));
    CHECK(waiter.waits == std::vector<duration>{30ms});
    CHECK(log == diary{"outer enter", "inner enter", "inner destroyed", "outer leave failure",
                       "outer destroyed"});
  }

  void what_a_policy_changes_in_the_context_holds_below_it() {
    const auto whole = gabion::deadline::after(time.now(), 1s);
    inner.on_enter = [&](call_context& c, instant now) {
      c.until = (gabion::min)(c.until, gabion::deadline::after(now, 100ms));
      return entry_step::pass();
    };
    inner.on_leave = [&](call_outcome&, call_context& c, instant) {
      c.until = whole;
      return exit_step::up();
    };
    gabion::deadline above;
    outer.on_leave = [&](call_outcome&, call_context& c, instant) {
      above = c.until;
      return exit_step::up();
    };
    auto p = make(outer, inner);
    const auto below =
        call(p, {.until = whole, .idempotency_key = "k1", .priority = gabion::call_priority::high},
             [](const call_context& c) { return c; });
    CHECK(below.until == gabion::deadline::after(time.now(), 100ms));
    CHECK(below.idempotency_key == "k1");
    CHECK(below.priority == gabion::call_priority::high);
    CHECK(above == whole);
  }

  void the_clock_is_read_once_on_the_way_in() {
    struct counting_clock {
      int* reads;
      [[nodiscard]] instant now() const noexcept {
        ++*reads;
        return instant{1s};
      }
    };
    int reads = 0;
    recorder<> third{"third", log};
    for (recorder<>* each : {&outer, &inner, &third}) {
      each->on_enter = [](call_context&, instant) { return entry_step::pass(); };
      each->on_leave = [](call_outcome&, call_context&, instant) { return exit_step::up(); };
    }
    auto p = gabion::pipeline(counting_clock{&reads}, outer, inner, third);
    CHECK(call(p, [&] { return reads; }) == 1);
    CHECK(reads == 2);
  }

  void case_57() {
    gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 60s}, time.clock()};
    simple_retry retry{3};
    auto p = make(retry, breaker);
    int calls = 0;
    CHECK(call(p, [&] {
            ++calls;
            return std::make_error_code(std::errc::timed_out);
          }) == make_error_code(errc::circuit_open));
    CHECK(calls == 1);
    CHECK(breaker.snapshot().counts.rejected == 2);
    try {
      call(p, [] {});
      FAIL("the circuit is open");
    } catch (const gabion::refused_error& e) {
      CHECK(e.code() == make_error_code(errc::circuit_open));
      CHECK(e.retry_after() == 60s - 40ms);
    }
  }

  void a_refusal_below_a_breaker_is_not_held_against_the_other_side() {
    gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 60s}, time.clock()};
    inner.on_enter = [](call_context&, instant) { return entry_step::refuse({errc::overloaded}); };
    auto p = make(breaker, inner);
    CHECK(code_of(p, {}, [] {}) == make_error_code(errc::overloaded));
    CHECK(breaker.state() == gabion::circuit_state::closed);
    CHECK(breaker.snapshot().counts.ignored == 1);
    inner.on_enter = nullptr;
    inner.on_leave = [](call_outcome& outcome, call_context&, instant) {
      outcome = {verdict::failure, refusal{errc::timeout}, {}, true};
      return exit_step::up();
    };
    CHECK(code_of(p, {}, [] {}) == make_error_code(errc::timeout));
    CHECK(breaker.state() == gabion::circuit_state::open);
  }

  void a_cancelled_call_is_not_held_against_the_other_side() {
    gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 60s}, time.clock()};
    auto p = make(breaker);
    CHECK(code_of(p, {}, [] { throw std::system_error{make_error_code(errc::cancelled)}; }) ==
          make_error_code(errc::cancelled));
    CHECK(breaker.snapshot().counts.cancelled == 1);
    CHECK(breaker.state() == gabion::circuit_state::closed);
  }

  void case_51() {
    gabion::bulkhead limiter{{.limit = 1}};
    gabion::basic_circuit_breaker breaker{{.failures = 1, .open_for = 60s}, time.clock()};
    breaker.try_acquire()->failure();
    auto p = make(limiter, breaker);
    for (int n = 0; n < 3; ++n) {
      CHECK(code_of(p, {}, [] {}) == make_error_code(errc::circuit_open));
      CHECK(limiter.snapshot().in_use == 0);
    }
    time.advance(60s);
    CHECK(call(p, [] { return 1; }) == 1);
  }

  void a_permit_is_back_before_the_back_off() {
    gabion::bulkhead permits{{.limit = 1}};
    auto p = make(simple_retry{2, 1h}, permits);
    waiter.during = [&] { CHECK(permits.snapshot().in_use == 0); };
    CHECK(call(p, [&] {
            CHECK(permits.snapshot().in_use == 1);
            return std::make_error_code(std::errc::timed_out);
          }) == std::errc::timed_out);
    CHECK(waiter.waits.size() == 1);
  }

  static constexpr gabion::retry_options three_at_80ms{
      .max_attempts = 3,
      .backoff = {
          .initial = 80ms, .multiplier_percent = 100, .jitter = gabion::backoff_jitter::none}};

  /// How many attempts were made, and what time each of them was left.
  template <class Pipeline>
  std::vector<duration> time_left(Pipeline& p, duration each, errc expected) {
    std::vector<duration> left;
    CHECK(call(p, [&](const call_context& c) {
            left.push_back(c.until.remaining(time.now()));
            time.advance(each);
            return std::make_error_code(std::errc::connection_reset);
          }) == make_error_code(expected));
    return left;
  }

  void case_63_timeout_outside() {
    gabion::timeout_policy limit{{.limit = 100ms}};
    gabion::retry_policy retry{three_at_80ms};
    auto p = make(limit, retry);
    CHECK(time_left(p, 10ms, errc::timeout) == std::vector<duration>{100ms, 10ms});
    CHECK(time_left(p, 150ms, errc::timeout) == std::vector<duration>{100ms});
  }

  void case_63_timeout_inside() {
    gabion::timeout_policy limit{{.limit = 100ms}};
    gabion::retry_policy retry{three_at_80ms};
    auto p = make(retry, limit);
    CHECK(time_left(p, 150ms, errc::timeout) == std::vector<duration>{100ms, 100ms, 100ms});
    CHECK(waiter.waits == std::vector<duration>{80ms, 80ms});
  }

  void case_63_timeout_on_both_sides() {
    gabion::timeout_policy whole{{.limit = 250ms}};
    gabion::timeout_policy each{{.limit = 100ms}};
    gabion::retry_policy retry{three_at_80ms};
    auto p = make(whole, retry, each);
    CHECK(time_left(p, 100ms, errc::timeout) == std::vector<duration>{100ms, 70ms});
  }

  void case_79_the_sooner_deadline_wins() {
    gabion::timeout_policy limit{{.limit = 100ms}};
    auto p = make(limit);
    const auto left = [&](duration whole) {
      return call(p, {.until = gabion::deadline::after(time.now(), whole)},
                  [&](const call_context& c) { return c.until.remaining(time.now()); });
    };
    CHECK(left(30ms) == 30ms);
    CHECK(left(1h) == 100ms);
  }

  void a_stubborn_policy_does_not_outlast_its_caller() {
    recorder<policy_kind::retry> stubborn{"stubborn", log};
    stubborn.on_leave = [](call_outcome&, call_context&, instant now) {
      return exit_step::again(now + 10ms);
    };
    auto p = make(stubborn);
    waiter.interrupted = true;
    int calls = 0;
    CHECK(code_of(p, {}, [&] { ++calls; }) == make_error_code(errc::cancelled));
    CHECK(calls == 1);
    CHECK(log == diary{"stubborn enter", "stubborn leave success", "stubborn leave cancelled",
                       "stubborn destroyed"});
  }

  void a_retry_inside_a_retry_starts_afresh() {
    auto p = make(simple_retry{2}, gabion::insist(simple_retry{3}));
    std::vector<std::uint32_t> attempts;
    CHECK(call(p, [&](const call_context& c) {
            attempts.push_back(c.attempt);
            return std::make_error_code(std::errc::timed_out);
          }) == std::errc::timed_out);
    CHECK(attempts == std::vector<std::uint32_t>{1, 2, 3, 2, 3, 4});
  }

  void attempts_without_a_wait_do_not_wait() {
    auto p = make(simple_retry{1000, 0ms}, inner);
    int calls = 0;
    CHECK(call(p, [&] {
            ++calls;
            return std::make_error_code(std::errc::timed_out);
          }) == std::errc::timed_out);
    CHECK(calls == 1000);
    CHECK(waiter.waits.empty());
  }
};

}  // namespace pipeline_tests
