// SPDX-License-Identifier: MIT
// A payment provider goes down for a while. The breaker stops calling it; the fallback queues the
// payments for later.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <gabion/circuit_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

using namespace std::chrono_literals;

namespace {

struct provider {
  bool up = true;
  int called = 0;

  std::string charge(int order) {
    ++called;
    if (!up) throw std::runtime_error{"connection refused"};
    return "charged order " + std::to_string(order);
  }
};

}  // namespace

int main() {
  gabion::testing::manual_time time;  // a program of yours leaves the clock out
  gabion::basic_circuit_breaker breaker{
      gabion::presets::payment_api(), time.clock(), [](const gabion::circuit_transition& t) {
        std::printf("  [%s: %s -> %s, %s]\n", t.name.data(), to_string(t.from).data(),
                    to_string(t.to).data(), to_string(t.cause).data());
      }};
  provider payments;
  const auto pay = [&](int order) {
    const std::string answer =
        breaker.call([&] { return payments.charge(order); },
                     [&] { return "queued order " + std::to_string(order) + " for later"; });
    std::printf("%s\n", answer.c_str());
  };

  pay(1);
  payments.up = false;
  for (int order = 2; order <= 7; ++order) pay(order);

  payments.up = true;
  time.advance(60s);
  for (int order = 8; order <= 10; ++order) pay(order);
  std::printf("the provider was called %d times for 10 orders\n", payments.called);
}
