// SPDX-License-Identifier: MIT
// The scenarios of README.md on gabion. Prints library, scenario and ns per call, parted by tabs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include <gabion/circuit_breaker.hpp>

namespace {

using namespace std::chrono_literals;

constexpr int calls = 2'000'000;
constexpr int repeats = 15;

/// The compiler must not know what comes.
template <class T>
T unknown(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

int run(gabion::circuit_breaker& breaker, int fail_every) {
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
  std::printf("%s\t%s\t%.1f\n", library, scenario, static_cast<double>(least.count()) / calls);
}

void measure(const char* library, const gabion::circuit_breaker_options& options) {
  gabion::circuit_breaker closed{options};
  report(library, "closed_success", calls, [&] { return run(closed, 0); });
  gabion::circuit_breaker failing{options};
  report(library, "closed_10_percent", calls - calls / 10, [&] { return run(failing, 10); });
  gabion::circuit_breaker open{options};
  open.trip(1h);
  report(library, "open_rejection", 0, [&] { return run(open, 0); });
  gabion::circuit_breaker shared{options};
  report(library, "two_threads", calls, [&] {
    int other = 0;
    std::thread thread{[&] { other = run(shared, 0); }};
    const int sum = run(shared, 0);
    thread.join();
    return std::min(sum, other);
  });
}

/// What every breaker pays that looks at the time.
void measure_clock() {
  auto least = std::chrono::nanoseconds::max();
  for (int r = 0; r < repeats; ++r) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i)
      unknown(std::chrono::steady_clock::now().time_since_epoch().count());
    least = std::min(least, std::chrono::nanoseconds{std::chrono::steady_clock::now() - start});
  }
  std::printf("floor\tclock\t%.1f\n", static_cast<double>(least.count()) / calls);
}

}  // namespace

int main() {
  measure_clock();
  measure("gabion", {.failures = 0,
                     .window = {.calls = 100, .failure_percent = 50, .minimum_calls = 100},
                     .open_for = 1h});
  measure("gabion, time window and slow calls", {.failures = 0,
                                                 .time_window = {.span = 10s,
                                                                 .failure_percent = 50,
                                                                 .minimum_calls = 100,
                                                                 .slow_percent = 100},
                                                 .slow_after = 1min,
                                                 .open_for = 1h});
}
