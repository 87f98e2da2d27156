// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

#include <gabion/circuit_breaker.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/handle.hpp>

// What two translation units of one program do with gabion and with the same types of their own.
struct fixed_clock {
  static gabion::instant now() noexcept { return gabion::instant{std::chrono::hours{1}}; }
};
struct place_order {
  int quantity = 0;
};

/// Three failures open the breaker, which refuses two calls; the bus hands a command on. 23.
inline int use_gabion() {
  const gabion::circuit_breaker_options options{.failures = 3,
                                                .open_for = std::chrono::seconds{60}};
  gabion::basic_circuit_breaker<fixed_clock> breaker{options, fixed_clock{}};
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    if (auto admitted = breaker.try_acquire())
      admitted->failure();
    else
      ++refused;
  }
  gabion::command_bus bus{gabion::handle([](const place_order& c) { return c.quantity + 1; })};
  return 10 * refused + bus.send(place_order{2});
}
