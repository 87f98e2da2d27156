// SPDX-License-Identifier: MIT
// The scenarios of README.md on gabion. Prints library, scenario and ns per call, parted by tabs.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include <gabion/circuit_breaker.hpp>
#if __has_include(<gabion/core/tsc_clock.hpp>)
#include <gabion/core/tsc_clock.hpp>
#endif

namespace {

using namespace std::chrono_literals;

constexpr int calls = 1'000'000;
constexpr int repeats = 15;

constexpr gabion::circuit_breaker_options last_100{
    .failures = 0,
    .window = {.calls = 100, .failure_percent = 50, .minimum_calls = 100},
    .open_for = 1h};
constexpr gabion::circuit_breaker_options time_and_slow{
    .failures = 0,
    .time_window = {.span = 10s, .failure_percent = 50, .minimum_calls = 100, .slow_percent = 100},
    .slow_after = 1min,
    .open_for = 1h};

/// A time that the caller has already.
struct given_clock {
  [[nodiscard]] static gabion::instant now() noexcept { return time; }
  static inline const gabion::instant time = gabion::steady_clock::now();
};

/// Hides a value from the compiler.
template <class T>
T unknown(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

template <class Breaker>
int run(Breaker& breaker, int fail_every) {
  int sum = 0;
  int until_failure = fail_every;
  for (int i = 0; i < calls; ++i) {
    const bool fails = unknown(--until_failure == 0);
    if (fails) until_failure = fail_every;
    const std::optional<int> answer = breaker.call([fails]() -> std::optional<int> {
      if (fails) return std::nullopt;
      return 1;
    });
    sum += answer.value_or(0);
  }
  return sum;
}

/// The same by hand: a permit, then the verdict. Returns how many were admitted.
template <class Breaker>
int permits(Breaker& breaker) {
  int admitted = 0;
  for (int i = 0; i < calls; ++i) {
    auto entry = breaker.try_acquire();
    if (!entry) continue;
    entry->success();
    admitted += unknown(1);
  }
  return admitted;
}

template <class Body>
void report(const char* library, const char* scenario, int expected, Body body) {
  auto least = std::chrono::nanoseconds::max();
  for (int r = 0; r < repeats; ++r) {
    const auto start = std::chrono::steady_clock::now();
    const int sum = body();
    least = std::min(least, std::chrono::nanoseconds{std::chrono::steady_clock::now() - start});
    if (sum != expected) {
      std::fprintf(stderr, "%s %s: %d calls succeeded, not %d\n", library, scenario, sum, expected);
      std::exit(1);
    }
  }
  std::printf("%s\t%s\t%.2f\n", library, scenario, static_cast<double>(least.count()) / calls);
}

void measure_closed(const char* library, const gabion::circuit_breaker_options& options) {
  gabion::circuit_breaker closed{options};
  report(library, "closed_success", calls, [&] { return run(closed, 0); });
  gabion::circuit_breaker failing{options};
  report(library, "closed_10_percent", calls - calls / 10, [&] { return run(failing, 10); });
  gabion::circuit_breaker by_hand{options};
  report(library, "permit_success", calls, [&] { return permits(by_hand); });
  gabion::circuit_breaker shared{options};
  report(library, "two_threads", calls, [&] {
    int other = 0;
    std::thread thread{[&] { other = run(shared, 0); }};
    const int sum = run(shared, 0);
    thread.join();
    return std::min(sum, other);
  });
}

template <class Clock>
void measure_rejection(const char* library) {
  gabion::basic_circuit_breaker<Clock> open{last_100};
  open.trip(1h);
  report(library, "open_rejection", 0, [&] { return run(open, 0); });
  report(library, "permit_rejection", 0, [&] { return permits(open); });
}

template <class Clock>
void measure_clock(const char* name) {
  report(name, "baseline", calls, [] {
    for (int i = 0; i < calls; ++i) unknown(Clock::now().time_since_epoch().count());
    return calls;
  });
}

}  // namespace

int main() {
  static std::atomic<std::uint64_t> word{0};
  report("CAS", "baseline", calls, [] {
    for (int i = 0; i < calls; ++i) {
      std::uint64_t seen = word.load(std::memory_order_acquire);
      while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {}
    }
    return calls;
  });
  measure_clock<gabion::steady_clock>("steady clock reading");
  measure_clock<gabion::coarse_clock>("coarse clock reading");
  measure_closed("gabion", last_100);
  measure_closed("gabion, time window and slow calls", time_and_slow);
  measure_rejection<given_clock>("gabion, time given");
  measure_rejection<gabion::coarse_clock>("gabion, coarse clock");
  measure_rejection<gabion::steady_clock>("gabion, steady clock");
#if __has_include(<gabion/core/tsc_clock.hpp>)
  measure_clock<gabion::tsc_clock>("tsc clock reading");
  measure_rejection<gabion::tsc_clock>("gabion, tsc clock");
#endif
}
