// SPDX-License-Identifier: MIT
// Runs seeded random sequences against the breaker and its model. A sequence after which they
// differ is made as short as it gets and printed as code.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "resilience/circuit_random.hpp"
#include "resilience/circuit_shrink.hpp"

using namespace circuit_model;

namespace {

void report(const char* program, std::uint64_t seed, const sequence& s) {
  const sequence least = shrinker{s}.shrunk();
  const auto found = run(least);
  std::printf("caught: seed %llu, after these %zu steps:\n%s  %s\n",
              static_cast<unsigned long long>(seed), least.operations.size(),
              code_of(least).c_str(), found->what.c_str());
  std::printf("replay: %s --seed %llu\n", program, static_cast<unsigned long long>(seed));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1, sequences = 10'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--sequences") == 0)
      sequences = value;
    else if (std::strcmp(argv[i], "--first") == 0)
      first = value;
    else if (std::strcmp(argv[i], "--seed") == 0)
      first = value, sequences = 1;
    else
      return std::fprintf(stderr, "usage: %s [--first N] [--sequences N] [--seed N]\n", argv[0]), 2;
  }
  coverage seen;
  for (std::uint64_t seed = first; seed < first + sequences; ++seed) {
    const sequence s = generator{seed}.make();
    if (!run(s, &seen)) continue;
    report(argv[0], seed, s);
    return 1;
  }
  std::printf("%llu sequences, no difference\n", static_cast<unsigned long long>(sequences));
  bool vacuous = false;
  const auto show = [&](std::string_view what, std::uint64_t times) {
    std::printf("  %-32s %llu\n", std::string{what}.c_str(),
                static_cast<unsigned long long>(times));
    vacuous = vacuous || (sequences >= 10'000 && times < 10);
  };
  // some are only names: those that trip() and reset() were not given here
  for (std::size_t i = 0; i < seen.causes.size(); ++i)
    if (const auto cause = static_cast<circuit_cause>(i); cause <= circuit_cause::ramp_finished ||
                                                          cause == circuit_cause::mode_changed ||
                                                          cause == circuit_cause::restored)
      show(to_string(cause), seen.causes[i]);
  for (std::size_t i = 0; i < seen.refusals.size(); ++i)
    show("rejected: " + std::string{to_string(static_cast<circuit_refusal>(i))}, seen.refusals[i]);
  show("would open", seen.events[static_cast<std::size_t>(told::kind::would_open)]);
  show("late", seen.events[static_cast<std::size_t>(told::kind::late)]);
  if (vacuous) std::printf("too few of something: the run proves nothing about it\n");
  return vacuous ? 4 : 0;
}
