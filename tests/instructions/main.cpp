// SPDX-License-Identifier: MIT
// Runs one scenario so many times, for tools/instructions.py. Without arguments it prints the names of the scenarios.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <gabion/circuit_breaker.hpp>

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

constexpr scenario scenarios[] = {
    {"breaker, consecutive failures: admit and success",
     [](std::uint64_t times) {
       breaker b{{.failures = 5}};
       succeed(b, times);
     }},
    {"breaker, window of the last 100: admit and success",
     [](std::uint64_t times) {
       breaker b{{.failures = 0, .window = {.calls = 100}}};
       succeed(b, times);
     }},
    {"breaker, open: rejection",
     [](std::uint64_t times) {
       breaker b{{.failures = 1}};
       b.try_acquire()->failure();
       std::uint64_t rejected = 0;
       for (std::uint64_t i = 0; i < times; ++i) rejected += b.try_acquire() ? 0 : 1;
       if (rejected != times) std::puts("it was not open");
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    for (const scenario& s : scenarios) std::printf("%.*s\n", static_cast<int>(s.name.size()), s.name.data());
    return 0;
  }
  const std::string_view name{argv[1]};
  const std::string_view number{argv[2]};
  std::uint64_t times = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), times).ec != std::errc{}) return 2;
  for (const scenario& s : scenarios)
    if (s.name == name) return s.run(times), 0;
  std::fprintf(stderr, "no such scenario: %s\n", argv[1]);
  return 2;
}
