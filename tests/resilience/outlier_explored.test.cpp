// SPDX-License-Identifier: MIT
// Every interleaving of a few threads that eject and bring back hosts.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/outlier_ejection.hpp>
#include <gabion/testing/explorer.hpp>
#include <gabion/testing/explorer_env.hpp>

#include "resilience/adaptive_fixture.hpp"
#include "support/catch.hpp"

using namespace adaptive_tests;
using gabion::outlier_host;
using gabion::testing::explorer;
using gabion::testing::explorer_env;

namespace {

using hosts_under_test = gabion::basic_outlier_ejection<gabion::xoshiro256, explorer_env>;

gabion::outlier_options two_in_a_row(std::uint32_t capacity) {
  return {.capacity = capacity,
          .consecutive_failures = 2,
          .jitter_percent = 0,
          .max_ejected_percent = 50};
}

template <class Scenario>
void check_every_interleaving(Scenario scenario) {
  explorer e;
  const auto found = e.run(scenario);
  INFO(found.summary());
  CHECK(static_cast<bool>(found));
  CHECK(found.exhausted);
  CHECK(found.executions > 10);
}

}  // namespace

TEST_CASE("two hosts that fail at once never both go out if one may", "[outlier][explored]") {
  check_every_interleaving([](explorer& e) {
    hosts_under_test set{two_in_a_row(2), gabion::xoshiro256{1}};
    const std::array hosts{*set.add(), *set.add()};
    for (const outlier_host& h : hosts) set.record(h, verdict::failure, start);
    std::array<bool, 2> ejected{};
    if (!e.threads({[&] { ejected[0] = set.record(hosts[0], verdict::failure, start); },
                    [&] { ejected[1] = set.record(hosts[1], verdict::failure, start); }}))
      return;
    const auto f = set.fleet();
    e.expect(ejected[0] != ejected[1], "not exactly one of them was told that it ejected its host");
    e.expect(f.ejected == 1 && f.ejections == 1 && f.overflow == 1, "the cap was passed");
    e.expect(set.available(hosts[0], start) != set.available(hosts[1], start),
             "not exactly one is in service");
  });
}

TEST_CASE("a host that several callers see fail goes out once", "[outlier][explored]") {
  check_every_interleaving([](explorer& e) {
    hosts_under_test set{two_in_a_row(2), gabion::xoshiro256{1}};
    const outlier_host bad = *set.add();
    static_cast<void>(set.add());
    set.record(bad, verdict::failure, start);
    std::array<bool, 2> ejected{};
    if (!e.threads({[&] { ejected[0] = set.record(bad, verdict::failure, start); },
                    [&] { ejected[1] = set.record(bad, verdict::failure, start); }}))
      return;
    const auto s = set.snapshot(bad, start);
    e.expect(ejected[0] != ejected[1], "it was ejected twice, or not at all");
    e.expect(s.ejections == 1 && s.remaining == 30s, "its time has grown twice");
  });
}

TEST_CASE("a host comes back once and counts from nothing whoever notices that its time is over",
          "[outlier][explored]") {
  check_every_interleaving([](explorer& e) {
    hosts_under_test set{two_in_a_row(2), gabion::xoshiro256{1}};
    const outlier_host bad = *set.add();
    static_cast<void>(set.add());
    static_cast<void>(set.eject(bad, start));
    const instant over = start + 30s;
    bool seen = false;
    if (!e.threads({[&] { seen = set.available(bad, over); },
                    [&] { set.record(bad, verdict::failure, over); },
                    [&] { static_cast<void>(set.restore(bad)); }}))
      return;
    e.expect(seen, "its time was over and it was not available");
    const auto f = set.fleet();
    e.expect(f.ejected == 0 && f.late == 0, "it came back more than once, or not");
    e.expect(set.snapshot(bad, over).failures_in_row <= 1, "it counts from before");
  });
}

TEST_CASE("a result for a host that is removed and replaced meanwhile does not eject the new one",
          "[outlier][explored]") {
  check_every_interleaving([](explorer& e) {
    hosts_under_test set{two_in_a_row(2), gabion::xoshiro256{1}};
    const outlier_host old = *set.add();
    static_cast<void>(set.add());
    set.record(old, verdict::failure, start);
    std::array<outlier_host, 1> next{};
    if (!e.threads({[&] { set.record(old, verdict::failure, start); },
                    [&] {
                      set.remove(old);
                      next[0] = *set.add();
                    }}))
      return;
    e.expect(set.available(next[0], start), "the new host is out");
    e.expect(set.snapshot(next[0], start).failures_in_row == 0,
             "the new host has the failures of the old one");
    e.expect(set.fleet().ejected == 0 && set.fleet().hosts == 2, "the counts do not hang together");
  });
}
