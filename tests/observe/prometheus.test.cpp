// SPDX-License-Identifier: MIT
#include <gabion/observe/prometheus.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include <gabion/core/error.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using gabion::duration;
using gabion::errc;
using gabion::prometheus_writer;

namespace {

/// What the writer throws, empty if nothing; checks the code too.
template <class Function>
[[nodiscard]] std::string refusal(errc expected, Function&& write,
                                  const gabion::prometheus_options& options = {}) {
  std::string page;
  prometheus_writer writer{page, options};
  try {
    write(writer);
  } catch (const gabion::error& e) {
    CHECK(e.code() == expected);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a page holds each metric under one heading", "[observe][prometheus]") {
  std::string page = "# begun by others\n";
  prometheus_writer writer{page};
  writer.counter("orders_total", "Orders\ntaken \\ all", 7,
                 {{"state", "new"}, {"who", "a\"b\\c\nd"}});
  writer.counter("orders_total", "Orders\ntaken \\ all", 18'446'744'073'709'551'615U,
                 {{"state", "old"}});
  writer.gauge("lag_seconds", "", 1.5);
  writer.gauge("depth", "Depth", -3);
  CHECK(page ==
        "# begun by others\n"
        "# HELP orders_total Orders\\ntaken \\\\ all\n"
        "# TYPE orders_total counter\n"
        "orders_total{state=\"new\",who=\"a\\\"b\\\\c\\nd\"} 7\n"
        "orders_total{state=\"old\"} 18446744073709551615\n"
        "# HELP lag_seconds \n"
        "# TYPE lag_seconds gauge\n"
        "lag_seconds 1.5\n"
        "# HELP depth Depth\n"
        "# TYPE depth gauge\n"
        "depth -3\n");
}

TEST_CASE("numbers are written in full and odd ones by name", "[observe][prometheus]") {
  std::string page;
  prometheus_writer writer{page};
  const auto value = [&](auto number) {
    page.clear();
    writer.gauge("x", "", number);
    return page.substr(page.rfind(' ', page.size()) + 1);
  };
  CHECK(value(0.1) == "0.1\n");
  CHECK(value(1e300) == "1e+300\n");
  CHECK(value((std::numeric_limits<std::int64_t>::min)()) == "-9223372036854775808\n");
  CHECK(value(std::numeric_limits<double>::infinity()) == "+Inf\n");
  CHECK(value(-std::numeric_limits<double>::infinity()) == "-Inf\n");
  CHECK(value(std::numeric_limits<double>::quiet_NaN()) == "NaN\n");
  CHECK(value((std::numeric_limits<double>::max)()) == "1.7976931348623157e+308\n");
}

TEST_CASE("a histogram is cumulative and ends with all of it", "[observe][prometheus]") {
  gabion::latency_snapshot seen;
  for (const duration d : {duration{50us}, duration{60us}, duration{5ms}, duration{2h}})
    seen.record(d);
  std::string page;
  const std::vector<duration> bounds{100us, 10ms, 1s};
  prometheus_writer{page}.histogram("took_seconds", "How long", seen, {{"route", "/"}}, bounds);
  CHECK(page ==
        "# HELP took_seconds How long\n"
        "# TYPE took_seconds histogram\n"
        "took_seconds_bucket{route=\"/\",le=\"1e-04\"} 2\n"
        "took_seconds_bucket{route=\"/\",le=\"0.01\"} 3\n"
        "took_seconds_bucket{route=\"/\",le=\"1\"} 3\n"
        "took_seconds_bucket{route=\"/\",le=\"+Inf\"} 4\n"
        "took_seconds_sum{route=\"/\"} 7200.00511\n"
        "took_seconds_count{route=\"/\"} 4\n");
}

TEST_CASE("a summary gives its quantiles", "[observe][prometheus]") {
  gabion::latency_snapshot seen;
  for (int i = 1; i <= 50; ++i) seen.record(duration{i});
  std::string page;
  prometheus_writer{page}.summary("took_seconds", "", seen, {}, {0.5, 1});
  CHECK(page ==
        "# HELP took_seconds \n"
        "# TYPE took_seconds summary\n"
        "took_seconds{quantile=\"0.5\"} 2.5e-08\n"
        "took_seconds{quantile=\"1\"} 5e-08\n"
        "took_seconds_sum 1.275e-06\n"
        "took_seconds_count 50\n");
}

TEST_CASE("labels may be put together at run time", "[observe][prometheus]") {
  std::string page;
  const std::vector<gabion::metric_label> labels{{"a", "1"}, {"b", "2"}};
  prometheus_writer{page}.gauge("x", "", 0, gabion::metric_labels{labels});
  CHECK_THAT(page, Contains("x{a=\"1\",b=\"2\"} 0\n"));
}

TEST_CASE("names that the format does not allow are refused", "[observe][prometheus]") {
  for (const char* bad : {"", "1x", "a-b", "a b", "\u00e9", "a\n"})
    CHECK_THAT(
        refusal(errc::invalid_argument, [&](prometheus_writer& w) { w.counter(bad, "", 1); }),
        Contains("the name has other than a-z A-Z 0-9 _ :"));
  CHECK(refusal(errc::invalid_argument, [](prometheus_writer& w) {
          w.counter(":a_B9", "", 1);
        }).empty());
  for (const char* bad : {"", "1x", "a-b", "a:b", "__name", "\u00e9"})
    CHECK_THAT(refusal(errc::invalid_argument,
                       [&](prometheus_writer& w) { w.gauge("x", "", 1, {{bad, "v"}}); }),
               Contains("is not allowed"));
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) { w.histogram("x", "", {}, {{"le", "v"}}); }),
             Contains("label \"le\" is not allowed"));
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) { w.summary("x", "", {}, {{"quantile", "v"}}); }),
             Contains("label \"quantile\" is not allowed"));
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) { w.gauge("x", "", 1, {{"a", "1"}, {"a", "2"}}); }),
             Contains("label \"a\" is there twice"));
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) { w.gauge("x", "", 1, {{"a", "\xff"}}); }),
             Contains("value that is not UTF-8"));
}

TEST_CASE("a metric is written in one place and with one type", "[observe][prometheus]") {
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) {
                       w.counter("a", "", 1);
                       w.counter("b", "", 1);
                       w.counter("a", "", 2, {{"x", "y"}});
                     }),
             Contains("metric \"a\": it comes again after another"));
  CHECK_THAT(refusal(errc::invalid_argument,
                     [](prometheus_writer& w) {
                       w.counter("a", "", 1);
                       w.gauge("a", "", 1);
                     }),
             Contains("it is a counter already"));
}

TEST_CASE("the bounds of a page hold on both sides", "[observe][prometheus]") {
  const gabion::prometheus_options small{.max_families = 2, .max_samples = 3, .max_labels = 1};
  const auto families = [](int n) {
    return [n](prometheus_writer& w) {
      for (int i = 0; i < n; ++i) w.gauge("x" + std::to_string(i), "", i);
    };
  };
  CHECK(refusal(errc::too_large, families(2), small).empty());
  CHECK_THAT(refusal(errc::too_large, families(3), small),
             Contains("more metrics than max_families"));
  const auto samples = [](int n) {
    return [n](prometheus_writer& w) {
      for (int i = 0; i < n; ++i) w.gauge("x", "", i, {{"i", std::to_string(i)}});
    };
  };
  CHECK(refusal(errc::too_large, samples(3), small).empty());
  CHECK_THAT(refusal(errc::too_large, samples(4), small),
             Contains("more label sets than max_samples"));
  CHECK_THAT(refusal(
                 errc::too_large,
                 [](prometheus_writer& w) { w.gauge("x", "", 1, {{"a", ""}, {"b", ""}}); }, small),
             Contains("more labels than max_labels"));
  std::string page;
  CHECK_THROWS_AS((prometheus_writer{page, {.max_labels = 0}}), gabion::error);
}

TEST_CASE("bounds that fall and quantiles beyond one are refused", "[observe][prometheus]") {
  const std::vector<duration> falling{1s, 1s};
  CHECK_THAT(refusal(errc::invalid_argument,
                     [&](prometheus_writer& w) { w.histogram("x", "", {}, {}, falling); }),
             Contains("its bounds do not rise"));
  for (const double bad : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THAT(refusal(errc::invalid_argument,
                       [&](prometheus_writer& w) { w.summary("x", "", {}, {}, {bad}); }),
               Contains("a quantile is not 0 to 1"));
}
