// SPDX-License-Identifier: MIT
// Would a stricter configuration have been better? It runs beside the live one for a day with two
// troubles, and decides nothing.
#include <chrono>
#include <cstdio>
#include <optional>

#include <gabion/resilience/shadow_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

using namespace std::chrono_literals;

namespace {

/// A rate service: one request a minute. It stumbles a little at 6:00, and is down from 14:00 to
/// 14:30.
std::optional<double> exchange_rate(std::chrono::minutes now) {
  if (now >= 6h && now < 6h + 20min && now.count() % 5 < 2) return std::nullopt;
  if (now >= 14h && now < 14h + 30min) return std::nullopt;
  return 1.09;
}

}  // namespace

int main() {
  gabion::testing::manual_time time;  // a program of yours leaves the clock out
  gabion::basic_shadow_breaker breaker{
      gabion::circuit_breaker_options{
          .failures = 5, .open_for = 10min, .successes_to_close = 1, .name = "rates"},
      gabion::circuit_breaker_options{.failures = 2, .open_for = 5min, .successes_to_close = 1},
      time.clock()};

  int answered = 0;
  for (std::chrono::minutes now = 0min; now < 24h; ++now) {
    if (breaker.call([&] { return exchange_rate(now); })) ++answered;
    time.advance(1min);
    if (now == 7h || now == 24h - 1min) {
      std::printf("after %d hours, %d answers:\n", static_cast<int>((now + 1min) / 1h), answered);
      std::printf("%s\n", to_string(breaker.report()).c_str());
    }
  }

  const gabion::shadow_report report = breaker.report();
  std::printf("the candidate would have spared %d bad calls and cost %d good ones\n",
              static_cast<int>(report.rejected_bad), static_cast<int>(report.rejected_good));
}
