// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

struct place_order {};
struct cancel_order {};

int main() {
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{gabion::commands<place_order, cancel_order>{},
                          gabion::handle([](const place_order&) { return 0; })};
#else
  gabion::command_bus bus{gabion::commands<place_order>{},
                          gabion::handle([](const place_order&) { return 0; })};
#endif
  return bus.send(place_order{});
}
