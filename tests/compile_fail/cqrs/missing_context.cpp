// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/command_context.hpp>

struct place_order {};

int main() {
  gabion::command_bus bus{
      gabion::handle([](const place_order&, gabion::command_context&) { return 0; })};
#ifdef GABION_MUST_FAIL
  return bus.send(place_order{});
#else
  return bus.send(place_order{}, gabion::command_context{});
#endif
}
