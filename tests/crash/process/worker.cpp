// SPDX-License-Identifier: MIT
#include "worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <thread>

#include "service.hpp"

namespace gabion_test::crash {

namespace {

/// The commands of this life: first again every second of those that were begun and not
/// acknowledged, then new ones. The others stay as the crash left them, which must be whole or not
/// at all.
struct agenda {
  agenda(const life& l, const journal_content& before) {
    for (const std::uint64_t number : before.begun)
      if (!before.acknowledged.contains(number) && number % 2 == 0) again.insert(number);
    const std::uint64_t next =
        before.begun.empty() ? 1 : *std::max_element(before.begun.begin(), before.begun.end()) + 1;
    for (std::uint64_t i = 0; i < l.commands; ++i) fresh.push_back({next + i});
  }

  std::set<std::uint64_t> again{};
  std::vector<command> fresh{};
};

void execute(service& s, journal& log, const command& c, bool again) {
  const as_part writing{"writer"};
  if (!again) log.intent(c);
  s.execute(c, again);
  log.outcome(c);
}

template <class Engine>
std::uint64_t step(Engine& engine, const char* part) {
  const as_part working{part};
  return engine.run_once();
}

/// Everything in one loop, so that the n-th time at a failpoint is the same moment in every run.
int run_in_one_loop(service& s, journal& log, const agenda& todo) {
  constexpr int most_idle_rounds = 2000;
  for (const std::uint64_t number : todo.again) execute(s, log, {number}, true);
  std::size_t next = 0;
  for (int idle = 0; idle < most_idle_rounds;) {
    for (int i = 0; i < 3 && next < todo.fresh.size(); ++i)
      execute(s, log, todo.fresh[next++], false);
    std::uint64_t done = step(s.relay, "relay");
    done += step(s.email, "email");
    done += step(s.stock, "stock");
    done += step(s.projector, "projector");
    if (done != 0) continue;
    if (next == todo.fresh.size() && s.at_rest()) return came_to_rest;
    s.mend();
    service_time::passed += duration{10ms}.count();
    s.email.wake();
    s.stock.wake();
    s.projector.wake();
    ++idle;
  }
  return never_came_to_rest;
}

/// A thread for each part, and three that write.
int run_in_threads(service& s, journal& log, const agenda& todo) {
  for (const std::uint64_t number : todo.again) execute(s, log, {number}, true);
  std::vector<std::jthread> running;
  const auto part = [&](auto& engine, const char* name) {
    running.emplace_back([&engine, name](const std::stop_token& stop) {
      const as_part working{name};
      engine.run(stop);
    });
  };
  part(s.relay, "relay");
  part(s.email, "email");
  part(s.stock, "stock");
  part(s.projector, "projector");
  std::vector<std::jthread> writers;
  for (std::size_t w = 0; w < 3; ++w)
    writers.emplace_back([&, w] {
      // Each account has one writer, so none meets a conflict of versions.
      for (const command& c : todo.fresh)
        if (c.number % 3 == w) execute(s, log, c, false);
    });
  writers.clear();
  for (int round = 0; round < 10'000; ++round) {
    if (s.at_rest()) return came_to_rest;
    std::this_thread::sleep_for(1ms);
    if (round % 10 == 9) s.mend();
  }
  return never_came_to_rest;
}

void write_counts(const std::string& path) {
  std::ofstream out{path};
  for (const auto& [point, hits] : failpoints::counts()) out << point << ' ' << hits << '\n';
}

}  // namespace

int live(const life& l) {
  ::alarm(30);  // a life that hangs dies by another signal than the one it is killed with
  failpoints::die_at(l.at);
  service_time::real = l.threads;
  service_time::passed = static_cast<std::int64_t>(l.incarnation) * duration{50ms}.count();
  try {
    const agenda todo{l, read_journal(l.directory + "/journal")};
    journal log{l.directory + "/journal"};
    // In the loop every life has a name of its own and waits for the lease of the dead one to
    // expire; threads reclaim it.
    const std::string owner = l.threads ? "service" : "service-" + std::to_string(l.incarnation);
    // The system keeps what a killed process wrote, synced or not: that would only cost time.
    service s{l.directory, owner, l.threads ? sqlite::durability::full : sqlite::durability::off};
    log.ready();
    const int result = l.threads ? run_in_threads(s, log, todo) : run_in_one_loop(s, log, todo);
    if (!l.counts_to.empty()) write_counts(l.counts_to);
    return result;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "the service failed: %s\n", e.what());
    return failed;
  }
}

}  // namespace gabion_test::crash
