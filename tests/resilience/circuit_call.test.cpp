// SPDX-License-Identifier: MIT
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using gabion::failure_if;
using gabion::verdict;

namespace {

/// As std::expected and tl::expected are, as far as a breaker is concerned.
template <class E>
struct unexpected {
  E error;
};
template <class T, class E>
class expected {
 public:
  using error_type = E;
  using unexpected_type = unexpected<E>;
  explicit(false) expected(T value) : value_{std::move(value)} {}
  explicit(false) expected(unexpected<E> u) : error_{std::move(u.error)} {}
  [[nodiscard]] bool has_value() const { return value_.has_value(); }
  [[nodiscard]] const T& value() const { return *value_; }
  [[nodiscard]] const E& error() const { return error_; }

 private:
  std::optional<T> value_{};
  E error_{};
};

struct rpc_status {
  bool good = true;
  [[nodiscard]] bool ok() const { return good; }
};

struct response {
  int status = 200;
  gabion::duration retry_after{};
};

struct must_not_be_called {
  int operator()() const {
    FAIL("the function was called");
    return 0;
  }
};

constexpr circuit_breaker_options one_failure{
    .failures = 1, .open_for = std::chrono::seconds{60}, .name = "billing"};

}  // namespace

template <>
struct gabion::outcome_traits<response> {
  static verdict judge(const response& r) {
    if (r.status == 499) return verdict::ignored;
    return r.status >= 500 ? verdict::failure : verdict::success;
  }
  static response rejected(errc /*why*/, duration retry_after) { return {503, retry_after}; }
};

TEST_CASE("call returns exactly what the function returns", "[circuit_breaker][call]") {
  bench x{one_failure};
  CHECK(x.b.call([] { return 42; }) == 42);
  auto owned = x.b.call([] { return std::make_unique<int>(7); });
  CHECK(*owned == 7);
  int n = 1;
  static_assert(std::is_same_v<decltype(x.b.call([&]() -> int& { return n; })), int&>);
  x.b.call([&]() -> int& { return n; }) = 5;
  CHECK(n == 5);
  static_assert(std::is_void_v<decltype(x.b.call([] {}))>);
  x.b.call([] {});
  CHECK(x.counts().success == 4);
}

TEST_CASE("an exception counts as a failure and goes on unchanged", "[circuit_breaker][call]") {
  struct odd {
    int value;
  };
  bench x{one_failure};
  try {
    x.b.call([]() -> int { throw odd{7}; });
    FAIL("nothing was thrown");
  } catch (const odd& o) {
    CHECK(o.value == 7);
  }
  CHECK(x.state() == circuit_state::open);
  CHECK(x.counts() == circuit_counts{.failure = 1});
}

TEST_CASE("case 43: a probe that throws is a failed probe and gives its permit back",
          "[circuit_breaker][call]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(60s);
  CHECK_THROWS_AS(x.b.call([] { throw std::runtime_error{"down"}; }), std::runtime_error);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.snapshot().probes_out == 0);
}

TEST_CASE("a rejected call throws if the result cannot say so and never calls the function",
          "[circuit_breaker][call]") {
  bench x{one_failure};
  x.fail();
  x.time.advance(18s);
  try {
    x.b.call(must_not_be_called{});
    FAIL("nothing was thrown");
  } catch (const gabion::circuit_open_error& e) {
    CHECK(e.code() == gabion::errc::circuit_open);
    CHECK(e.retry_after() == 42s);
    CHECK(e.rejection().reason == circuit_refusal::open);
    CHECK(std::string{e.what()}.find("circuit breaker \"billing\" is open; retry after 42000 ms") !=
          std::string::npos);
  }
  CHECK_THROWS_AS(x.b.call([] {}), gabion::error);
}

TEST_CASE("a rejected call is an error value where the result can carry one",
          "[circuit_breaker][call]") {
  bench x{one_failure};
  x.fail();
  CHECK(x.b.call([] { return std::error_code{}; }) == gabion::errc::circuit_open);
  const auto e = x.b.call([] { return expected<int, std::error_code>{1}; });
  REQUIRE_FALSE(e.has_value());
  CHECK(e.error() == gabion::errc::circuit_open);
  CHECK_FALSE(x.b.call([] { return std::optional<int>{1}; }).has_value());
  const response r = x.b.call([] { return response{}; });
  CHECK(r.status == 503);
  CHECK(r.retry_after == 60s);
  CHECK(x.counts().rejected == 4);
}

TEST_CASE("what a result says is known for common result types", "[circuit_breaker][outcome]") {
  using gabion::outcome_traits;
  CHECK(outcome_traits<std::error_code>::judge({}) == verdict::success);
  CHECK(outcome_traits<std::error_code>::judge(make_error_code(gabion::errc::timeout)) ==
        verdict::failure);
  CHECK(outcome_traits<gabion::errc>::judge(gabion::errc::timeout) == verdict::failure);
  CHECK(outcome_traits<gabion::errc>::judge(gabion::errc{}) == verdict::success);
  CHECK(outcome_traits<std::optional<int>>::judge(std::nullopt) == verdict::failure);
  CHECK(outcome_traits<std::optional<int>>::judge(0) == verdict::success);
  CHECK(outcome_traits<expected<int, std::string>>::judge(unexpected<std::string>{"x"}) ==
        verdict::failure);
  CHECK(outcome_traits<rpc_status>::judge({false}) == verdict::failure);
  CHECK(outcome_traits<rpc_status>::judge({true}) == verdict::success);
  CHECK(outcome_traits<bool>::judge(false) == verdict::success);
  CHECK(outcome_traits<int>::judge(-1) == verdict::success);
}

TEST_CASE("only types that can say so carry a rejection", "[circuit_breaker][outcome]") {
  using gabion::carries_rejection;
  CHECK(carries_rejection<std::error_code>);
  CHECK(carries_rejection<std::optional<int>>);
  CHECK(carries_rejection<expected<int, std::error_code>>);
  CHECK(carries_rejection<response>);
  CHECK_FALSE(carries_rejection<expected<int, std::string>>);
  CHECK_FALSE(carries_rejection<rpc_status>);
  CHECK_FALSE(carries_rejection<int>);
  CHECK_FALSE(carries_rejection<void>);
}

TEST_CASE("a type of the user is judged by its outcome_traits", "[circuit_breaker][outcome]") {
  bench x{one_failure};
  CHECK(x.b.call([] { return response{404}; }).status == 404);
  CHECK(x.b.call([] { return response{499}; }).status == 499);
  CHECK(x.b.call([] { return response{500}; }).status == 500);
  CHECK(x.counts() == circuit_counts{.success = 1, .failure = 1, .ignored = 1});
}

TEST_CASE("a predicate takes the place of outcome_traits for one call",
          "[circuit_breaker][outcome]") {
  bench x{{.failures = 2}};
  const failure_if negative{[](int n) { return n < 0; }};
  CHECK(x.b.call(negative, [] { return -1; }) == -1);
  CHECK(x.counts().failure == 1);
  CHECK(x.b.call(failure_if{[](int) { return verdict::ignored; }}, [] { return 0; }) == 0);
  CHECK(x.counts().ignored == 1);
  CHECK(x.b.call(negative, [] { return -1; }, [] { return 9; }) == 9);
  CHECK(x.state() == circuit_state::open);
}

TEST_CASE("a predicate that throws counts as a failure and goes on", "[circuit_breaker][outcome]") {
  bench x{one_failure};
  const failure_if broken{[](int) -> bool { throw std::logic_error{"judge"}; }};
  CHECK_THROWS_AS(x.b.call(broken, [] { return 1; }), std::logic_error);
  CHECK(x.counts() == circuit_counts{.failure = 1});
}

TEST_CASE(
    "a fallback without parameters stands in for rejected and failed calls and ends exceptions",
    "[circuit_breaker][fallback]") {
  bench x{{.failures = 2, .open_for = 60s}};
  const auto queue = [] { return response{202}; };
  CHECK(x.b.call([] { return response{200}; }, queue).status == 200);
  CHECK(x.b.call([] { return response{500}; }, queue).status == 202);
  CHECK(x.b.call([]() -> response { throw std::runtime_error{"down"}; }, queue).status == 202);
  CHECK(x.state() == circuit_state::open);
  CHECK(x.b.call([] { return response{200}; }, queue).status == 202);
  CHECK(x.counts() == circuit_counts{.success = 1, .failure = 2, .rejected = 1});
}

TEST_CASE("a fallback for rejections sees the rejection and leaves failures alone",
          "[circuit_breaker][fallback]") {
  bench x{one_failure};
  const auto later = [](const gabion::circuit_rejection& r) {
    return response{202, r.retry_after};
  };
  CHECK_THROWS_AS(x.b.call([]() -> response { throw std::runtime_error{"down"}; }, later),
                  std::runtime_error);
  const response r = x.b.call([] { return response{200}; }, later);
  CHECK(r.status == 202);
  CHECK(r.retry_after == 60s);
}

TEST_CASE("a fallback for results sees failed results and leaves rejections and exceptions alone",
          "[circuit_breaker][fallback]") {
  bench x{{.failures = 2}};
  const auto repair = [](response r) { return response{r.status + 1000}; };
  CHECK(x.b.call([] { return response{500}; }, repair).status == 1500);
  CHECK(x.b.call([] { return response{499}; }, repair).status == 499);
  CHECK_THROWS_AS(x.b.call([]() -> response { throw std::runtime_error{"down"}; }, repair),
                  std::runtime_error);
  CHECK(x.b.call([] { return response{200}; }, repair).status == 503);
}

TEST_CASE("a fallback serves a call that returns nothing", "[circuit_breaker][fallback]") {
  bench x{one_failure};
  int fallbacks = 0;
  const auto count = [&] { ++fallbacks; };
  x.b.call([] {}, count);
  CHECK(fallbacks == 0);
  x.b.call([] { throw 1; }, count);
  x.b.call([] { FAIL("called"); }, count);
  CHECK(fallbacks == 2);
}

TEST_CASE("a fallback that throws passes and counts for nothing", "[circuit_breaker][fallback]") {
  bench x{one_failure};
  CHECK_THROWS_AS(x.b.call([] { return response{500}; },
                           []() -> response { throw std::logic_error{"fallback"}; }),
                  std::logic_error);
  CHECK(x.counts() == circuit_counts{.failure = 1});
}

TEST_CASE("a breaker may guard the fallback of another", "[circuit_breaker][fallback]") {
  bench primary{one_failure};
  bench replica{one_failure};
  const auto ask_replica = [&] { return replica.b.call([] { return 2; }); };
  CHECK(primary.b.call([]() -> int { throw 1; }, ask_replica) == 2);
  CHECK(replica.counts().success == 1);
}
