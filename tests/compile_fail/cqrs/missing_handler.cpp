// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

struct place_order {};
struct cancel_order {};

int main() {
  gabion::command_bus bus{gabion::handle([](const place_order&) { return 0; })};
#ifdef GABION_MUST_FAIL
  return bus.send(cancel_order{});
#else
  return bus.send(place_order{});
#endif
}
