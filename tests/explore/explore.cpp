// SPDX-License-Identifier: MIT
// The long exploration: every scenario to exhaustion, then every schedule with up to three
// preemptions, then random walks, until so many executions have been run. "explore --only NAME
// --replay SCHEDULE" runs one execution again and shows its trace.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "explore/all_scenarios.hpp"

namespace {

using explored::scenario;
using gabion::testing::exploration;
using gabion::testing::explorer;
using gabion::testing::explorer_options;
using gabion::testing::search_by;

struct totals {
  std::size_t executions = 0;  // without those that were seen before
  std::uint64_t steps = 0;
  std::size_t exhausted = 0;
  bool failed = false;
};

bool take(totals& t, const scenario& s, std::string_view how, const exploration& found) {
  t.executions += found.executions - found.redundant;
  t.steps += found.steps;
  if (found) return true;
  t.failed = true;
  std::printf("%.*s, %.*s: %s\n", static_cast<int>(s.name.size()), s.name.data(),
              static_cast<int>(how.size()), how.data(), found.summary().c_str());
  return false;
}

void explore(totals& all, const scenario& s, std::size_t share) {
  totals t;
  const auto left = [&] { return share > t.executions ? share - t.executions : 1; };
  const exploration whole = explorer{{.max_executions = 5'000'000}}.run(s.run);
  const exploration spurious =
      explorer{{.max_executions = 5'000'000, .spurious_failures = 2}}.run(s.run);
  bool good =
      take(t, s, "whole", whole) && take(t, s, "with exchanges that fail for nothing", spurious);
  exploration bounded;
  for (std::size_t preemptions = 2; good && preemptions <= 3 && t.executions < share;
       ++preemptions) {
    bounded =
        explorer{{.max_executions = left(), .preemptions = preemptions, .spurious_failures = 1}}
            .run(s.run);
    good = take(t, s, "bounded", bounded);
  }
  if (good && t.executions < share)
    take(t, s, "walk",
         explorer{
             {.max_executions = left(), .spurious_failures = 2, .search = search_by::random_walk}}
             .run(s.run));
  std::printf("%-62.*s %9zu executions, %7zu to exhaustion%s, deepest %zu\n",
              static_cast<int>(s.name.size()), s.name.data(), t.executions,
              whole.executions - whole.redundant, whole.exhausted ? "" : " (NOT)", whole.deepest);
  all.executions += t.executions;
  all.steps += t.steps;
  all.exhausted += whole.exhausted ? 1 : 0;
  all.failed = all.failed || t.failed;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t executions = 1'000'000;
  std::string_view only;
  std::string_view replay;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option{argv[i]};
    if (option == "--executions")
      executions = static_cast<std::size_t>(std::strtoull(argv[i + 1], nullptr, 10));
    if (option == "--only") only = argv[i + 1];
    if (option == "--replay") replay = argv[i + 1];
  }
  std::vector<scenario> scenarios;
  explored::for_each_scenario([&](const scenario& s) {
    if (only.empty() || s.name == only) scenarios.push_back(s);
  });
  if (scenarios.empty() || argc % 2 == 0) {
    std::printf("explore [--executions N] [--only NAME [--replay SCHEDULE]]\n");
    return 2;
  }
  if (!replay.empty()) {
    const exploration found =
        explorer{{.replay = replay, .spurious_failures = 2}}.run(scenarios.front().run);
    std::printf("%s\n", found.summary().c_str());
    return found ? 0 : 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  totals all;
  std::size_t left = scenarios.size();
  for (const scenario& s : scenarios) {
    const std::size_t wanted = executions > all.executions ? executions - all.executions : 0;
    explore(all, s, wanted / left--);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%zu scenarios, %zu exhausted; %zu executions, %.0f million steps in %.1f s (%.0f "
      "executions/s)\n",
      scenarios.size(), all.exhausted, all.executions, static_cast<double>(all.steps) / 1e6,
      took.count(), static_cast<double>(all.executions) / took.count());
  return all.failed ? 1 : 0;
}
