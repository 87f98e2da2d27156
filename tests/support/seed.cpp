// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "support/seed.hpp"

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <pthread.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace {

std::atomic<std::uint64_t> state{1};
std::atomic<std::uint64_t> forks{0};

// Processes forked by one test must not draw the same ids and owners.
[[maybe_unused]] const int at_fork =
    ::pthread_atfork(nullptr, [] { ++forks; }, [] { state ^= (forks + 1) * 0xd1342543de82ef95U; });

/// Returns the next number of splitmix64. May be called concurrently.
std::uint64_t next_seed() noexcept {
  std::uint64_t z = state.fetch_add(0x9e3779b97f4a7c15U) + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

std::uint64_t hash_of(const std::string& name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

// A value in Catch2 2, a pointer in Catch2 3.
template <class Stats>
const Catch::TestCaseInfo& info_of(const Stats& stats) {
  if constexpr (requires { stats.testInfo->name; })
    return *stats.testInfo;
  else
    return stats.testInfo;
}

#if CATCH_VERSION_MAJOR >= 3
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

/// Seeds each test case, and prints the seed if the case fails.
class seed_listener : public listener_base {
 public:
  using listener_base::listener_base;

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    gabion_test::restart_seeds(gabion_test::run_seed() ^ hash_of(test.name));
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const Catch::TestCaseInfo& test = info_of(stats);
    if (stats.totals.assertions.failed == 0 || test.okToFail()) return;
    std::fprintf(stderr, "GABION_TEST_SEED=%llu was the seed of '%s'\n",
                 static_cast<unsigned long long>(gabion_test::run_seed()), test.name.c_str());
  }
};

CATCH_REGISTER_LISTENER(seed_listener)

}  // namespace

std::uint64_t gabion_test::run_seed() noexcept {
  const char* const chosen = std::getenv("GABION_TEST_SEED");
  return chosen == nullptr ? 1 : std::strtoull(chosen, nullptr, 10);
}

void gabion_test::restart_seeds(std::uint64_t from) noexcept {
  state = from;
  forks = 0;
}

/// Replaces the function of the C library in this program.
extern "C" int getentropy(void* buffer, std::size_t length) {
  auto* to = static_cast<unsigned char*>(buffer);
  while (length != 0) {
    const std::uint64_t drawn = next_seed();
    const std::size_t size = length < sizeof drawn ? length : sizeof drawn;
    std::memcpy(to, &drawn, size);
    to += size;
    length -= size;
  }
  return 0;
}
