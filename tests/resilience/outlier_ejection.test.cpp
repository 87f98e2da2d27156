// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gabion/resilience/outlier_ejection.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::basic_outlier_ejection;
using gabion::outlier_cause;
using gabion::outlier_ejection;
using gabion::outlier_host;
using gabion::outlier_options;
using gabion::outlier_scope;
using gabion::xoshiro256;

namespace {

/// So many hosts, and no jitter.
struct fleet {
  explicit fleet(std::uint32_t n, outlier_options o = {}) : set{fixed(o), xoshiro256{1}} {
    for (std::uint32_t i = 0; i < n; ++i) hosts.push_back(*set.add());
    set.tick(now);
  }
  static outlier_options fixed(outlier_options o) {
    o.jitter_percent = 0;
    return o;
  }

  void record(std::size_t host, int successes, int failures) {
    for (int i = 0; i < successes; ++i) set.record(hosts[host], verdict::success, now);
    for (int i = 0; i < failures; ++i) set.record(hosts[host], verdict::failure, now);
  }
  /// Failures among successes, so that they never come in a row.
  void mix(std::size_t host, int calls, int failures) {
    for (int i = 0; i < calls; ++i)
      set.record(
          hosts[host],
          i * failures / calls != (i + 1) * failures / calls ? verdict::failure : verdict::success,
          now);
  }
  bool up(std::size_t host) { return set.available(hosts[host], now); }
  std::uint32_t out() { return set.fleet().ejected; }
  gabion::outlier_tick next_interval() {
    now += 10s;
    return set.tick(now);
  }

  instant now = start;
  outlier_ejection set;
  std::vector<outlier_host> hosts{};
};

}  // namespace

TEST_CASE("failures in a row eject a host at the number and not before", "[outlier]") {
  fleet f{10};
  f.record(0, 0, 4);
  f.record(0, 1, 4);
  CHECK(f.up(0));
  CHECK(f.set.record(f.hosts[0], verdict::failure, f.now));
  CHECK_FALSE(f.up(0));
  CHECK(f.set.snapshot(f.hosts[0], f.now).cause == outlier_cause::consecutive_failures);
  CHECK(f.set.snapshot(f.hosts[0], f.now).remaining == 30s);
}

TEST_CASE("ignored and cancelled calls neither count nor break a row", "[outlier]") {
  fleet f{10};
  f.record(0, 0, 4);
  f.set.record(f.hosts[0], verdict::ignored, f.now);
  f.set.record(f.hosts[0], verdict::cancelled, f.now);
  CHECK(f.set.snapshot(f.hosts[0], f.now).failures_in_row == 4);
  CHECK(f.set.record(f.hosts[0], verdict::failure, f.now));
}

TEST_CASE("a host comes back when its time is over and with fresh counts", "[outlier]") {
  fleet f{10};
  f.record(0, 0, 5);
  f.record(0, 3, 9);  // answers of calls that were under way
  CHECK(f.set.fleet().late == 12);
  CHECK(f.set.snapshot(f.hosts[0], f.now).succeeded == 0);
  CHECK(f.set.snapshot(f.hosts[0], f.now).failed == 5);
  f.now += 30s - 1ns;
  CHECK_FALSE(f.up(0));
  f.now += 1ns;
  CHECK(f.up(0));
  CHECK(f.out() == 0);
  const auto s = f.set.snapshot(f.hosts[0], f.now);
  CHECK(s.failures_in_row == 0);
  CHECK(s.succeeded == 0);
  CHECK(s.failed == 0);
  f.record(0, 0, 4);
  CHECK(f.up(0));
  f.record(0, 0, 1);
  CHECK_FALSE(f.up(0));
}

TEST_CASE(
    "the ejection time grows with each ejection up to its maximum and fades while the host is well",
    "[outlier]") {
  fleet f{10, {.base_time = 30s, .max_time = 75s}};
  const auto eject = [&] {
    f.record(0, 0, 4);
    f.next_interval();  // a failing host does not profit from the end of an interval
    f.record(0, 0, 1);
    return f.set.snapshot(f.hosts[0], f.now).remaining;
  };
  const auto end_ejection = [&] {
    while (!f.up(0)) f.next_interval();
  };
  CHECK(eject() == 30s);
  end_ejection();
  CHECK(eject() == 60s);
  end_ejection();
  CHECK(eject() == 75s);
  end_ejection();
  for (int left = 2; left >= 0; --left) {
    f.record(0, 5, 0);
    f.next_interval();
    CHECK(f.set.snapshot(f.hosts[0], f.now).ejections == static_cast<std::uint32_t>(left));
  }
  CHECK(eject() == 30s);
}

TEST_CASE("the ejection time fades only by an interval in which the host was found well",
          "[outlier]") {
  fleet f{10, {.success_rate_factor = 0, .failure_percent = 40, .max_ejected_percent = 10}};
  CHECK(f.set.eject(f.hosts[0], f.now));
  const auto ejections_after_interval = [&] {
    f.next_interval();
    return f.set.snapshot(f.hosts[0], f.now).ejections;
  };
  CHECK(ejections_after_interval() == 1);  // out
  CHECK(f.set.restore(f.hosts[0]));
  CHECK(ejections_after_interval() == 1);  // without a call
  f.record(0, 5, 1);
  f.record(0, 1, 0);
  CHECK(ejections_after_interval() == 1);  // too few requests to say that this is little
  f.record(0, 100, 1);
  CHECK(ejections_after_interval() == 1);  // in the middle of failures
  CHECK(f.set.eject(f.hosts[1], f.now));
  for (std::size_t h = 2; h < 10; ++h) f.mix(h, 100, 0);
  f.mix(0, 100, 50);
  f.record(0, 1, 0);
  CHECK(ejections_after_interval() == 1);  // met a rule, only there was no room
  f.record(0, 99, 0);
  f.record(0, 0, 1);
  f.record(0, 1, 0);
  CHECK(ejections_after_interval() == 0);
}

TEST_CASE("a time that cannot be counted ends at the end of time", "[outlier]") {
  fleet f{10, {.base_time = (duration::max)(), .max_time = (duration::max)()}};
  f.record(0, 0, 5);
  f.now = (instant::max)() - 1ns;
  CHECK_FALSE(f.up(0));
}

TEST_CASE("jitter shortens an ejection by no more than its share", "[outlier]") {
  outlier_ejection set{{.capacity = 1024, .jitter_percent = 20, .max_ejected_percent = 100},
                       xoshiro256{1}};
  duration least = 1h;
  duration most{};
  for (int i = 0; i < 1000; ++i) {
    const outlier_host h = *set.add();
    CHECK(set.eject(h, start));
    const duration left = set.snapshot(h, start).remaining;
    least = (std::min)(least, left);
    most = (std::max)(most, left);
  }
  CHECK(least >= 24s);
  CHECK(least < 24'100ms);
  CHECK(most <= 30s);
  CHECK(most > 29'900ms);
}

TEST_CASE("no more hosts go out than the share allows but one always may", "[outlier][cap]") {
  const auto n = GENERATE(2U, 3U, 9U, 10U, 19U, 20U, 50U);
  fleet f{n};
  for (std::size_t h = 0; h < n; ++h) f.record(h, 0, 20);
  CHECK(f.out() == (std::max)(1U, n / 10));
  CHECK(f.set.fleet().overflow > 0);
  CHECK(f.set.fleet().allowed == (std::max)(1U, n / 10));
}

TEST_CASE("the last host in service stays unless all may go", "[outlier][cap]") {
  fleet one{1};
  one.record(0, 0, 50);
  CHECK(one.up(0));
  fleet whole{3, {.max_ejected_percent = 100}};
  for (std::size_t h = 0; h < 3; ++h) whole.record(h, 0, 5);
  CHECK(whole.out() == 3);
  CHECK_FALSE(whole.set.pick(0, whole.now));
}

TEST_CASE("a host that could not go out goes with its next failure once there is room",
          "[outlier][cap]") {
  fleet f{10};
  f.record(0, 0, 5);
  f.record(1, 0, 7);
  CHECK(f.up(1));
  f.now += 30s;
  CHECK(f.set.record(f.hosts[1], verdict::failure, f.now));
  CHECK(f.up(0));
  CHECK_FALSE(f.up(1));
}

TEST_CASE("a success rate far below the mean ejects at the end of the interval",
          "[outlier][rate]") {
  fleet f{10, {.consecutive_failures = 0}};
  for (std::size_t h = 0; h < 9; ++h) f.mix(h, 200, 2);
  f.mix(9, 200, 60);
  f.now += 10s - 1ns;
  CHECK_FALSE(f.set.tick(f.now).evaluated);
  CHECK(f.up(9));
  f.now += 1ns;
  const auto t = f.set.tick(f.now);
  CHECK(t.evaluated);
  CHECK(t.ejected == 1);
  CHECK_FALSE(f.up(9));
  CHECK(f.set.snapshot(f.hosts[9], f.now).cause == outlier_cause::success_rate);
  CHECK(f.set.fleet().mean_success == 9'610);
}

TEST_CASE(
    "a success rate exactly so many deviations below the mean ejects and one above that does not",
    "[outlier][rate]") {
  // Half of the hosts at 0 and half at 100 percent: each is one deviation from the mean.
  const auto factor = GENERATE(99U, 100U, 101U);
  fleet f{10, {.consecutive_failures = 0, .success_rate_factor = factor}};
  for (std::size_t h = 0; h < 10; ++h) f.mix(h, 100, h < 5 ? 100 : 0);
  CHECK(f.next_interval().ejected == (factor <= 100 ? 1U : 0U));
}

TEST_CASE("hosts that all fail alike are not outliers", "[outlier][rate]") {
  fleet f{10, {.consecutive_failures = 0}};
  for (std::size_t h = 0; h < 10; ++h) f.mix(h, 200, 120);
  CHECK(f.next_interval().ejected == 0);
  CHECK(f.set.fleet().scope == outlier_scope::fleet);
}

TEST_CASE("hosts with too few requests neither go nor count and too few hosts judge nobody",
          "[outlier][rate]") {
  const auto requests = GENERATE(99, 100);
  fleet f{5, {.consecutive_failures = 0, .success_rate_factor = 100}};
  for (std::size_t h = 0; h < 4; ++h) f.mix(h, 100, 0);
  f.mix(4, requests, 90);
  CHECK(f.next_interval().ejected == (requests == 100 ? 1U : 0U));
}

TEST_CASE("a failure percentage ejects at the number and not below", "[outlier][percent]") {
  const auto failures = GENERATE(39, 40);
  fleet f{10, {.consecutive_failures = 0, .success_rate_factor = 0, .failure_percent = 40}};
  for (std::size_t h = 0; h < 9; ++h) f.mix(h, 100, 10);
  f.mix(9, 100, failures);
  CHECK(f.next_interval().ejected == (failures == 40 ? 1U : 0U));
  if (failures == 40)
    CHECK(f.set.snapshot(f.hosts[9], f.now).cause == outlier_cause::failure_percent);
}

TEST_CASE("if not all may go the worst go first", "[outlier][cap]") {
  fleet f{10,
          {.consecutive_failures = 0,
           .success_rate_factor = 0,
           .failure_percent = 40,
           .max_ejected_percent = 20}};
  for (std::size_t h = 0; h < 10; ++h) f.mix(h, 100, h < 5 ? 50 + static_cast<int>(h) * 5 : 0);
  CHECK(f.next_interval().ejected == 2);
  CHECK_FALSE(f.up(4));
  CHECK_FALSE(f.up(3));
  CHECK(f.up(2));
  CHECK(f.set.fleet().overflow == 1);
}

TEST_CASE("an active health check puts a host back at once", "[outlier]") {
  fleet f{10};
  f.record(0, 0, 5);
  CHECK(f.set.restore(f.hosts[0]));
  CHECK(f.up(0));
  CHECK_FALSE(f.set.restore(f.hosts[0]));
  f.record(0, 0, 4);
  CHECK(f.up(0));
  CHECK(f.set.eject(f.hosts[0], f.now));
  CHECK_FALSE(f.set.eject(f.hosts[0], f.now));
  CHECK(f.set.snapshot(f.hosts[0], f.now).cause == outlier_cause::manual);
  CHECK(f.set.snapshot(f.hosts[0], f.now).remaining == 60s);
}

TEST_CASE("failures count alike however fast they come", "[outlier]") {
  fleet fast{10};
  fleet slow{10};
  for (int i = 0; i < 5; ++i) {
    fast.record(0, 0, 1);
    slow.now += 3s;
    slow.record(0, 0, 1);
  }
  CHECK_FALSE(fast.up(0));
  CHECK_FALSE(slow.up(0));
}

TEST_CASE("the scope tells this host from everything", "[outlier][fleet]") {
  fleet f{10};
  CHECK(f.set.fleet().scope == outlier_scope::none);
  f.record(0, 0, 5);
  CHECK(f.set.fleet().scope == outlier_scope::hosts);
  for (std::size_t h = 1; h < 5; ++h) f.record(h, 0, 5);
  CHECK(f.set.fleet().scope == outlier_scope::hosts);
  f.record(5, 0, 5);  // six of ten
  CHECK(f.set.fleet().scope == outlier_scope::fleet);
  CHECK(to_string(f.set.fleet().scope) == "fleet");
}

TEST_CASE("a place that is taken again is another host", "[outlier]") {
  outlier_ejection set{{.capacity = 2}};
  const outlier_host a = *set.add();
  const outlier_host b = *set.add();
  CHECK_FALSE(set.add());
  CHECK(set.eject(a, start));
  CHECK(set.remove(a));
  CHECK_FALSE(set.remove(a));
  CHECK_FALSE(set.available(a, start));
  CHECK(set.fleet().ejected == 0);
  CHECK(set.fleet().hosts == 1);
  const outlier_host c = *set.add();
  CHECK(c.index == a.index);
  CHECK_FALSE(c == a);
  for (int i = 0; i < 10; ++i) set.record(a, verdict::failure, start);
  CHECK(set.available(c, start));
  CHECK(set.snapshot(c, start).failed == 0);
  CHECK_FALSE(set.snapshot(a, start).known);
  CHECK_FALSE(set.available(outlier_host{}, start));
  CHECK_FALSE(set.available(outlier_host{77, 1}, start));
  CHECK(set.available(b, start));
}

TEST_CASE("pick gives each host in service the same chance and none that is out", "[outlier]") {
  fleet f{10, {.max_ejected_percent = 50}};
  for (const std::size_t h : {1U, 2U, 7U}) f.record(h, 0, 5);
  std::vector<int> picked(10);
  for (std::uint64_t n = 0; n < 700; ++n) ++picked[f.set.pick(n, f.now)->index];
  CHECK(picked == std::vector<int>{100, 0, 0, 100, 100, 100, 100, 0, 100, 100});
}

TEST_CASE("full counts are halved so that their share stays", "[outlier]") {
  gabion::detail::outlier_tally t;
  for (int i = 0; i < 4'000'000; ++i) t = t.counted(i % 4 == 0);
  CHECK(t.succeeded() > 400'000);
  CHECK(std::abs(t.failed() * 3.0 / t.succeeded() - 1) < 0.01);
  for (int i = 0; i < 70'000; ++i) t = t.counted(true);
  CHECK(t.in_row() == 65'535);
}

TEST_CASE("the spread in integers is that of floating point", "[outlier][model]") {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    xoshiro256 random{seed};
    std::vector<std::uint32_t> rates(gabion::uniform(random, 1, 1024));
    gabion::detail::rate_spread spread;
    double sum = 0;
    for (auto& r : rates) {
      r = static_cast<std::uint32_t>(gabion::uniform(random, seed % 3 == 0 ? 9'900 : 0, 10'000));
      spread.add(r);
      sum += r;
    }
    const double mean = sum / static_cast<double>(rates.size());
    double squares = 0;
    for (const auto r : rates) squares += (r - mean) * (r - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rates.size()));
    const auto factor = static_cast<std::uint32_t>(gabion::uniform(random, 1, 400));
    for (std::size_t i = 0; i < rates.size(); i += 97) {
      const double below = mean - rates[i] - factor / 100.0 * deviation;
      if (std::abs(below) < 1e-6) continue;
      REQUIRE(spread.outlying(rates[i], factor) == (below > 0));
    }
  }
}

namespace {

/// Consecutive failures and the cap, host by host, with nothing clever.
struct naive_set {
  struct host {
    int row = 0;
    int times = 0;
    std::optional<instant> until{};
  };
  std::vector<host> hosts;
  std::size_t out = 0;

  void expire(instant now) {
    for (host& h : hosts)
      if (h.until && *h.until <= now) {
        h.until.reset();
        h.row = 0;
        --out;
      }
  }
  void record(std::size_t i, bool failed, instant now, std::size_t allowed) {
    expire(now);
    host& h = hosts[i];
    if (h.until) return;
    h.row = failed ? h.row + 1 : 0;
    if (h.row < 3 || out >= allowed) return;
    ++h.times;
    h.until = now + (std::min)(duration{30s * h.times}, duration{100s});
    ++out;
  }
};

}  // namespace

TEST_CASE("ejection does what a plain list of hosts does", "[outlier][model]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    xoshiro256 random{seed};
    const auto n = static_cast<std::uint32_t>(gabion::uniform(random, 2, 20));
    const auto percent = static_cast<std::uint32_t>(gabion::uniform(random, 1, 99));
    outlier_ejection set{{.capacity = n,
                          .consecutive_failures = 3,
                          .max_time = 100s,
                          .jitter_percent = 0,
                          .max_ejected_percent = percent}};
    std::vector<outlier_host> hosts;
    for (std::uint32_t i = 0; i < n; ++i) hosts.push_back(*set.add());
    naive_set naive{std::vector<naive_set::host>(n)};
    const std::size_t allowed = (std::max)(1U, n * percent / 100);
    instant now = start;
    for (int i = 0; i < 150; ++i) {
      now += duration{static_cast<duration::rep>(gabion::uniform(random, 10'000'000'000))};
      const auto h = static_cast<std::size_t>(gabion::uniform(random, n));
      const bool failed = gabion::uniform(random, 3) != 0;
      set.record(hosts[h], failed ? verdict::failure : verdict::success, now);
      naive.record(h, failed, now, allowed);
      for (std::size_t k = 0; k < n; ++k)
        REQUIRE(set.available(hosts[k], now) == !naive.hosts[k].until.has_value());
      REQUIRE(set.fleet().ejected == naive.out);
      REQUIRE(naive.out <= allowed);
      REQUIRE(naive.out < n);
    }
  }
}

TEST_CASE("each option of an outlier ejection is checked at both bounds and named",
          "[outlier][options]") {
  const auto make = [](outlier_options o) {
    const std::string text = complaint([&] { outlier_ejection set{o}; });
    CHECK(valid(o) == text.empty());
    return text;
  };
  CHECK(make({}).empty());
  CHECK(make({.capacity = 1,
              .consecutive_failures = 0,
              .success_rate_factor = 0,
              .minimum_requests = 1,
              .minimum_hosts = 1})
            .empty());
  CHECK(make({.capacity = 1024,
              .consecutive_failures = 65'535,
              .success_rate_factor = 400,
              .failure_percent = 100})
            .empty());
  CHECK(make({.minimum_requests = 1'000'000,
              .minimum_hosts = 1024,
              .interval = 1ns,
              .base_time = 1ns,
              .max_time = 1ns})
            .empty());
  CHECK(make({.jitter_percent = 100, .max_ejected_percent = 100, .fleet_failure_percent = 100})
            .empty());
  CHECK(make({.jitter_percent = 0, .max_ejected_percent = 1, .fleet_failure_percent = 1}).empty());
  CHECK(make({.capacity = 0}).find("outlier_options.capacity is 0; allowed: 1 to 1024") == 0);
  CHECK(make({.capacity = 1025}).find("outlier_options.capacity is 1025") == 0);
  CHECK(make({.consecutive_failures = 65'536})
            .find("outlier_options.consecutive_failures is 65536; allowed: 0 to 65535") == 0);
  CHECK(make({.success_rate_factor = 401})
            .find("outlier_options.success_rate_factor is 401; allowed: 0 to 400") == 0);
  CHECK(make({.failure_percent = 101})
            .find("outlier_options.failure_percent is 101; allowed: 0 to 100") == 0);
  CHECK(make({.minimum_requests = 0})
            .find("outlier_options.minimum_requests is 0; allowed: 1 to 1000000") == 0);
  CHECK(make({.minimum_requests = 1'000'001}).find("outlier_options.minimum_requests is 1000001") ==
        0);
  CHECK(make({.minimum_hosts = 0}).find("outlier_options.minimum_hosts is 0; allowed: 1 to 1024") ==
        0);
  CHECK(make({.minimum_hosts = 1025}).find("outlier_options.minimum_hosts is 1025") == 0);
  CHECK(make({.interval = 0ns}).find("outlier_options.interval is 0 ns; allowed: more than 0 ns") ==
        0);
  CHECK(
      make({.base_time = 0ns}).find("outlier_options.base_time is 0 ns; allowed: more than 0 ns") ==
      0);
  CHECK(make({.base_time = 2s, .max_time = 1s})
            .find("outlier_options.max_time is 1000000000 ns; allowed: base_time or more") == 0);
  CHECK(make({.jitter_percent = 101})
            .find("outlier_options.jitter_percent is 101; allowed: 0 to 100") == 0);
  CHECK(make({.max_ejected_percent = 0})
            .find("outlier_options.max_ejected_percent is 0; allowed: 1 to 100") == 0);
  CHECK(make({.max_ejected_percent = 101}).find("outlier_options.max_ejected_percent is 101") == 0);
  CHECK(make({.fleet_failure_percent = 0})
            .find("outlier_options.fleet_failure_percent is 0; allowed: 1 to 100") == 0);
  CHECK(make({.fleet_failure_percent = 101}).find("outlier_options.fleet_failure_percent is 101") ==
        0);
}
