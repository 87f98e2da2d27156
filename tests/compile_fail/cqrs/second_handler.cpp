// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

struct place_order {};
struct cancel_order {};
int first(const place_order&) { return 0; }
int second(const place_order&) { return 0; }

int main() {
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{gabion::handle(first), gabion::handle([](const cancel_order&) {}),
                          gabion::handle(second)};
#else
  gabion::command_bus bus{gabion::handle(first), gabion::handle([](const cancel_order&) {})};
#endif
  second(place_order{});
  return bus.send(place_order{});
}
