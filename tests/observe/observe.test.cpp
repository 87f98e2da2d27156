// SPDX-License-Identifier: MIT
#include <gabion/observe.hpp>

#include <thread>
#include <vector>

#include "core/archetypes.hpp"
#include "support/catch.hpp"

using gabion::alert_level;
using gabion::health_state;

namespace {

namespace presets = gabion::presets;

static_assert(presets::unpublished_events.evaluate(100) == alert_level::healthy);
static_assert(presets::unpublished_events.evaluate(101) == alert_level::watch);
static_assert(presets::unpublished_events.evaluate(1000) == alert_level::watch);
static_assert(presets::unpublished_events.evaluate(1001) == alert_level::alert);
static_assert(presets::throughput.evaluate(1000) == alert_level::healthy);
static_assert(presets::throughput.evaluate(999) == alert_level::watch);
static_assert(presets::throughput.evaluate(100) == alert_level::watch);
static_assert(presets::throughput.evaluate(99) == alert_level::alert);

}  // namespace

TEST_CASE("the preset alert rules hold the published thresholds", "[observe][alert]") {
  struct row {
    gabion::alert_rule rule;
    std::int64_t healthy;
    std::int64_t watch;
    std::int64_t alert;
  };
  for (const row& r :
       {row{presets::unpublished_events, 100, 1000, 1001},
        row{presets::publishing_lag, 30'000, 120'000, 120'001},
        row{presets::consumer_lag, 5'000, 30'000, 30'001}, row{presets::error_rate, 10, 50, 51},
        row{presets::throughput, 1'000, 100, 99}}) {
    CAPTURE(std::string{r.rule.metric});
    CHECK(r.rule.evaluate(r.healthy) == alert_level::healthy);
    CHECK(r.rule.evaluate(r.watch) == alert_level::watch);
    CHECK(r.rule.evaluate(r.alert) == alert_level::alert);
    CHECK_FALSE(r.rule.action.empty());
  }
  CHECK(presets::outbox_alerts.size() == 5);
  CHECK(to_string(alert_level::watch) == "watch");
}

TEST_CASE("a whole is as well as its worst required part", "[observe][health]") {
  gabion::health_report report;
  CHECK(report.state() == health_state::up);
  CHECK(report.serves());
  report.add({"store", health_state::up, ""});
  CHECK(report.state() == health_state::up);
  report.add({"relay", health_state::degraded, "lag is 40 s"});
  CHECK(report.state() == health_state::degraded);
  CHECK(report.serves());
  report.add({"broker", health_state::down, "connection refused"});
  report.add({"cache", health_state::up, ""});
  CHECK(report.state() == health_state::down);
  CHECK_FALSE(report.serves());
  REQUIRE(report.parts().size() == 4);
  CHECK(report.parts()[2].reason == "connection refused");
  CHECK(to_string(report.state()) == "down");
}

TEST_CASE("a part that can be missed degrades the whole at most", "[observe][health]") {
  gabion::health_report report;
  report.add_optional({"cache", health_state::up, ""});
  CHECK(report.state() == health_state::up);
  report.add_optional({"payment", health_state::down, "circuit is open"});
  CHECK(report.state() == health_state::degraded);
  CHECK(report.serves());
}

TEST_CASE("counters and gauges count over many threads", "[observe][counter][thread]") {
  gabion::counter counter;
  gabion::gauge gauge;
  {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 10'000; ++i) {
          counter.add();
          gauge.add(3);
          gauge.subtract(2);
        }
      });
    for (auto& thread : threads) thread.join();
  }
  CHECK(counter.value() == 40'000);
  CHECK(gauge.value() == 40'000);
  gauge.set(-5);
  CHECK(gauge.value() == -5);
}

TEST_CASE("counters ask no more of their environment than the archetype has",
          "[observe][archetype]") {
  gabion::basic_counter<archetype::env> counter;
  counter.add(2);
  CHECK(counter.value() == 2);
  gabion::basic_gauge<archetype::env> gauge;
  gauge.add();
  gauge.subtract(2);
  CHECK(gauge.value() == -1);
}
