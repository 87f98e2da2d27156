// SPDX-License-Identifier: MIT
// Runs one scenario so many times, for tools/instructions.py. Without arguments it prints the names
// of the scenarios.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <gabion/resilience.hpp>

namespace {

using namespace std::chrono_literals;

/// A time that stands still unless a scenario moves it.
struct variable_clock {
  [[nodiscard]] static gabion::instant now() noexcept { return time; }
  static inline gabion::instant time{1h};
};
using breaker = gabion::basic_circuit_breaker<variable_clock>;

struct scenario {
  std::string_view name;
  void (*run)(std::uint64_t times);
};

void succeed(breaker& b, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) b.try_acquire()->success();
}

/// Calls something cheap through a pipeline.
template <class Pipeline>
void call(Pipeline&& guarded, std::uint64_t times) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < times; ++i) sum += guarded.call([i] { return i; });
  if (sum != times * (times - 1) / 2) std::puts("a call was lost");
}

/// Counts what is granted; a scenario in which something is refused measures the wrong thing.
template <class Take>
void granted(std::uint64_t times, Take&& take) {
  std::uint64_t got = 0;
  for (std::uint64_t i = 0; i < times; ++i) got += take() ? 1 : 0;
  if (got != times) std::puts("something was refused");
}

constexpr scenario scenarios[] = {
    {"breaker, consecutive failures: admit and success",
     [](std::uint64_t times) {
       breaker b{{.failures = 5}};
       succeed(b, times);
     }},
    {"breaker, last 100 calls: admit and success",
     [](std::uint64_t times) {
       breaker b{{.failures = 0, .window = {.calls = 100}}};
       succeed(b, times);
     }},
    {"breaker, last 100 calls with slow calls: admit and success",
     [](std::uint64_t times) {
       breaker b{{.failures = 0, .window = {.calls = 100, .slow_percent = 50}, .slow_after = 1s}};
       succeed(b, times);
     }},
    {"breaker, last 10 s with slow calls: admit and success",
     [](std::uint64_t times) {
       breaker b{
           {.failures = 0, .time_window = {.span = 10s, .slow_percent = 50}, .slow_after = 1s}};
       succeed(b, times);
     }},
    {"breaker, open: rejection",
     [](std::uint64_t times) {
       breaker b{{.failures = 1}};
       b.try_acquire()->failure();
       granted(times, [&] { return !b.try_acquire(); });
     }},
    {"bulkhead: acquire and release",
     [](std::uint64_t times) {
       gabion::bulkhead b{{.limit = 10}};
       granted(times, [&] { return static_cast<bool>(b.try_acquire()); });
     }},
    {"token bucket: take",
     [](std::uint64_t times) {
       gabion::token_bucket bucket{{.burst = 1'000'000}};
       granted(times, [&] { return static_cast<bool>(bucket.take(variable_clock::now())); });
     }},
    {"GCRA: take",
     [](std::uint64_t times) {
       gabion::gcra limiter{{.burst = 1'000'000}};
       granted(times, [&] { return static_cast<bool>(limiter.take(variable_clock::now())); });
     }},
    {"concurrency limiter, AIMD: acquire and success",
     [](std::uint64_t times) {
       gabion::basic_concurrency_limiter limiter{gabion::aimd_limit{}};
       granted(times, [&] {
         auto entry = limiter.try_acquire(variable_clock::now());
         if (entry) entry->success(variable_clock::now());
         return static_cast<bool>(entry);
       });
     }},
    {"pipeline of nothing but a breaker: call",
     [](std::uint64_t times) {
       breaker b{{.failures = 5}};
       call(gabion::pipeline(variable_clock{}, b), times);
     }},
    {"pipeline of retry, breaker, token bucket, timeout, bulkhead: call",
     [](std::uint64_t times) {
       gabion::retry_policy retry{};
       breaker b{{.failures = 0, .window = {.calls = 100}}};
       gabion::token_bucket bucket{{.burst = 1'000'000}};
       gabion::timeout_policy limit{{.limit = 1s}};
       gabion::bulkhead places{{.limit = 10}};
       call(gabion::pipeline(variable_clock{}, retry, b, bucket, limit, places), times);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    for (const scenario& s : scenarios)
      std::printf("%.*s\n", static_cast<int>(s.name.size()), s.name.data());
    return 0;
  }
  const std::string_view name{argv[1]};
  const std::string_view number{argv[2]};
  std::uint64_t times = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), times).ec != std::errc{})
    return 2;
  for (const scenario& s : scenarios)
    if (s.name == name) return s.run(times), 0;
  std::fprintf(stderr, "no such scenario: %s\n", argv[1]);
  return 2;
}
