// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

struct place_order {
  using result_type = int;
};

int main() {
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{gabion::handle([](const place_order&) { return 0L; })};
#else
  gabion::command_bus bus{gabion::handle([](const place_order&) { return 0; })};
#endif
  return static_cast<int>(bus.send(place_order{}));
}
