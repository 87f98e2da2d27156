// SPDX-License-Identifier: MIT
#include <string>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;
using namespace gabion::presets;

namespace {

std::string refusal(const circuit_breaker_options& o) {
  try {
    gabion::circuit_breaker b{o};
    return {};
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::invalid_argument);
    CHECK_FALSE(gabion::valid(o));
    return e.what();
  }
}

bool names(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the presets are those of the tuning matrix", "[circuit_breaker][presets]") {
  struct row {
    circuit_breaker_options o;
    std::uint32_t failures;
    std::chrono::seconds open_for;
    std::uint32_t successes;
  };
  for (const row& r : {row{payment_api(), 3, 60s, 2}, row{user_database(), 5, 30s, 3}, row{image_service(), 10, 120s, 5},
                       row{email_service(), 2, 300s, 1}, row{analytics_api(), 15, 60s, 10}}) {
    INFO(std::string{r.o.name});
    bench x{r.o};
    CHECK(x.b.name() == r.o.name);
    x.fail(static_cast<int>(r.failures) - 1);
    CHECK(x.state() == circuit_state::closed);
    x.fail();
    CHECK(x.b.snapshot().retry_after == r.open_for);
    x.time.advance(r.open_for);
    x.succeed(static_cast<int>(r.successes) - 1);
    CHECK(x.state() == circuit_state::half_open);
    x.succeed();
    CHECK(x.state() == circuit_state::closed);
  }
}

TEST_CASE("options can be checked at compile time", "[circuit_breaker][options]") {
  static_assert(gabion::valid(circuit_breaker_options{}));
  static_assert(gabion::valid(payment_api()) && gabion::valid(user_database()) && gabion::valid(image_service()) &&
                gabion::valid(email_service()) && gabion::valid(analytics_api()));
  static_assert(!gabion::valid({.failures = 65'536}));
  SUCCEED();
}

TEST_CASE("an option out of range is refused with its name and value and range", "[circuit_breaker][options]") {
  CHECK(names(refusal({.failures = 65'536}), "circuit_breaker_options.failures is 65536; allowed: 0 to 65535"));
  CHECK(names(refusal({.failures = 0}), "or the circuit could never open"));
  CHECK(names(refusal({.window = {.calls = 8192}}), "window.calls is 8192; allowed: 0 to 8191"));
  CHECK(names(refusal({.window = {.calls = 10, .failure_percent = 0}}), "window.failure_percent is 0; allowed: 1 to 100"));
  CHECK(names(refusal({.window = {.calls = 10, .failure_percent = 101}}), "window.failure_percent is 101"));
  CHECK(names(refusal({.window = {.calls = 10, .minimum_calls = 0}}), "window.minimum_calls is 0; allowed: at least 1"));
  CHECK(names(refusal({.open_for = 0s}), "open_for is 0 ns; allowed: more than 0 ns"));
  CHECK(names(refusal({.open_for = -1ns}), "open_for is -1 ns"));
  CHECK(names(refusal({.half_open_permits = 0}), "half_open_permits is 0; allowed: 1 to 1023"));
  CHECK(names(refusal({.half_open_permits = 1024}), "half_open_permits is 1024"));
  CHECK(names(refusal({.successes_to_close = 0}), "successes_to_close is 0; allowed: 1 to 1023"));
  CHECK(names(refusal({.successes_to_close = 1024}), "successes_to_close is 1024"));
  CHECK(names(refusal({.half_open_for = -1ns}), "half_open_for is -1 ns; allowed: 0 ns or more"));
  CHECK(names(refusal({.name = "123456789012345678901234567890123456789012345678"}),
              "name is 48 bytes long; allowed: at most 47 bytes"));
}

TEST_CASE("options at the ends of their ranges are taken", "[circuit_breaker][options]") {
  CHECK(refusal({.failures = 65'535}).empty());
  CHECK(refusal({.failures = 0, .window = {.calls = 1, .failure_percent = 1, .minimum_calls = 1}}).empty());
  CHECK(refusal({.window = {.calls = 8191, .failure_percent = 100, .minimum_calls = 4'000'000'000}}).empty());
  CHECK(refusal({.open_for = 1ns, .half_open_permits = 1023, .successes_to_close = 1023}).empty());
  CHECK(refusal({.half_open_for = (gabion::duration::max)()}).empty());
  CHECK(refusal({.name = "12345678901234567890123456789012345678901234567"}).empty());
}

TEST_CASE("the name is copied", "[circuit_breaker][options]") {
  std::string name{"short lived"};
  gabion::circuit_breaker b{{.name = name}};
  name.assign("xxxxxxxxxxx");
  CHECK(b.name() == "short lived");
}

TEST_CASE("a breaker is neither copied nor moved and a permit only moved", "[circuit_breaker][options]") {
  static_assert(!std::is_copy_constructible_v<breaker> && !std::is_move_constructible_v<breaker>);
  static_assert(!std::is_copy_constructible_v<breaker::permit> && std::is_nothrow_move_constructible_v<breaker::permit>);
  static_assert(!std::is_copy_constructible_v<breaker::admission> && std::is_nothrow_move_constructible_v<breaker::admission>);
  SUCCEED();
}
