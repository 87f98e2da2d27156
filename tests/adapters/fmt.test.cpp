// SPDX-License-Identifier: MIT
#include <string>

#include <fmt/format.h>

#include <gabion/adapters/fmt/core.hpp>
#include <gabion/adapters/fmt/log.hpp>
#include <gabion/adapters/fmt/observe.hpp>
#include <gabion/adapters/fmt/resilience.hpp>
#include <gabion/circuit_breaker.hpp>

#include "support/catch.hpp"

TEST_CASE("ids and errors are formatted as their text", "[fmt]") {
  CHECK(fmt::format("{}", *gabion::uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")) ==
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  CHECK(fmt::format("{:.8}", gabion::uuid{1, 2}) == "00000000");
  CHECK(fmt::format("{}", gabion::errc::fenced) == "lease lost to a newer owner");
}

TEST_CASE("positions are formatted as numbers", "[fmt]") {
  CHECK(fmt::format("{}", gabion::position{18'446'744'073'709'551'615U}) == "18446744073709551615");
  CHECK(fmt::format("{:>5}|{:x}", gabion::position{7}, gabion::position{255}) == "    7|ff");
}

TEST_CASE("each enumerator has a name of its own", "[fmt]") {
  const auto names = [](auto last) {
    std::string all;
    for (int i = 0; i <= static_cast<int>(last) + 1; ++i)
      all += fmt::format("{},", static_cast<decltype(last)>(i));
    return all;
  };
  CHECK(names(gabion::outcome::unavailable) ==
        "delivered,retry,rejected,in doubt,unavailable,unknown,");
  CHECK(names(gabion::disposition::parked) == "delivered,deferred,dead,parked,unknown,");
  CHECK(names(gabion::settle_status::fenced) == "applied,fenced,unknown,");
  CHECK(names(gabion::poison_policy::pause) == "park,skip,pause,unknown,");
  CHECK(names(gabion::health_state::down) == "up,degraded,down,unknown,");
  CHECK(names(gabion::alert_level::alert) == "healthy,watch,alert,unknown,");
  CHECK(names(gabion::attempt_verdict::rejected) == "success,retryable,fatal,rejected,unknown,");
  CHECK(names(gabion::retry_stop::budget) ==
        "success,fatal,rejected,exhausted,deadline,cancelled,budget,unknown,");
  CHECK(names(gabion::circuit_state::ramping) == "closed,open,half-open,ramping,unknown,");
  CHECK(names(gabion::circuit_mode::metrics_only) ==
        "normal,isolated,disabled,metrics only,unknown,");
  CHECK(fmt::format("{}", gabion::circuit_cause::timed_slow_rate) == "slow-call rate over time");
  CHECK(fmt::format("{}", gabion::circuit_breaker{{.name = "stock"}}.explain()) ==
        "stock is closed\n  consecutive failures: 0 of 5");
}

TEST_CASE("names take the options of a text", "[fmt]") {
  CHECK(fmt::format("[{:^9}]", gabion::outcome::retry) == "[  retry  ]");
  CHECK(fmt::format("{}", gabion::circuit_state::open) == "open");
}
