// SPDX-License-Identifier: MIT
// Runs the relay and the consumers through seeded storms in virtual time. A seed that breaks a
// promise is printed with the command that replays it.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/run.hpp"

namespace {

constexpr const char* fault_names[] = {
    "rollback",       "store failed",   "store in doubt", "crash",     "pause",     "unavailable",
    "refused some",   "retry",          "ack lost",       "send lost", "duplicate", "rejected",
    "handler failed", "handler poison", "wall jump",      "fenced",    "redriven"};
static_assert(std::size(fault_names) == static_cast<std::size_t>(gabion_sim::fault::kinds));

struct arguments {
  const char* program = "";
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  bool replay = false;
};

arguments parse(int argc, char** argv) {
  arguments a{.program = argv[0]};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seeds") == 0)
      a.seeds = value;
    else if (std::strcmp(argv[i], "--first") == 0)
      a.first = value;
    else if (std::strcmp(argv[i], "--seed") == 0)
      a.first = value, a.seeds = 1, a.replay = true;
    else {
      std::fprintf(stderr, "usage: %s [--seeds N] [--first N] | --seed N\n", argv[0]);
      std::exit(2);
    }
  }
  return a;
}

}  // namespace

int main(int argc, char** argv) {
  const arguments a = parse(argc, argv);
  gabion_sim::fault_counts faults{};
  std::uint64_t messages = 0;
  std::uint64_t duplicates = 0;
  for (std::uint64_t seed = a.first; seed < a.first + a.seeds; ++seed) {
    gabion_sim::run run{seed, a.replay};
    const auto found = run.violations();
    if (!found.empty()) {
      for (const std::string& what : found)
        std::printf("caught: seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
      std::printf("replay: %s --seed %llu\n", a.program, static_cast<unsigned long long>(seed));
      return 1;
    }
    if (seed % 100 == 0) {
      gabion_sim::run again{seed, false};
      (void)again.violations();
      if (again.seen().fingerprint != run.seen().fingerprint) {
        std::printf("not deterministic: seed %llu\n", static_cast<unsigned long long>(seed));
        return 3;
      }
    }
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += run.seen().faults[i];
    messages += run.seen().history.committed.size();
    duplicates += gabion_test::duplicates(run.seen().history);
  }
  std::printf("%llu seeds, %llu messages, %llu duplicates in the log; every promise kept\n",
              static_cast<unsigned long long>(a.seeds), static_cast<unsigned long long>(messages),
              static_cast<unsigned long long>(duplicates));
  bool vacuous = false;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    std::printf("  %-16s %llu\n", fault_names[i], static_cast<unsigned long long>(faults[i]));
    vacuous = vacuous || (a.seeds >= 1000 && faults[i] < 50);
  }
  if (vacuous) std::printf("too few of some fault: the run proves nothing about it\n");
  return vacuous ? 4 : 0;
}
