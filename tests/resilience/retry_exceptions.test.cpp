// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/advancing_sleeper.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::attempt_context;
using gabion::attempt_report;
using gabion::attempt_verdict;
using gabion::deadline;
using gabion::duration;
using gabion::instant;
using gabion::retry_on;
using gabion::retry_options;
using gabion::retry_stop;
using gabion::testing::manual_time;
using gabion_test::advancing_sleeper;

namespace {

struct connection_lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct no_such_thing : std::logic_error {
  using std::logic_error::logic_error;
};

constexpr gabion::backoff_options plain{.initial = 100ms, .jitter = gabion::backoff_jitter::none};

struct bench {
  explicit bench(const retry_options& options = {.max_attempts = 3, .backoff = plain})
      : machine{options, gabion::xoshiro256{1}} {}

  manual_time time{};
  advancing_sleeper sleeper{&time};
  gabion::basic_retry<gabion::xoshiro256> machine;
  int calls = 0;

  template <class Function, class Classify>
  auto call(Function f, Classify&& classify) {
    return gabion::retry_call(machine, time.clock(), sleeper, f, classify);
  }
};

/// A reply that says how long to stay away.
struct reply {
  int status = 200;
  std::optional<duration> come_back{};
};

}  // namespace

template <>
struct gabion::outcome_traits<reply> {
  static verdict judge(const reply& r) {
    return r.status >= 500 ? verdict::failure : verdict::success;
  }
  static std::optional<duration> retry_after(const reply& r) { return r.come_back; }
};

TEST_CASE("an exception of a named type is tried again and a later result is the answer",
          "[retry][exceptions]") {
  bench b;
  const auto send = [&](const attempt_context& attempt) {
    CHECK(attempt.number == static_cast<std::uint32_t>(++b.calls));
    if (b.calls < 3) throw connection_lost{"away"};
    return 7;
  };
  const auto result = b.call(send, retry_on<connection_lost>());
  CHECK(result.why == retry_stop::success);
  CHECK(result.last == 7);
  CHECK(result.attempts == 3);
  CHECK(b.sleeper.waits == std::vector<duration>{0ns, 100ms, 200ms});
}

TEST_CASE("an exception of another type ends the call at once and unchanged",
          "[retry][exceptions]") {
  bench b;
  const auto send = [&](const attempt_context&) -> int {
    ++b.calls;
    throw no_such_thing{"wrong"};
  };
  CHECK_THROWS_AS(b.call(send, retry_on<connection_lost>()), no_such_thing);
  CHECK(b.calls == 1);
}

TEST_CASE("the last of the exceptions goes on unchanged", "[retry][exceptions]") {
  bench b;
  const auto send = [&](const attempt_context&) -> int {
    throw connection_lost{"away " + std::to_string(++b.calls)};
  };
  try {
    static_cast<void>(b.call(send, retry_on<no_such_thing, connection_lost>()));
    FAIL("it must throw");
  } catch (const connection_lost& e) {
    CHECK(std::string{e.what()} == "away 3");
  }
}

TEST_CASE("an exception is asked about once though several of the types would do",
          "[retry][exceptions]") {
  bench b;
  int asked = 0;
  const auto classify = [&](const std::exception&) {
    ++asked;
    return attempt_report{attempt_verdict::fatal};
  };
  const auto send = [&](const attempt_context&) -> int { throw connection_lost{"away"}; };
  CHECK_THROWS_AS(
      (b.call(send, retry_on<connection_lost, std::runtime_error, std::exception>(classify))),
      connection_lost);
  CHECK(asked == 1);
  CHECK(b.machine.attempts() == 1);
}

TEST_CASE("a classification may say of each exception what it means", "[retry][exceptions]") {
  bench b;
  const auto by_code = [](const std::system_error& e) {
    if (e.code() == make_error_code(gabion::errc::rate_limited))
      return attempt_report{attempt_verdict::retryable, 2s};
    return attempt_report{attempt_verdict::fatal};
  };
  const auto send = [&](const attempt_context&) -> int {
    if (++b.calls == 1) throw gabion::error{gabion::errc::rate_limited, "slow down"};
    throw gabion::error{gabion::errc::corrupt, "broken"};
  };
  CHECK_THROWS_AS(b.call(send, retry_on<std::system_error>(by_code)), gabion::error);
  CHECK(b.calls == 2);
  CHECK(b.sleeper.waits == std::vector<duration>{0ns, 2s});
}

TEST_CASE("results are classified beside exceptions", "[retry][exceptions]") {
  bench b;
  const auto send = [&](const attempt_context&) {
    if (++b.calls == 1) throw connection_lost{"away"};
    return b.calls == 2 ? std::make_error_code(std::errc::timed_out) : std::error_code{};
  };
  CHECK(b.call(send, retry_on<connection_lost>()).attempts == 3);

  bench odd;
  const auto retryable = [](const connection_lost&) {
    return attempt_report{attempt_verdict::retryable};
  };
  const auto even_is_good = [](int n) {
    return attempt_report{n % 2 == 0 ? attempt_verdict::success : attempt_verdict::retryable};
  };
  const auto count = [&](const attempt_context&) { return ++odd.calls; };
  CHECK(odd.call(count, retry_on<connection_lost>(retryable, even_is_good)).last == 2);
}

TEST_CASE("the wait that a result states is kept", "[retry][retry_call]") {
  bench b;
  const auto send = [&](const attempt_context&) {
    return ++b.calls < 2 ? reply{503, 4s} : reply{};
  };
  const auto result = b.call(send, gabion::classify_by_traits{});
  CHECK(result.why == retry_stop::success);
  CHECK(b.sleeper.waits == std::vector<duration>{0ns, 4s});
  b.calls = -5;
  const auto too_long = [&](const attempt_context&) { return reply{503, 5min + 1ns}; };
  CHECK(b.call(too_long, gabion::classify_by_traits{}).why == retry_stop::deadline);
}

TEST_CASE("the codes by which policies refuse are rejections", "[retry][retry_call]") {
  const gabion::classify_by_traits classify;
  using gabion::errc;
  for (const errc code : {errc::circuit_open, errc::rate_limited, errc::overloaded, errc::rejected})
    CHECK(classify(make_error_code(code)).verdict == attempt_verdict::rejected);
  for (const errc code : {errc::timeout, errc::unavailable, errc::busy})
    CHECK(classify(make_error_code(code)).verdict == attempt_verdict::retryable);
}

TEST_CASE("each attempt is given its own limit", "[retry][retry_call]") {
  bench b{{.max_attempts = 2, .backoff = plain, .total = 1s, .attempt_limit = 300ms}};
  const instant start = b.time.now();
  std::vector<duration> limits;
  const auto send = [&](const attempt_context& attempt) {
    limits.push_back(attempt.until.when() - start);
    b.time.advance(800ms);
    return std::make_error_code(std::errc::timed_out);
  };
  CHECK(b.call(send, gabion::classify_by_traits{}).why == retry_stop::exhausted);
  CHECK(limits == std::vector<duration>{300ms, 1s});
}

TEST_CASE("a blocking call stops when the shared budget says so", "[retry][retry_call][budget]") {
  bench b{{.max_attempts = 100, .backoff = plain}};
  gabion::retry_budget budget{{.tokens = 10, .percent = 10, .per_second = 0}};
  const auto send = [&](const attempt_context&) {
    return ++b.calls, std::make_error_code(std::errc::timed_out);
  };
  const auto call = [&] {
    return gabion::retry_call(b.machine, b.time.clock(), b.sleeper, send,
                              gabion::classify_by_traits{}, deadline::never(), budget);
  };
  const auto result = call();
  CHECK(result.why == retry_stop::budget);
  CHECK(to_string(result.why) == "budget");
  CHECK(result.attempts == 5);
  CHECK(result.last == std::make_error_code(std::errc::timed_out));
  CHECK(call().attempts == 1);
}
